"""Tables that users make themselves, in a text editor or a spreadsheet: read whatever program saved them, or refused.

A published table is read strictly (``index_tables``), for a change in it is damage. One's own table comes as programs
write it: commas, semicolons, tabs or bars between the cells, UTF-8, UTF-16 or Windows-1252, a byte order mark, any end
of line, packed with gzip, or parquet. What is not understood is refused with its line: its owner can mend it.
"""

import csv
import gzip
import io
import logging
import zlib
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ecgmm.data.sources.file_kinds import HEAD_BYTES, other_kind
from ecgmm.data.sources.tree_reading import plain_file
from ecgmm.errors import DataError, printable
from ecgmm.files import open_regular

MOST_BYTES = 1 << 30
"""Largest table, unpacked: a million records with a page of text each."""
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_UTF_32 = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
_SEPARATORS = ",;\t|"
_LONGEST_CELL = 1 << 20
_NESTED = (pl.List, pl.Array, pl.Struct, pl.Object, pl.Binary)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OwnTable:
    """A table as it was read; ``own_columns`` understands its columns.

    Attributes:
        path: The file.
        frame: Every column that has a name, as text without blanks around it; null where a cell is empty.
        lines: Line of the file at which each row begins, int64; of a parquet file the number of the row, from 1.
    """

    path: Path
    frame: pl.DataFrame
    lines: pl.Series


def read_own_table(path: Path) -> OwnTable:
    """Read a table.

    Args:
        path: CSV in any of the ways that spreadsheets and editors write it, also packed with gzip, or parquet.

    Raises:
        DataError: If the file is missing, cannot be read, or is no table; names the line where there is one.
    """
    name = printable(path)
    try:
        with plain_file(path) as plain, open_regular(plain) as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise DataError(f"{name} is missing; give the path of the table") from None
    except OSError as error:
        raise DataError(f"{name} cannot be read ({error.strerror}); make it readable for yourself") from None
    if content.startswith(_GZIP):
        content = _unpacked(name, content)
    if len(content) > MOST_BYTES:
        raise DataError(f"{name} is larger than {MOST_BYTES:,} bytes; it is no table of records")
    return _parquet(path, content) if content.startswith(_PARQUET) else _delimited(path, _text(name, content))


def _unpacked(name: str, content: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            return file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise DataError(f"{name} is a damaged gzip file; pack it again, or give the table unpacked") from None


def _parquet(path: Path, content: bytes) -> OwnTable:
    name = printable(path)
    try:
        table = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        raise DataError(f"{name} is a damaged parquet file; save it again") from None
    nested = [column for column, kind in table.schema.items() if isinstance(kind, _NESTED)]
    if nested:
        raise DataError(f"{name} has lists or bytes in column {printable(nested[0])}; give one value a cell")
    columns = [_stripped(series.cast(pl.String).alias(series.name.strip())) for series in table if series.name.strip()]
    lines = pl.Series("line", range(1, table.height + 1), dtype=pl.Int64)
    _check_names(name, [column.name for column in columns])
    return _checked(OwnTable(path, pl.DataFrame(columns), lines))


def _text(name: str, content: bytes) -> str:
    """The text of a table in UTF-16 with its mark, UTF-8 or Windows-1252."""
    if content.startswith(_UTF_16) and not content.startswith(_UTF_32):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError as error:
            line = content[: error.start].decode("utf-16", errors="replace").count("\n") + 1
            raise DataError(f"{name} is damaged at line {line} (not UTF-16); save it again as UTF-8") from None
    kind = other_kind(content[:HEAD_BYTES], ())
    if kind is not None:
        raise DataError(f"{name} is {kind[0]}; {kind[1]}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        raise DataError(f"{name} is neither UTF-8 nor Windows-1252 (line {line}); save it as UTF-8") from None
    log.warning(
        "%s is no UTF-8 (line %d) and was read as Windows-1252; save it as UTF-8 if letters look wrong", name, line
    )
    return text


def _delimited(path: Path, text: str) -> OwnTable:
    name = printable(path)
    stream = io.StringIO(text, newline="")  # keeps the ends of lines within quotes
    separator = _separator(stream)
    before = 1 if stream.tell() else 0
    reader = csv.reader(stream, delimiter=separator, strict=True, skipinitialspace=True)
    csv.field_size_limit(_LONGEST_CELL)
    rows: list[list[str]] = []
    lines: list[int] = []
    line = before + 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):  # spreadsheets write rows of separators below a table
                if rows and len(row) != len(rows[0]):
                    raise DataError(
                        f"{name} has {len(row)} cells at line {line} and {len(rows[0])} names of columns; put quotes"
                        f" around cells that hold a {_shown(separator)}, and give every row all its cells"
                    )
                rows.append(row)
                lines.append(line)
            line = before + reader.line_num + 1
    except csv.Error:
        raise DataError(
            f"{name} is damaged at line {line} (quotes that do not end, or a cell without end); save it again"
        ) from None
    if not rows:
        raise DataError(f"{name} is empty; its first line must name the columns")
    names = [cell.strip() for cell in rows[0]]
    _check_names(name, [column for column in names if column])
    cells = zip(*rows[1:], strict=True) if len(rows) > 1 else [()] * len(names)
    columns = [
        _stripped(pl.Series(column, values, dtype=pl.String))
        for column, values in zip(names, cells, strict=True)
        if column  # the numbers of rows that pandas writes have no name, and nor have empty columns
    ]
    return _checked(OwnTable(path, pl.DataFrame(columns), pl.Series("line", lines[1:], dtype=pl.Int64)))


def _separator(stream: io.StringIO) -> str:
    """The separator of a table's cells by its first line, behind which the stream stands if it only says ``sep=;``."""
    first = stream.readline()
    if first.rstrip("\r\n") in [f"sep={separator}" for separator in _SEPARATORS]:
        return first[4]
    stream.seek(0)
    bare = "".join(part for number, part in enumerate(first.split('"')) if number % 2 == 0)
    return max(_SEPARATORS, key=bare.count)


def _shown(separator: str) -> str:
    return {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}[separator]


def _check_names(name: str, columns: list[str]) -> None:
    twice = [column for place, column in enumerate(columns) if column in columns[:place]]
    if twice:
        raise DataError(f"{name} names column {printable(twice[0])} twice; give every column a name of its own")


def _checked(table: OwnTable) -> OwnTable:
    if not table.frame.height:
        raise DataError(f"{printable(table.path)} has no rows below the names of its columns; add the records")
    return table


def _stripped(texts: pl.Series) -> pl.Series:
    bare = texts.str.strip_chars()
    return bare.set(bare == "", None)
