"""A progress bar with rate and time left for work that is done in chunks; lines of text where there is no terminal."""

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

log = logging.getLogger(__name__)
SECONDS_BETWEEN_LINES = 60.0


def run_with_progress(chunks: Iterable[int], total: int, what: str) -> None:
    """Run through an iterable to its end, showing on standard error how far it is.

    Args:
        chunks: Yields how many items each chunk had, after doing them.
        total: Number of items.
        what: Words beside the bar.
    """
    start = said = time.monotonic()
    n_done = 0
    with _bar() as progress:
        task = progress.add_task(what, total=total)
        for n_items in chunks:
            progress.advance(task, n_items)
            n_done += n_items
            now = time.monotonic()
            if progress.disable and now - said > SECONDS_BETWEEN_LINES:
                said = now
                log.info("%s", _line(what, n_done, total, now - start))


def _line(what: str, n_done: int, total: int, seconds: float) -> str:
    rate = n_done / seconds
    left = (total - n_done) / rate if rate else float("inf")
    return f"{what}: {n_done:,} of {total:,}, {rate:,.0f} a second, {left / 60:,.0f} minutes left"


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Items a second."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s", style="progress.data.speed")


@contextmanager
def _bar() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress
