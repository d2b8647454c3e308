"""Index of a source of one's own, from its table: checked row by row, and every mistake told with its line."""

import logging
import re
from dataclasses import replace
from pathlib import Path

import polars as pl

from ecgmm.data.sources.index_tables import check_index
from ecgmm.data.sources.known_values import is_filled
from ecgmm.data.sources.own_columns import identifiers, integers, numbers, numbers_of, texts, times, words
from ecgmm.data.sources.own_tables import OwnTable, read_own_table
from ecgmm.data.sources.source import EVIDENCE_PREFIX, SourceIndex
from ecgmm.data.sources.table import Columns
from ecgmm.data.sources.tree_reading import tree_sha256
from ecgmm.data.sources.waveform_reader import WaveformReader
from ecgmm.data.store.persons import as_age
from ecgmm.data.store.splits import Folds, n_torn_patients, split_by_fold
from ecgmm.errors import ConfigError, DataError, printable
from ecgmm.text.clean import split_report

RECORD_NAME = f"{EVIDENCE_PREFIX}record_name"
STANDARD_FOLDS = Folds(train=None, val=[9], test=[10])
_OLDEST, _ABOVE_89 = 130, 300
_ABOVE_89_WORDS = r"^(> ?89|>=? ?90|(89|90) ?\+)$"
_SPLIT_WORDS: dict[str, str | None] = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "tune", "tuning"), "val"),
    **dict.fromkeys(("test", "testing", "holdout", "hold-out", "held-out"), "test"),
}
_SEX_WORDS: dict[str, str | None] = {
    **dict.fromkeys(("female", "f", "woman", "w"), "female"),
    **dict.fromkeys(("male", "m", "man"), "male"),
    **dict.fromkeys(("unknown", "u", "other", "o", "x", "diverse", "d"), None),
}
_ABSOLUTE = r"^(/|[A-Za-z]:)"
_UPWARDS = r"(^|/)\.\.(/|$)"

log = logging.getLogger(__name__)


def read_table_index(
    path: Path, root: Path, columns: Columns, folds: Folds | None, reader: WaveformReader
) -> SourceIndex:
    """Read the table of a source of one's own.

    Args:
        path: The table.
        root: Folder of the recordings.
        columns: Names of its columns.
        folds: Folds of each split, where the table has folds.
        reader: Reader of the recordings, which knows the endings of their files.

    Returns:
        The index; a record's name is evidence ``record_name``, and its number is the name where that is a number.

    Raises:
        ConfigError: If the settings do not fit the table.
        DataError: If the table cannot be read, lacks a column, or holds what cannot be understood.
    """
    table = _Named(read_own_table(path), columns)
    paths = _paths(table.needed("path", "the files of the recordings"), root, reader)
    names = paths.alias("record_name") if (own := table.column("record")) is None else identifiers(*own)
    record = numbers_of(names).alias("record")
    patient = _patients(table, record)
    frame = pl.DataFrame([record, patient, paths.alias("path"), _reports(table), names.alias(RECORD_NAME)])
    time = table.column("time")
    no_time = pl.Series("time", [None] * frame.height, dtype=pl.Datetime("us"))
    frame = frame.with_columns(*_persons(table), time=no_time if time is None else times(*time))
    splits = _splits(table, folds)
    if splits is not None:
        frame = frame.with_columns(split=splits)
        _refuse_torn_patients(table.table, frame)
    _refuse_twice(table.table, frame, "record", "names a record", "keep one row of a record")
    _refuse_twice(table.table, frame, "path", "gives two records one file", "keep one row of a file")
    frame, dropped = check_index(frame.with_columns(contradicts=False))
    return SourceIndex(frame, dropped, None, {path.name: tree_sha256(path)}, compare_times=False)


class _Named:
    """A table, and the columns that the settings name."""

    def __init__(self, table: OwnTable, columns: Columns) -> None:
        self.table, self.columns = table, columns

    def column(self, what: str) -> tuple[OwnTable, str] | None:
        """The table and its column for one use; None where the settings name none, or only the usual one, by default.

        Raises:
            DataError: If the settings name a column of their own that is not there.
        """
        name: str | None = getattr(self.columns, what)
        if name is None:
            return None
        found = self._find(name)
        if found is not None:
            return self.table, found
        if name != what and not self.numbered(name):
            raise DataError(f"{self._no_column(name)}; set data.columns.{what} to one of them, or to null")
        return None

    def needed(self, what: str, which: str, way_out: str = "") -> tuple[OwnTable, str]:
        """As ``column``, of what there must be."""
        column = self.column(what)
        if column is None:
            raise DataError(f"{self._no_column(what)}; name that of {which} with data.columns.{what}=...{way_out}")
        return column

    def numbered(self, name: str) -> list[str]:
        """Columns ``<name>_0``, ``<name>_1``, ... in the order of their numbers."""
        pattern = re.compile(rf"{re.escape(name)}_([0-9]{{1,4}})", re.IGNORECASE)
        found = {column: match for column in self.table.frame.columns if (match := pattern.fullmatch(column))}
        return sorted(found, key=lambda column: int(found[column][1]))

    def _find(self, name: str) -> str | None:
        """The column of a name, in capital letters too."""
        alike = [column for column in self.table.frame.columns if column.lower() == name.strip().lower()]
        return name if name in alike else alike[0] if len(alike) == 1 else None

    def _no_column(self, name: str) -> str:
        names = printable(", ".join(self.table.frame.columns), 400)
        return f"{printable(self.table.path)} has no column {printable(name)}, only {names}"


