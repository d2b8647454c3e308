"""What a run prints at its end."""

from pathlib import Path
from typing import Any

from rich.table import Table

from ecgmm.plain_console import PlainConsole
from ecgmm.terminal import say


def print_metrics(metrics: dict[str, Any], directory: Path) -> None:
    """Print the metrics of Table 2 with their intervals.

    Args:
        metrics: Content of ``metrics.json``.
        directory: The run directory, printed below.
    """
    table = Table()
    table.add_column("metric")
    table.add_column("value", justify="right")
    table.add_column("95 % interval over patients", justify="right")
    for key, entry in metrics.items():
        if key.startswith("test/") and key.count("/") == 1:
            low, high = entry["low"], entry["high"]
            table.add_row(key, _number(entry["value"]), f"{_number(low)} - {_number(high)}")
    console = PlainConsole()
    console.print(table)
    say(directory)  # not through the console, which would break a long path
    if metrics["absent_classes"]:
        console.print(f"left out, not in the test split: {', '.join(metrics['absent_classes'])}")


def left_out_lines(left_out: dict[str, dict[str, int]]) -> list[str]:
    """What the quality limits left out, one line a split.

    Args:
        left_out: Records by limit, by split.
    """
    return [
        f"quality limits left out {sum(counts.values())} records of {split}:"
        f" {', '.join(f'{count} by {limit}' for limit, count in counts.items())}"
        for split, counts in left_out.items()
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
