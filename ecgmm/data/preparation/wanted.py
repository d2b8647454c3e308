"""A store that is wanted, and what there is of it: the settings, its place, and the rows that it has already."""

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ecgmm.data.preparation.lead_statistics import LeadSums
from ecgmm.data.preparation.units import n_window_samples
from ecgmm.data.sources.source import DataConfig, SourceIndex
from ecgmm.data.store.journal import boot_id
from ecgmm.data.store.partial_store import PartialStore
from ecgmm.data.store.store import SCHEMA_VERSION, Store

_WORK_VERSION = 4
"""Version of the results in the journal; work of another version is begun anew."""


@dataclass(frozen=True)
class Wanted:
    """A store that a source's records are read for.

    Attributes:
        config: Its settings.
        path: Its place.
        base: The store that is there already and takes more rows; None where there is none.
        known: The rows of the base, as ``records.known_rows`` gives them.
        index: The source's index.
    """

    config: DataConfig
    path: Path
    base: Store | None
    known: pl.DataFrame
    index: SourceIndex

    @property
    def has_the_tables(self) -> bool:
        """Whether the base was made from the very tables of the index."""
        return self.base is not None and self.base.manifest["source"]["sha256"] == self.index.csv_sha256

    def begin(self) -> PartialStore:
        """Begin to write the store, or go on."""
        return PartialStore(self.path, n_window_samples(self.config), self._made_for(), self.base)

    def _made_for(self) -> str:
        """Key of the journal: all that decides the store besides the headers, which are part of each unit's key."""
        begun_from = None if self.base is None else self.base.fingerprint
        parameters, tables = self.config.parameters(), self.index.csv_sha256
        return json.dumps([SCHEMA_VERSION, _WORK_VERSION, boot_id(), parameters, tables, begun_from], sort_keys=True)

    def sums(self) -> LeadSums:
        """Lead sums of the training records that are there."""
        return LeadSums.zero() if self.base is None else LeadSums(**self.base.manifest["lead_sums"])

    def with_those_before(self, readers: dict[str, int]) -> dict[str, int]:
        """Numbers of kept records by reader, those of the base among them."""
        if self.base is None:
            return readers
        before = self.base.manifest["readers"]
        return {name: before.get(name, 0) + readers.get(name, 0) for name in sorted({*before, *readers})}

    def numbered(self, new: pl.DataFrame, store: PartialStore) -> pl.DataFrame:
        """All rows of the store in their order, after gaps that dropped records left were closed."""
        if not new.height:
            return self.known.drop("row")
        places = store.close_gaps(new["slot"].to_numpy(), self.known.height)
        new = new.with_columns(row=pl.Series(places, dtype=pl.Int64)).drop("slot")
        rows = pl.concat([self.known, new.select(self.known.columns)]) if self.known.height else new
        return rows.sort("row").drop("row")
