"""Work that is done in this process, or by several that go when this one goes."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from threading import Thread
from typing import Self, TypeVar

from ecgmm.errors import DataError

Task = TypeVar("Task")
Done = TypeVar("Done")
_AHEAD = 3
"""Tasks handed out for each process: it never waits for the next one, and few results wait for their turn."""
MANY = 50_000
"""Records from which on the start of processes (one to two seconds) costs less than they gain."""


class Workers:
    """Runs tasks in their order; use as a context manager.

    Args:
        n_processes: Processes; 1 does everything in this one.
        warm_up: Done once by each process when it starts, beside what this one does meanwhile.
        setting: Name of the setting that chooses their number, for messages.
    """

    def __init__(self, n_processes: int, warm_up: Callable[[], None], setting: str = "data.n_processes") -> None:
        self._n, self._setting = n_processes, setting
        if n_processes > 1:
            context = multiprocessing.get_context("spawn")  # a fork would copy the locks of polars' threads
            self._pool = ProcessPoolExecutor(n_processes, context, _end_with_parent)
            try:
                self._starting = [self._pool.submit(warm_up) for _ in range(n_processes)]
            except BaseException:  # for want of threads or memory: those that have started would fail with many words
                for child in multiprocessing.active_children():
                    child.kill()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Let the processes go."""
        if self._n > 1:
            self._pool.shutdown(cancel_futures=True)

    def run(self, function: Callable[[Task], Done], tasks: Iterable[Task]) -> Iterator[Done]:
        """Results of ``function`` for the tasks, in their order.

        Raises:
            DataError: If a process was ended from outside.
        """
        if self._n == 1:
            yield from map(function, tasks)
            return
        waiting: deque[Future[Done]] = deque()
        try:
            for task in tasks:
                waiting.append(self._pool.submit(function, task))
                if len(waiting) == self._n * _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise DataError(
                f"a process of {self._setting} was ended from outside, perhaps for want of memory; start again with"
                " fewer, which goes on from here"
            ) from None


def choose_n_processes(wanted: int | None, n_records: int, many: int = MANY) -> int:
    """Number of processes: as wanted, or one for each core where the records are many."""
    if wanted is not None:
        return wanted
    return len(os.sched_getaffinity(0)) if n_records >= many else 1


def _end_with_parent() -> None:
    """End when the process that started this one is gone, however it ended; else this one would wait for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()
