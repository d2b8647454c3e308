"""Tables of a raw tree: read as text, understood column by column, and checked before any waveform is opened."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ecgmm.data.sources.drops import Drop, dropped_table
from ecgmm.data.sources.file_kinds import HEAD_BYTES, other_kind
from ecgmm.data.sources.known_values import check_share, is_filled, is_no_value, words_for_none
from ecgmm.data.sources.tree_reading import plain_file
from ecgmm.errors import DataError, printable
from ecgmm.files import open_regular

_TIME = r"^[1-9][0-9]{3}-[0-9]{1,2}-[0-9]{1,2} +[0-9]{1,2}:[0-9]{1,2}:[0-5]?[0-9](\.[0-9]{1,9})?$"
"""Python knows the years 1 to 9999; a second 60 would become the next minute."""
_NO_OFFSET = r"(Z|\+00:00)$"
"""The one zone that changes no clock; headers hold times without a zone."""
_AS_PUBLISHED = "use the file as it was published"
_UNREADABLE = " unreadable"


@dataclass(frozen=True)
class Kind:
    """Kind of the values of a column.

    Attributes:
        what: Name of the values that are understood, for messages; empty where any text is one.
        parse: From the column's name to its values, null where a text is not understood.
    """

    what: str
    parse: Callable[[str], pl.Expr]


@dataclass(frozen=True)
class Values:
    """Values of a table.

    Attributes:
        frame: The columns asked for; null where a cell holds no value or one that is not understood.
        unreadable: How many values are not understood and how many are words such as nan, of each column that has some,
            as in ``{"record_list.csv ecg_time": 3}``.
    """

    frame: pl.DataFrame
    unreadable: dict[str, int]


def read_values(
    path: Path, kinds: Mapping[str, Kind], cure: str, others: Mapping[re.Pattern[str], Kind] | None = None
) -> Values:
    """Read a CSV and understand its columns.

    Args:
        path: The file.
        kinds: Kind of each column that must be there.
        cure: What the user should do when the file is not there.
        others: Kinds of further columns, by the whole of their name.

    Raises:
        DataError: As ``read_table``, or if too much of a column is not understood (``known_values.check_share``).
    """
    known = dict(kinds)

    def parse(columns: Sequence[str]) -> list[pl.Expr]:
        for pattern, kind in (others or {}).items():
            known.update({name: kind for name in columns if pattern.fullmatch(name)})
        checked = [name for name, kind in known.items() if kind.what]
        bad = [pl.when(known[name].parse(name).is_null() & (pl.col(name) != "")).then(pl.col(name)) for name in checked]
        values = [kind.parse(name) for name, kind in known.items()]
        return [*values, *(text.alias(f"{name}{_UNREADABLE}") for name, text in zip(checked, bad, strict=True))]

    table = read_table(path, list(kinds), cure, parse, tuple(others or {}))
    unreadable: dict[str, int] = {}
    for name, kind in known.items():
        texts = table.get_column(f"{name}{_UNREADABLE}", default=pl.Series(dtype=pl.String)).drop_nulls()
        bad = texts.filter(is_filled(texts))
        what = f"values of column {printable(name)} are no {kind.what}"
        check_share(path, what, len(bad), len(bad) + table[name].count(), next(iter(bad), ""), _AS_PUBLISHED)
        counts = {f"{path.name} {name}": len(bad)} | words_for_none(path, name, int(is_no_value(texts).sum()))
        unreadable |= {column: number for column, number in counts.items() if number}
    return Values(table.select(list(known)), unreadable)


Parse = Callable[[Sequence[str]], Sequence[pl.Expr]]


def _as_text(columns: Sequence[str]) -> Sequence[pl.Expr]:
    return [pl.col(name) for name in columns]


def read_table(
    path: Path, required: list[str], cure: str, parse: Parse = _as_text, others: Sequence[re.Pattern[str]] = ()
) -> pl.DataFrame:
    """Read a CSV.

    Args:
        path: The file.
        required: Columns that must be there.
        cure: What the user should do when the file is not there.
        parse: From the names of the file's columns to what is made of their texts; as it is made while reading, the
            texts are never in memory all at once.
        others: Names of further columns that are read where they are there.

    Returns:
        The table, by default with every column as text; empty fields are null.

    Raises:
        DataError: If the file is missing, is no CSV of UTF-8 text, or lacks a column.
    """
    from ecgmm.data.sources.csv_structure import (
        damaged_line,  # numba takes a while, and readers of a finished store need none
    )

    name = printable(path)
    try:
        with plain_file(path) as plain:
            with open_regular(plain) as file:
                kind = other_kind(file.read(HEAD_BYTES), required)
            if kind is not None:
                raise DataError(f"{name} is {kind[0]}; {kind[1]}")
            line = damaged_line(plain)
            if line:
                raise DataError(
                    f"{name} is damaged at line {line} (quotes, number of fields, or a line without end);"
                    " download it again"
                )
            table = pl.scan_csv(plain, infer_schema=False, null_values="", glob=False)
            columns = table.collect_schema().names()
            _check_columns(name, columns, required, others)
            return table.select(parse(columns)).collect()
    except FileNotFoundError:
        raise DataError(f"{name} is missing; {cure}") from None
    except OSError as error:
        raise DataError(f"{name} cannot be read ({error.strerror}); make it readable for yourself") from None
    except pl.exceptions.NoDataError:
        raise DataError(f"{name} is empty; download it again") from None
    except pl.exceptions.ComputeError:  # its text would show the row
        raise DataError(f"{name} is not UTF-8; save it as UTF-8 or download it again") from None


def _check_columns(path: str, columns: list[str], required: list[str], others: Sequence[re.Pattern[str]]) -> None:
    if any("_duplicated_" in column for column in columns):  # polars' name for a second one
        raise DataError(f"{path} names a column twice; {_AS_PUBLISHED}")
    for column in columns:
        meant = column.strip().lower()
        if meant != column and (meant in required or any(pattern.fullmatch(meant) for pattern in others)):
            raise DataError(f"{path} has a column '{printable(column)}' in place of {meant}; {_AS_PUBLISHED}")
    missing = [column for column in required if column not in columns]
    if missing:
        raise DataError(f"{path} has no column {', '.join(missing)}; {_AS_PUBLISHED}")


def _text(column: str) -> pl.Expr:
    return pl.col(column)


def to_integer(column: str) -> pl.Expr:
    """A text column as int64 (``11275`` and ``11275.0`` alike), null where it is no whole number."""
    number = pl.col(column).str.strip_chars().str.strip_suffix(".0")
    return number.cast(pl.Int64, strict=False).alias(column)


def to_number(column: str) -> pl.Expr:
    """A text column as float32, null where it is no number, or none that is finite in float32."""
    number = pl.col(column).str.strip_chars().cast(pl.Float32, strict=False)
    return pl.when(number.is_finite()).then(number).alias(column)


def to_time(column: str) -> pl.Expr:
    """A text column as datetime, null where it is none.

    Understood are ``2180-07-23 08:44:00`` and the same with ``T``, fractions of a second and the zone Z. What has more
    than one meaning is not: ``7/8/2180 8:44`` is a day of July or of August, and which clock another zone changes is
    nowhere said.
    """
    text = pl.col(column).str.strip_chars().str.replace("T", " ", literal=True).str.replace(_NO_OFFSET, "")
    time = text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    return pl.when(text.str.contains(_TIME)).then(time).alias(column)


def to_choice(*choices: str) -> Callable[[str], pl.Expr]:
    """A text column of one of several words, null where it is none of them."""

    def parse(column: str) -> pl.Expr:
        text = pl.col(column).str.strip_chars()
        return pl.when(text.is_in(choices)).then(text).alias(column)

    return parse


def to_integer_of(first: int, last: int) -> Callable[[str], pl.Expr]:
    """A text column of whole numbers from ``first`` to ``last``, null where it holds none of them."""

    def parse(column: str) -> pl.Expr:
        number = to_integer(column)
        return pl.when(number.is_between(first, last)).then(number).alias(column)

    return parse


TEXT = Kind("", _text)
INTEGER = Kind("whole number", to_integer)
NUMBER = Kind("number", to_number)
TIME = Kind("time such as 2180-07-23 08:44:00", to_time)


def check_index(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Drop records whose index fields cannot be used (paper, section 4.2).

    Args:
        frame: Columns record, patient and path as in ``SourceIndex``, and bool ``contradicts``: whether what the tree
            says of the record disagrees.

    Returns:
        The records that remain, without ``contradicts``, ordered by path (the order they lie in on disk); and the
        records dropped, as ``drops.dropped_table`` makes them.
    """
    numbered = frame.with_row_index("number")
    kept = numbered.unique(frame.columns, keep="first", maintain_order=True)
    dropped = [dropped_table(numbered.join(kept, on="number", how="anti"), Drop.DUPLICATE)]
    tests = {
        Drop.KEY_MISSING: pl.any_horizontal(pl.col("record", "patient", "path").is_null()),
        Drop.DUPLICATE: pl.col("record").is_duplicated(),
        Drop.PATH_UNSAFE: pl.col("path").str.contains(r"^\s*[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)|\x00"),
        Drop.INDEX_CONTRADICTS: pl.col("contradicts"),
    }
    for reason, test in tests.items():
        bad = kept.select(test.fill_null(False)).to_series()
        dropped.append(dropped_table(kept.filter(bad), reason))
        kept = kept.filter(~bad)
    return kept.drop("contradicts", "number").sort("path"), pl.concat(dropped)


def names_another_record() -> pl.Expr:
    """Whether the last number in a file's name, as in ``records100/00000/00017_lr``, is not the id of its record.

    For sources that name their files so; of columns record and path.
    """
    number = pl.col("path").str.extract(r"(\d+)[^/]*$").cast(pl.Int64, strict=False)
    return number.ne_missing(pl.col("record"))
