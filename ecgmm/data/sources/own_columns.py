"""Columns of one's own tables as identifiers, numbers, times and words; what is none is refused with its line.

A word for "no value" (``known_values.NO_VALUE``) is null, as an empty cell is.
"""

import hashlib
from collections.abc import Mapping

import polars as pl

from ecgmm.data.sources.known_values import is_no_value, shape
from ecgmm.data.sources.own_tables import OwnTable
from ecgmm.errors import DataError, printable

_FLOAT_OF_ID = r"^(0|[1-9][0-9]*)\.0+$"
_SHORTENED_ID = r"^[0-9]([.,][0-9]+)?[eE]\+[0-9]+$"
_OWN_NUMBER = r"^(0|[1-9][0-9]{0,17})$"
_FIRST_GIVEN = 1 << 62
"""Numbers that are given to names begin here, far above those that tables hold."""
_NUMBER = r"^[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)([eE][+-]?[0-9]{1,3})?$"
_GROUPED = r"^[+-]?[1-9][0-9]{0,2},[0-9]{3}$"
_CLOCK = r"[ ,]+([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?"
_ISO = rf"^[1-9][0-9]{{3}}-[0-9]{{1,2}}-[0-9]{{1,2}}({_CLOCK})?$"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def texts(table: OwnTable, column: str) -> pl.Series:
    """A column as text, null where a cell holds no value."""
    values = table.frame[column]
    return values.set(is_no_value(values), None)


def identifiers(table: OwnTable, column: str) -> pl.Series:
    """A column of names, as text: ``40689238.0`` is ``40689238``, and ``007`` is itself.

    Raises:
        DataError: If a spreadsheet has shortened a number, as in ``4.07E+07``, which others would be too.
    """
    names = texts(table, column)
    _refuse(
        table,
        column,
        names.str.contains(_SHORTENED_ID),
        "shortened by a spreadsheet",
        "format the column as text or whole numbers there, and save it again",
    )
    return names.str.replace(_FLOAT_OF_ID, "$1").alias(column)


def numbers_of(names: pl.Series) -> pl.Series:
    """Numbers of identifiers, int64: a whole number is its own, another name has one made from the name alone.

    So a record keeps its number whatever else a table holds, and in every table.

    Args:
        names: As ``identifiers`` gives them.
    """
    own = pl.when(names.str.contains(_OWN_NUMBER)).then(names.cast(pl.Int64, strict=False))
    distinct = names.unique().drop_nulls().to_list()
    given = {name: _FIRST_GIVEN + _digest(name) for name in distinct}
    other = names.replace_strict(given, return_dtype=pl.Int64) if given else pl.lit(None, dtype=pl.Int64)
    return pl.select(pl.coalesce(own, other).alias(names.name)).to_series()


def _digest(name: str) -> int:
    digest = hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 2


def numbers(table: OwnTable, column: str, low: float, high: float, also: float | None = None) -> pl.Series:
    """A column of numbers from ``low`` to ``high``, or ``also``, as float64; the decimals may stand behind a comma.

    Raises:
        DataError: If a value is none; ``1,234`` might be another number in another country, and is none either.
    """
    values = texts(table, column)
    readable = values.str.contains(_NUMBER) & ~values.str.contains(_GROUPED)
    parsed = values.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    fits = parsed.is_between(low, high) | (parsed == also if also is not None else False)
    wrong = ~(readable & fits.fill_null(value=False))
    _refuse(table, column, wrong & values.is_not_null(), f"no number from {low:g} to {high:g}", _CORRECT)
    return parsed.alias(column)


def integers(table: OwnTable, column: str, low: int, high: int) -> pl.Series:
    """A column of whole numbers from ``low`` to ``high``, int64; ``3.0`` is 3.

    Raises:
        DataError: If a value is none.
    """
    values = texts(table, column)
    parsed = values.str.replace(r"\.0*$", "").cast(pl.Int64, strict=False)
    wrong = ~parsed.is_between(low, high).fill_null(value=False)
    _refuse(table, column, wrong & values.is_not_null(), f"no whole number from {low} to {high}", _CORRECT)
    return parsed.alias(column)


def times(table: OwnTable, column: str) -> pl.Series:
    """A column of dates, or of dates with a time of day, as datetime in microseconds; a date alone is its midnight.

    Understood are ``2020-05-31``, ``2020/05/31``, ``31.05.2020`` and ``31-May-2020``, alone or before ``14:30`` or
    ``14:30:05``, and ``2020-05-31T14:30:05Z``.

    Raises:
        DataError: If a value is none of these; ``05/06/2020`` is a day of May or of June.
    """
    values = texts(table, column)
    text = values.str.replace(r"^([0-9]{4}-[0-9]{1,2}-[0-9]{1,2})T", "$1 ").str.replace(r"(Z|\+00:00)$", "")
    text = text.str.replace(r"^([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})", "$1-$2-$3")
    text = text.str.replace(r"^([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})", "$3-$2-$1")
    for number, month in enumerate(_MONTHS, 1):
        text = text.str.replace(rf"(?i)^([0-9]{{1,2}})[- ]{month}[a-z]*[- ]([0-9]{{4}})", f"$2-{number}-$1")
    known = text.str.contains(_ISO)
    text = text.str.replace(r"[ ,]+", " ").str.replace(r"^([^ ]+)$", "$1 00:00:00")
    text = text.str.replace(r" ([0-9]{1,2}:[0-9]{2})$", " $1:00")
    parsed = text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    wrong = values.is_not_null() & ~(known & parsed.is_not_null())
    _refuse(table, column, wrong, "no time such as 2020-05-31 14:30:00 or 31.05.2020 14:30", _CORRECT)
    return parsed.alias(column)


def words(table: OwnTable, column: str, meanings: Mapping[str, str | None], what: str, cure: str) -> pl.Series:
    """A column of known words, as what they mean.

    Args:
        table: The table.
        column: The column.
        meanings: Meaning of each word in small letters, None for one that says that it is not known.
        what: What a value is that is none of the words, for the message, as in "neither female nor male".
        cure: What the user should do about one.

    Raises:
        DataError: If a value is none of the words.
    """
    values = texts(table, column)
    lower = values.str.to_lowercase()
    _refuse(table, column, values.is_not_null() & ~lower.is_in(list(meanings)), what, cure)
    return lower.replace_strict(dict(meanings), default=None, return_dtype=pl.String).alias(column)


_CORRECT = "correct it, or leave the cell empty"


def _refuse(table: OwnTable, column: str, wrong: pl.Series, what: str, cure: str) -> None:
    places = wrong.fill_null(value=False).arg_true()
    if not len(places):
        return
    first, n_more = int(places[0]), len(places) - 1
    also = f" and {n_more:,} more" if n_more else ""
    raise DataError(
        f"{printable(table.path)} line {table.lines[first]}{also}: column {printable(column)} holds"
        f" {shape(table.frame[column][first])} (9 is a digit, x a letter), which is {what}; {cure}"
    )
