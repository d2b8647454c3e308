"""What a run prints at its end."""

from pathlib import Path

from rich.table import Table

from ecgmm.console.plain_console import PlainConsole
from ecgmm.console.terminal import say
from ecgmm.runs.metrics import Metrics
from ecgmm.runs.participants import Participants, lines_of


def print_metrics(metrics: Metrics, directory: Path) -> None:
    """Print the metrics that have intervals, whichever split they are of, and the marks that they carry.

    Args:
        metrics: What was measured.
        directory: The run directory, printed below.
    """
    table = Table()
    table.add_column("metric")
    table.add_column("value", justify="right")
    table.add_column("95 % interval over patients", justify="right")
    shown = {key: metric for key, metric in metrics.measured.items() if key.count("/") == 1}
    for key, metric in shown.items():
        table.add_row(key, _number(metric.value), f"{_number(metric.low)} - {_number(metric.high)}")
    console = PlainConsole()
    console.print(table)
    say(directory)  # not through the console, which would break a long path
    split = next(iter(shown)).split("/")[0]
    if metrics.absent_classes:
        say(f"left out, not in the {split} split: {', '.join(metrics.absent_classes)}")
    if split == "val" and metrics.temperature is not None:
        say("thresholds and temperature were chosen on this split, so what depends on them is too good")
    if metrics.origins is not None and metrics.origins.leaky:
        say("LEAK: labels come from the report that the method also reads; the numbers measure the leak")


def print_participants(participants: Participants) -> None:
    """Print the flow as a table."""
    table = Table(title="Participants", title_justify="left")
    table.add_column("")
    for name in ("all", *(split.split for split in participants.splits)):
        table.add_column(name, justify="right")
    for line in lines_of(participants):
        table.add_row(*line)
    PlainConsole().print(table)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
