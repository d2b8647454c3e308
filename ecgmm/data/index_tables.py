"""Tables of a raw tree: read as text, cast column by column, and checked before any waveform is opened."""

import hashlib
from pathlib import Path

import polars as pl

from ecgmm.data.drops import Drop
from ecgmm.errors import DataError


def read_table(path: Path, required: list[str], cure: str) -> pl.DataFrame:
    """Read a CSV with every column as text.

    Args:
        path: The file.
        required: Columns that must be there.
        cure: What the user should do when the file is not there.

    Returns:
        The table; empty fields are null.

    Raises:
        DataError: If the file is missing, is no CSV, or lacks a column.
    """
    try:
        table = pl.read_csv(path, infer_schema=False, encoding="utf8-lossy")
    except FileNotFoundError:
        raise DataError(f"{path} is missing; {cure}") from None
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path} is no readable CSV ({str(error).splitlines()[0]}); download it again") from None
    missing = [column for column in required if column not in table.columns]
    if missing:
        raise DataError(f"{path} has no column {', '.join(missing)}; use the file as it was published")
    return table


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def to_integer(column: str) -> pl.Expr:
    """A text column as int64 (``11275`` and ``11275.0`` alike), null where it is no whole number."""
    number = pl.col(column).str.strip_chars().str.strip_suffix(".0")
    return number.cast(pl.Int64, strict=False).alias(column)


def to_time(column: str) -> pl.Expr:
    """A text column as datetime, null where it is none."""
    return pl.col(column).str.strip_chars().str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False).alias(column)


def check_index(frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Drop records whose index fields cannot be used (paper, section 4.2).

    Args:
        frame: Columns record, patient and path as in ``SourceIndex``, and bool ``contradicts`` where tables disagree.

    Returns:
        The records that remain, without ``contradicts``, ordered by path (the order they lie in on disk); and the
        drops by reason.
    """
    kept = frame.unique(maintain_order=True)
    dropped = {Drop.DUPLICATE.value: frame.height - kept.height}
    path = pl.col("path")
    number_in_name = path.str.extract(r"(\d+)[^/]*$").cast(pl.Int64, strict=False)
    tests = {
        Drop.KEY_MISSING: pl.any_horizontal(pl.col("record", "patient", "path").is_null()),
        Drop.DUPLICATE: pl.col("record").is_duplicated(),
        Drop.PATH_UNSAFE: path.str.contains(r"^\s*[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)|\x00"),
        Drop.INDEX_CONTRADICTS: pl.col("contradicts") | number_in_name.ne_missing(pl.col("record")),
    }
    for reason, test in tests.items():
        bad = kept.select(test.fill_null(False)).to_series()
        dropped[reason.value] = dropped.get(reason.value, 0) + int(bad.sum())
        kept = kept.filter(~bad)
    return kept.drop("contradicts").sort("path"), {reason: count for reason, count in dropped.items() if count}