def _paths(column: tuple[OwnTable, str], root: Path, reader: WaveformReader) -> pl.Series:
    """Paths of the recordings below the root, as the reader names them.

    Raises:
        DataError: If one leads out of the root.
    """
    table, name = column
    slashes = texts(table, name).str.replace_all("\\", "/", literal=True)
    below = [None if path is None else _below(path, root) for path in slashes]
    written = pl.Series(name, below, dtype=pl.String)
    outside = (written.str.contains(_ABSOLUTE) | written.str.contains(_UPWARDS)).fill_null(value=False).arg_true()
    if len(outside):
        also = f" and {len(outside) - 1:,} more" if len(outside) > 1 else ""
        raise DataError(
            f"{printable(table.path)} line {table.lines[int(outside[0])]}{also}: column {printable(name)} leads out of"
            f" {printable(root)}; write paths below that folder, or set data.root to a folder above them"
        )
    stems = [None if path is None else str(reader.record_of(Path(path))) for path in written]
    return pl.Series("path", stems, dtype=pl.String)


def _below(path: str, root: Path) -> str:
    """A path without the root at its head, also where it leads there by a link."""
    if path.startswith("/") and not path.startswith(f"{root}/"):
        folder, _, name = path.rpartition("/")
        path = f"{Path(folder).resolve()}/{name}"
    return path.removeprefix(f"{root}/")


def _patients(table: _Named, record: pl.Series) -> pl.Series:
    if table.columns.patient is None:
        log.warning(
            "data.columns.patient=null: each record counts as a patient of its own, so one person's records may"
        )
        log.warning("lie on both sides of a split and make the results look better than they are")
        return record.alias("patient")
    way_out = ", for a split keeps a person's records together (null: each record is of another person)"
    return numbers_of(identifiers(*table.needed("patient", "the patients", way_out))).alias("patient")


def _reports(table: _Named) -> pl.Series:
    """Statements of each record: those of the report, then those of the numbered columns."""
    own, name = table.column("report"), table.columns.report
    columns = ([own[1]] if own else []) + (table.numbered(name) if name else [])
    statements: list[list[str]] = [[] for _ in range(table.table.frame.height)]
    for column in columns:
        cells = table.table.frame[column]
        for row in is_filled(cells).fill_null(value=False).arg_true():
            statements[row] += split_report(cells[row])
    return pl.Series("statements", statements, dtype=pl.List(pl.String))


def _persons(table: _Named) -> list[pl.Series]:
    found = []
    if (age := table.column("age")) is not None:
        own, name = age
        written = own.frame.with_columns(pl.col(name).str.replace(_ABOVE_89_WORDS, str(_ABOVE_89)))
        years = numbers(replace(own, frame=written), name, 0, _OLDEST, also=_ABOVE_89)
        found.append(pl.select(as_age(pl.lit(years)).alias("age")).to_series())
    if (sex := table.column("sex")) is not None:
        cure = "write female or male, since 0 and 1 mean one thing here and the other there"
        found.append(words(*sex, _SEX_WORDS, "neither female nor male", cure).alias("sex"))
    for name in ("device", "site"):
        if (column := table.column(name)) is not None:
            found.append(identifiers(*column).alias(name))
    return found


def _splits(table: _Named, folds: Folds | None) -> pl.Series | None:
    """The split of each record by the table, empty for none; None where the table says nothing of it.

    Raises:
        ConfigError: If the table says it twice, or the settings choose folds that it does not have.
    """
    split, fold = table.column("split"), table.column("fold") if folds is not None else None
    name = printable(table.table.path)
    if split is not None and fold is not None:
        raise ConfigError(
            f"{name} has both columns {printable(split[1])} and {printable(fold[1])}; leave one out with"
            " data.columns.split=null or data.columns.fold=null"
        )
    if split is not None:
        cure = "write train, val or test, or leave the cell empty for a record in no split"
        return words(*split, _SPLIT_WORDS, "no name of a split", cure).fill_null("").alias("split")
    if fold is not None:
        assert folds is not None
        numbered = integers(*fold, 0, 1000).fill_null(-1).to_numpy()
        return pl.Series("split", split_by_fold(numbered, folds), dtype=pl.String)
    if folds not in (None, STANDARD_FOLDS):
        raise ConfigError(
            f"data.folds chooses folds and {name} has no column of them; name it with data.columns.fold=..."
        )
    return None


def _refuse_torn_patients(table: OwnTable, frame: pl.DataFrame) -> None:
    """Refuse a table whose own splits put a patient on both sides."""
    placed = frame.filter((pl.col("split") != "") & pl.col("patient").is_not_null())
    n_torn = n_torn_patients(placed)
    if not n_torn:
        return
    torn = placed.filter(pl.col("split").n_unique().over("patient") > 1)["patient"].unique()
    n_rows = frame["patient"].is_in(torn.implode())
    line = table.lines[int(n_rows.arg_true()[0])]
    raise DataError(
        f"{printable(table.path)} puts {n_torn:,} patients ({n_rows.sum():,} records, the first at line {line}) on both"
        " sides of a split; give all records of a patient one split, or split by patient with data.columns.split=null"
        " data.folds=null"
    )


def _refuse_twice(table: OwnTable, frame: pl.DataFrame, key: str, what: str, cure: str) -> None:
    """Refuse rows that differ in more than their place and are of one record or file; exact copies go once."""
    distinct = frame.with_row_index("place").unique(frame.columns, keep="first", maintain_order=True)
    twice = distinct.filter(pl.col(key).is_not_null() & pl.col(key).is_duplicated())
    if not twice.height:
        return
    first = twice.filter(pl.col(key) == twice[key][0])["place"]
    lines = f"lines {table.lines[first[0]]} and {table.lines[first[1]]}"
    raise DataError(
        f"{printable(table.path)} {what} more than once and differently ({lines}; {twice[key].n_unique():,} in all);"
        f" {cure}"
    )
