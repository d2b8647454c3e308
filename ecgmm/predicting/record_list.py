"""List of records to predict: a table of the owner, checked whole before the first record is read."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from ecgmm.data.sources.own_columns import texts
from ecgmm.data.sources.own_tables import OwnTable, read_own_table
from ecgmm.errors import DataError, printable

COLUMNS = ("record", "report", "id")
_OUTSIDE = r"^(/|[A-Za-z]:)|(^|/)\.\.(/|$)"


class Listed(NamedTuple):
    """A row of a list.

    Attributes:
        record: Path of the record below the root, or None for the report alone.
        report: The report's text, or None for the waveform alone.
        id: The owner's name for it; None without a column of them.
    """

    record: str | None
    report: str | None = None
    id: str | None = None


def read_list(path: Path) -> list[Listed]:
    """Read a list with the columns ``record`` (below the root), ``report`` and ``id``; the first or second may lack.

    Args:
        path: CSV in any of the ways that spreadsheets write it, or parquet; see ``read_own_table``.

    Raises:
        DataError: If it is no such list: names the line of what is wrong.
    """
    table = read_own_table(path)
    names = table.frame.columns
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or not set(names) & set(COLUMNS[:2]):
        what = f"a column {printable(unknown[0])}" if unknown else "neither a column record nor a column report"
        raise DataError(f"{printable(path)} has {what}; its columns are record, report and id, of which id may be left")
    nothing = pl.Series([None] * len(table.frame), dtype=pl.String)
    record, report, own = (texts(table, name) if name in names else nothing for name in COLUMNS)
    record = record.str.replace_all("\\", "/", literal=True)
    cure = "write paths below the folder root=..., or move root up"
    _refuse(table, record.str.contains(_OUTSIDE), "leads out of the folder of the records", cure)
    _refuse(
        table, record.is_null() & report.is_null(), "has neither a record nor a report", "give one, or leave it out"
    )
    if "id" in names:
        _refuse(table, own.is_null(), "has no id", "give every row one, or leave the column out")
        _refuse(table, own.is_duplicated(), "has an id that another has too", "give every row its own")
    return [Listed(*row) for row in zip(record, report, own, strict=True)]


def check_listed(listed: Sequence[Listed]) -> None:
    """Check rows that were not read from a file.

    Raises:
        DataError: As ``read_list``, with the row's number from 1.
    """
    record = pl.Series([one.record for one in listed], dtype=pl.String)
    outside = record.str.contains(_OUTSIDE).fill_null(value=False).arg_true()
    if len(outside):
        raise DataError(f"record {outside[0] + 1} leads out of root; give paths below that folder")


def _refuse(table: OwnTable, wrong: pl.Series, what: str, cure: str) -> None:
    rows = wrong.fill_null(value=False).arg_true()
    if len(rows):
        also = f", and {len(rows) - 1:,} more" if len(rows) > 1 else ""
        raise DataError(f"{printable(table.path)} line {table.lines[int(rows[0])]} {what}{also}; {cure}")
