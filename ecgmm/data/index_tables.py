"""Tables of a raw tree: read as text, cast column by column, and checked before any waveform is opened."""

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from ecgmm.data.drops import Drop, dropped_table
from ecgmm.errors import DataError

_TIME = r"^[1-9][0-9]{3}-[0-9]{1,2}-[0-9]{1,2} +[0-9]{1,2}:[0-9]{1,2}:[0-5]?[0-9]$"
"""Python knows the years 1 to 9999; a second 60 would become the next minute."""


Parse = Callable[[Sequence[str]], Sequence[pl.Expr]]


def _as_text(columns: Sequence[str]) -> Sequence[pl.Expr]:
    return [pl.col(name) for name in columns]


def read_table(path: Path, required: list[str], cure: str, parse: Parse = _as_text) -> pl.DataFrame:
    """Read a CSV.

    Args:
        path: The file.
        required: Columns that must be there.
        cure: What the user should do when the file is not there.
        parse: From the names of the file's columns to what is made of their texts; as it is made while reading, the
            texts are never in memory all at once.

    Returns:
        The table, by default with every column as text; empty fields are null.

    Raises:
        DataError: If the file is missing, is no CSV of UTF-8 text, or lacks a column.
    """
    from ecgmm.data.csv_structure import damaged_line  # numba takes a while, and readers of a finished store need none

    try:
        line = damaged_line(path)
        if line:
            raise DataError(f"{path} is damaged at line {line} (quotes or number of fields); download it again")
        table = pl.scan_csv(path, infer_schema=False, null_values="", glob=False)
        columns = table.collect_schema().names()
        _check_columns(path, columns, required)
        return table.select(parse(columns)).collect()
    except FileNotFoundError:
        raise DataError(f"{path} is missing; {cure}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); {cure}") from None
    except pl.exceptions.NoDataError:
        raise DataError(f"{path} is empty; download it again") from None
    except pl.exceptions.ComputeError:  # its text would show the row
        raise DataError(f"{path} is not UTF-8; save it as UTF-8 or download it again") from None


def _check_columns(path: Path, columns: list[str], required: list[str]) -> None:
    if any("_duplicated_" in column for column in columns):  # polars' name for a second one
        raise DataError(f"{path} names a column twice; use the file as it was published")
    missing = [column for column in required if column not in columns]
    if missing:
        raise DataError(f"{path} has no column {', '.join(missing)}; use the file as it was published")


def to_integer(column: str) -> pl.Expr:
    """A text column as int64 (``11275`` and ``11275.0`` alike), null where it is no whole number."""
    number = pl.col(column).str.strip_chars().str.strip_suffix(".0")
    return number.cast(pl.Int64, strict=False).alias(column)


def to_time(column: str) -> pl.Expr:
    """A text column as datetime, null where it is none."""
    text = pl.col(column).str.strip_chars()
    time = text.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False)
    return pl.when(text.str.contains(_TIME)).then(time).alias(column)


def check_index(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Drop records whose index fields cannot be used (paper, section 4.2).

    Args:
        frame: Columns record, patient and path as in ``SourceIndex``, and bool ``contradicts`` where tables disagree.

    Returns:
        The records that remain, without ``contradicts``, ordered by path (the order they lie in on disk); and the
        records dropped, as ``drops.dropped_table`` makes them.
    """
    numbered = frame.with_row_index("number")
    kept = numbered.unique(frame.columns, keep="first", maintain_order=True)
    dropped = [dropped_table(numbered.join(kept, on="number", how="anti"), Drop.DUPLICATE)]
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
        dropped.append(dropped_table(kept.filter(bad), reason))
        kept = kept.filter(~bad)
    return kept.drop("contradicts", "number").sort("path"), pl.concat(dropped)
