"""A progress bar for work that is done in chunks."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def run_with_progress(chunks: Iterable[int], total: int, what: str) -> None:
    """Run through an iterable to its end, showing a bar on standard error.

    Args:
        chunks: Yields how many items each chunk had, after doing them.
        total: Number of items.
        what: Words beside the bar.
    """
    with _bar() as progress:
        task = progress.add_task(what, total=total)
        for n_items in chunks:
            progress.advance(task, n_items)


@contextmanager
def _bar() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress
