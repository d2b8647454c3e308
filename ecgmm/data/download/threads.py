"""Work in threads whose memory does not grow with the number of items."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_WAITING = 4
"""Items a thread that are in work or wait for it."""


def in_threads(
    work: Callable[[Item], Result], items: Iterable[Item], n_threads: int, stopped: threading.Event
) -> Iterator[Result]:
    """Yield the results as they come, which is in any order; a slow item holds up nobody else's.

    Args:
        work: What is done to each item.
        items: Read only a little ahead of the work.
        n_threads: Number of threads.
        stopped: Set where an error or Ctrl+C ends the iteration early, so that work in hand can end too.
    """
    pool = ThreadPoolExecutor(n_threads)
    running: set[Future[Result]] = set()
    try:
        for item in items:
            running.add(pool.submit(work, item))
            if len(running) >= _WAITING * n_threads:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    except BaseException:
        stopped.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
