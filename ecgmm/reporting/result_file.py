"""A small table with notes: what a command prints, and the file that the results of the site are made of."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.reporting.command import save_and_say
from ecgmm.reporting.escaping import csv_text, markdown_text


@dataclass(frozen=True)
class ResultTable:
    """Cells with a header and notes.

    Attributes:
        notes: Sentences on where the numbers are from.
        header: Names of the columns.
        rows: As many cells each.
    """

    notes: Sequence[str]
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def to_markdown(self) -> str:
        """The table with its notes above, without backticks, which a terminal would show."""
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        shown = [[markdown_text(cell.replace("`", "")) for cell in line] for line in lines]
        table = "\n".join(f"| {' | '.join(line)} |" for line in shown)
        return "\n\n".join([*map(markdown_text, self.notes), table]) + "\n"

    def to_csv(self) -> str:
        """The same as a file of ``docs/results/data``: notes behind ``#``, then header and rows."""
        buffer = io.StringIO()
        buffer.writelines(f"# {csv_text(note)}\n" for note in self.notes)
        writer = csv.writer(buffer, lineterminator="\n")
        # Cells but the first are numbers of ours: an apostrophe before "+0.013 [...]" would be shown.
        writer.writerows([[csv_text(name), *cells] for name, *cells in (self.header, *self.rows)])
        return buffer.getvalue()

    def save(self, folder: Path, name: str) -> None:
        """Write ``<name>.md`` and ``<name>.csv`` into a folder, and print the first."""
        save_and_say(folder, name, self.to_markdown(), self.to_csv())


def interval(estimate: Estimate) -> str:
    """A number with its 95 % interval, such as ``0.902 (0.876–0.924)``."""
    return f"{estimate.value:.3f} ({estimate.low:.3f}–{estimate.high:.3f})"


def row_name(label: str) -> str:
    """Label of a row with its method in code letters, such as ```ecg_only``, two stages``."""
    method, *words = re.split(r"(?=,| )", label, maxsplit=1)
    return "".join([f"`{method}`", *words])
