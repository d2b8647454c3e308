"""Many files in flight: threads of one process that wait for the disk at the same time."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

Task = TypeVar("Task")
Done = TypeVar("Done")


def side_by_side(function: Callable[[Task], Done], tasks: Iterable[Task], n_readers: int) -> Iterator[Done]:
    """Results of a function for tasks, in their order.

    Args:
        function: What threads may do at the same time.
        tasks: Few enough to begin all of them.
        n_readers: Threads; 1 does everything in the one that asks.
    """
    return map(function, tasks) if n_readers == 1 else _threads(n_readers).map(function, tasks)


@lru_cache(maxsize=1)
def _threads(n_readers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_readers, "reader")  # started once a process: a unit is done in milliseconds
