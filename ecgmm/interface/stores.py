"""Stores and their records."""

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.sources.labels.label_set import LabelSettings
from ecgmm.data.sources.labels.opening import open_labels
from ecgmm.data.store import listing
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError
from ecgmm.interface.settings import overrides_of, settings_of
from ecgmm.leads import LEADS
from ecgmm.types import MISSING_SAMPLE

STORES = Path("stores")


class OpenStore(Store):
    """A store whose rows can be looked at one by one."""

    def __repr__(self) -> str:  # without ids and texts, since notebooks are shared
        return f"<ecgmm.OpenStore: {self.path.name}, {self.records.height:,} rows at {self.manifest['rate_hz']:g} Hz>"

    def record(self, row: int) -> "Record":
        """Row of the store: a recording, or one window of it.

        Args:
            row: Number from 0; those of a split are in ``store.records``.

        Raises:
            ConfigError: If there is no such row.
        """
        if not 0 <= row < self.records.height:
            raise ConfigError(f"row is {row}; the store has rows 0 to {self.records.height - 1}")
        return Record(self, row)


@dataclass(frozen=True, repr=False)
class Record:
    """One row of a store.

    Attributes:
        store: The store.
        row: Number of the row.
    """

    store: OpenStore
    row: int

    def __repr__(self) -> str:
        seconds = self.store.manifest["n_times"] / self.rate_hz
        return f"<ecgmm.Record: row {self.row} of {self.store.path.name}, {seconds:g} s at {self.rate_hz:g} Hz>"

    @property
    def rate_hz(self) -> float:
        """Sampling rate."""
        return float(self.store.manifest["rate_hz"])

    @property
    def leads(self) -> tuple[str, ...]:
        """Names of the rows of ``millivolts``."""
        return LEADS

    @cached_property
    def millivolts(self) -> NDArray[np.float32]:
        """Float32 ``[12, T]`` in mV, NaN where a sample is missing; the signal before any preparation for a model."""
        steps = self.store.waveforms[self.row]
        in_mv = steps * np.float32(self.store.manifest["uv_per_step"] / 1000)
        return np.where(steps == MISSING_SAMPLE, np.float32("nan"), in_mv)

    @property
    def columns(self) -> dict[str, Any]:
        """The row of ``records.parquet``: ids, split, measurements, quality."""
        return self.store.records.row(self.row, named=True)

    @property
    def statements(self) -> list[str]:
        """Cleaned statements of the report; none where there is no report."""
        report: int = self.store.records["report"][self.row]
        return [] if report < 0 else list(self.store.reports["statements"][report])

    def labels(self, label_set: str = "superclass", **settings: Any) -> dict[str, float] | None:
        """Classes of the record with the certainty of each, in (0, 1].

        Args:
            label_set: ``superclass``, ``rhythm``, ``icd_cardiac``, ``icd_multilabel``, ``ptb_xl_all`` and the like, or
                ``table``.
            settings: Fields of ``LabelSettings``, such as ``certainty``, ``icd_csv`` or ``labels_csv``.

        Returns:
            None where nothing is known of the record.

        Raises:
            ConfigError: If there is no such label set, or the store has no evidence for it.
        """
        return open_labels(self.store, label_set, LabelSettings(**settings)).of_row(self.row)


def open_store(path: str | Path) -> OpenStore:
    """Open a prepared store.

    Args:
        path: Its folder.

    Raises:
        DataError: If it holds no complete store of this version, or the store is damaged.
    """
    store = Store.open(path)
    return OpenStore(**{field.name: getattr(store, field.name) for field in fields(store)})


def stores(folder: str | Path = STORES) -> list[listing.StoreSummary]:
    """List the complete stores of a folder by name: path, source, number of rows, rate.

    Args:
        folder: Where stores are; ``stores`` is where commands keep them.
    """
    return listing.stores(folder)


def prepare(source: str, root: str | Path | None = None, **settings: object) -> OpenStore:
    """Prepare the store of a data set, or open it where it is there already; goes on where it was interrupted.

    Args:
        source: ``mimic_iv_ecg``, ``ptb_xl``, ``table`` or ``synthetic``.
        root: Folder of the published tree or of one's own recordings; None where the source makes its own.
        settings: Settings of ``data``, as in ``rate_hz=100``, ``window__mode="sliding"`` or ``table="records.csv"``.

    Raises:
        ConfigError: If a setting does not exist or is out of its range.
        DataError: If the tree cannot be used.
    """
    from ecgmm.data.preparation.opening import open_or_prepare

    given = settings if root is None else {"root": root, **settings}
    config = settings_of("prepare", [f"data={source}", *overrides_of(given, "data")])
    return open_store(open_or_prepare(config.data).path)
