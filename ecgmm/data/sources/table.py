"""One's own recordings: a folder of files, and a table with a row for each of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecgmm.data.sources.leakage import ANNOTATOR, MACHINE, NOTES, UNKNOWN
from ecgmm.data.sources.source import DataConfig, SourceIndex
from ecgmm.data.sources.tree_reading import is_tree_file
from ecgmm.data.store.splits import Folds
from ecgmm.errors import ConfigError, DataError, printable

if TYPE_CHECKING:
    from ecgmm.data.sources.waveform_reader import WaveformReader

REPORT_ORIGINS = (UNKNOWN, MACHINE, ANNOTATOR, NOTES)


@dataclass(kw_only=True)
class Columns:
    """Names of the table's columns; None for one that is not to be used.

    Attributes:
        path: Files of the recordings.
        patient: Patients; None takes each record as a patient of its own.
        record: Names of the records; None, or where there is no such column, the paths.
        time: Times of the recordings.
        report: Reports; also ``<name>_0``, ``<name>_1``, ... with a statement each.
        split: Split of each record.
        fold: Fold of each record.
        age: Ages in years.
        sex: Sexes.
        device: Recorders.
        site: Places.
    """

    path: str
    patient: str | None
    record: str | None
    time: str | None
    report: str | None
    split: str | None
    fold: str | None
    age: str | None
    sex: str | None
    device: str | None
    site: str | None


@dataclass(kw_only=True)
class Table(DataConfig):
    """Settings of a source of one's own.

    Attributes:
        table: Path of the table, as seen from here or from the root.
        columns: See ``Columns``.
        folds: Folds of each split, where the table has folds; None does not use them.
        report_origin: Whose words the reports are, of ``REPORT_ORIGINS``.
    """

    table: str | None
    columns: Columns
    folds: Folds | None
    report_origin: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.report_origin not in REPORT_ORIGINS:
            raise ConfigError(
                f"data.report_origin is {self.report_origin!r}; choose one of {', '.join(REPORT_ORIGINS)}"
            )

    @property
    def places(self) -> dict[str, str | None]:
        """The folder and the table."""
        return super().places | {"table": self.table}

    @property
    def reader(self) -> "WaveformReader":
        """Reader of recordings of any format and any leads."""
        from ecgmm.data.sources.any_reader import ANY_LEADS  # opened stores need no reader

        return ANY_LEADS

    @property
    def text_origin(self) -> str:
        """The setting ``report_origin``."""
        return self.report_origin

    @property
    def table_path(self) -> Path:
        """The table's file, absolute.

        Raises:
            ConfigError: If it is not set, or there are two files of its name.
            DataError: If it is not there.
        """
        if self.table is None:
            raise ConfigError("data.table is not set; give the table of the records, as in data.table=records.csv")
        found = [place for place in self._places_of(self.table) if _is_there(place)]
        if not found:
            places = " and ".join(map(printable, self._places_of(self.table)))
            raise DataError(f"{places} is missing; set data.table to the table's path")
        if len(found) > 1 and not (all(place.exists() for place in found) and found[0].samefile(found[1])):
            raise ConfigError(f"data.table={self.table} is both {found[0]} and {found[1]}; give its whole path")
        return found[0]

    def _places_of(self, table: str) -> list[Path]:
        """Where the table may be: a relative path is seen from here, or from the root."""
        here = Path(table).expanduser()
        if here.is_absolute() or self.root is None:
            return [here.absolute()]
        return list(dict.fromkeys([here.absolute(), Path(self.root).expanduser().resolve() / here]))

    def read_index(self) -> SourceIndex:
        """Read the table.

        Raises:
            ConfigError: If the settings do not fit it.
            DataError: If it cannot be read, lacks a column, or holds what cannot be understood.
        """
        from ecgmm.data.sources.table_index import read_table_index  # a store needs no readers

        return read_table_index(self.table_path, self.root_path, self.columns, self.folds, self.reader)

    def parameters(self) -> dict[str, Any]:
        """Settings as for every source; the table's path is absolute."""
        if self.table is None:
            return super().parameters()
        places = self._places_of(self.table)
        there = next((place for place in places if _is_there(place)), places[0])  # a store outlives its table
        return super().parameters() | {"table": str(there)}


def _is_there(place: Path) -> bool:
    return place.exists() or is_tree_file(place)
