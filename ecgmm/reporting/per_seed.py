"""Tables smaller than Table 2: one number per run, brought together over seeds."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, stdev
from typing import TypeAlias

from ecgmm.reporting.escaping import csv_text, markdown_text

Cells: TypeAlias = Mapping[tuple[str, str], list[float]]
"""Values of all seeds by row and column."""


def gather(measured: Iterable[tuple[str, str, float]]) -> dict[tuple[str, str], list[float]]:
    """Collect values by row and column, in order of appearance."""
    cells: dict[tuple[str, str], list[float]] = {}
    for row, column, value in measured:
        cells.setdefault((row, column), []).append(value)
    return cells


def to_markdown(title: str, cells: Cells, columns: Sequence[str]) -> str:
    """A table of means over seeds with their standard deviation, a dash where there is no run."""
    rows = list(dict.fromkeys(row for row, _ in cells))
    lines = [[row, *(_cell(cells.get((row, column), [])) for column in columns)] for row in rows]
    table = [[title, *columns], ["---"] * (len(columns) + 1), *lines]
    return "\n".join(f"| {' | '.join(map(markdown_text, line))} |" for line in table) + "\n"


def to_csv(cells: Cells) -> str:
    """One line per row and column: mean, standard deviation (empty for one seed) and number of seeds."""
    lines = ["row,column,mean,sd,n_seeds"]
    for (row, column), values in cells.items():
        spread = stdev(values) if len(values) > 1 else ""
        names = ",".join('"' + csv_text(name).replace('"', '""') + '"' for name in (row, column))
        lines.append(f"{names},{mean(values)},{spread},{len(values)}")
    return "\n".join(lines) + "\n"


def _cell(values: list[float]) -> str:
    if not values:
        return "–"
    spread = f" ± {stdev(values):.3f}" if len(values) > 1 else ""
    return f"{mean(values):.3f}{spread}"
