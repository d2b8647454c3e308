"""Files of a table: Markdown, every number unrounded, and the table as a page of results shows it."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from ecgmm.console.terminal import say
from ecgmm.files import write_whole
from ecgmm.reporting.command import save_and_say
from ecgmm.reporting.escaping import csv_text


def csv_of(lines: Sequence[Sequence[object]]) -> str:
    """Lines as CSV, no cell of which a spreadsheet takes for a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([csv_text(cell) if isinstance(cell, str) else cell for cell in line] for line in lines)
    return text.getvalue()


def save_table(out: Path, name: str, markdown: str, numbers: str, table: str) -> None:
    """Write a table in its three forms, and print the first."""
    save_and_say(out, name, markdown, numbers)
    write_whole(out / f"{name}_table.csv", table.encode())
    say(f"saved {out / name}.md, .csv and _table.csv")
