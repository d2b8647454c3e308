"""Base of every data source: its settings, and the index of records that it hands to preparation."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ecgmm.data.sources.labels.label_set import LabelSettings, OwnLabels
from ecgmm.data.store.splits import Folds, SplitShares
from ecgmm.errors import ConfigError, DataError

if TYPE_CHECKING:
    from ecgmm.data.sources.waveform_reader import WaveformReader

RATES_HZ = (500, 250, 100)
READABLE_RATES_HZ = (50.0, 10_000.0)
"""Range of the rates that are resampled: below the first no wave is left, and no recorder is above the last."""
EVIDENCE_PREFIX = "evidence."


@dataclass(kw_only=True, unsafe_hash=True)
class Window:
    """Fixed window that every record is brought to (paper, section 4.2).

    Attributes:
        length_s: Length in seconds.
        mode: ``center`` cuts the middle of a longer record, ``sliding`` makes a row of every window that fits.
        stride_s: Step between sliding windows in seconds.
        pad: A shorter record is continued by ``zero`` (0 mV) or by ``edge`` (its first and last sample).
    """

    length_s: float
    mode: str
    stride_s: float
    pad: str

    def __post_init__(self) -> None:
        self.length_s, self.stride_s = float(self.length_s), float(self.stride_s)  # 10 and 10.0 are the same store
        if self.mode not in ("center", "sliding"):
            raise ConfigError(f"data.window.mode is {self.mode!r}; choose center or sliding")
        if self.pad not in ("zero", "edge"):
            raise ConfigError(f"data.window.pad is {self.pad!r}; choose zero or edge")
        if self.length_s <= 0 or self.stride_s <= 0:
            raise ConfigError("data.window.length_s and data.window.stride_s must be above 0 seconds")


@dataclass(kw_only=True)
class TextRules:
    """A cleaned report of fewer than ``min_words`` words counts as missing; its record stays."""

    min_words: int


@dataclass
class SourceIndex:
    """Records that a source lists, after the checks that need no waveform.

    Attributes:
        frame: Columns record:i64, patient:i64, time:datetime|null, path:str (relative, as the reader takes it),
            statements:list[str] (raw, empty where there is no report), and where the source has some, fold:i64 or
            split:str (a name of ``splits.SPLITS``, or empty for a record in none), those of
            ``persons.PERSON_COLUMNS``, measurements, and ``evidence.<name>`` columns, from which labels are read.
        dropped: Records dropped so far, as ``drops.dropped_table`` makes them.
        native_rate_hz: Sampling rate that every header must show; None takes any in ``READABLE_RATES_HZ``.
        csv_sha256: sha256 of each CSV file read, by name.
        unreadable: Number of values of the tables that are not understood, by table and column.
        evidence: Facts for the manifest about the evidence besides its columns, such as the class of each code.
        compare_times: Whether the headers must tell the same times.
    """

    frame: pl.DataFrame
    dropped: pl.DataFrame
    native_rate_hz: float | None
    csv_sha256: dict[str, str]
    unreadable: dict[str, int] = field(default_factory=dict)
    evidence: dict[str, Any] = field(default_factory=dict)
    compare_times: bool = True

    def evidence_table(self) -> pl.DataFrame:
        """The store's ``evidence.parquet``: ``record`` and the columns of evidence, of every record in the index."""
        names = [name for name in self.frame.columns if name.startswith(EVIDENCE_PREFIX)]
        return self.frame.select("record", *(pl.col(name).alias(name.removeprefix(EVIDENCE_PREFIX)) for name in names))


@dataclass(kw_only=True)
class DataConfig(ABC):
    """Settings of the configuration group ``data``; each source adds its own, its index and its waveform reader.

    Attributes:
        name: Name of the source, first part of the store's name.
        root: Folder of the raw tree, or zip archive that holds it.
        stores: Folder that holds the stores.
        store: One store's own folder; None gives it a name under ``stores`` made from the settings.
        rate_hz: Sampling rate of the store.
        window: See ``Window``.
        uv_per_step: Microvolts per integer step of the store.
        split: See ``SplitShares``; its seed also orders the patients for training fractions.
        text: See ``TextRules``.
        limit_mv: Samples beyond this amplitude are limited in the statistics of the leads.
        verify_checksums: Whether the samples are compared with the header's checksums.
        follow_links: Whether links of the tree may lead out of its root; records behind such links are dropped else.
        n_processes: Processes that read and write waveforms; None takes every core where there are enough records.
        readers: Threads of each of them that read files side by side.
        residency: Where the waveforms are while batches are made: ``disk``, ``memory`` or ``gpu``.
        labels_csv: The user's own labels, for ``labels=table``; None where there are none.
    """

    name: str
    root: str | None
    stores: str
    store: str | None
    rate_hz: int
    window: Window
    uv_per_step: float
    split: SplitShares
    text: TextRules
    limit_mv: float
    verify_checksums: bool
    follow_links: bool = False  # runs made before it was a setting have none
    n_processes: int | None
    readers: int = 1  # runs made before it was a setting have none
    residency: str
    labels_csv: str | None = None  # runs made before it was a setting have none

    def __post_init__(self) -> None:
        self.uv_per_step, self.limit_mv = float(self.uv_per_step), float(self.limit_mv)
        if self.rate_hz not in RATES_HZ:
            raise ConfigError(f"data.rate_hz is {self.rate_hz}; choose one of {', '.join(map(str, RATES_HZ))}")
        if self.n_processes is not None and self.n_processes < 1:
            raise ConfigError(f"data.n_processes is {self.n_processes}; it must be 1 or more, or null")
        if self.uv_per_step <= 0 or self.limit_mv <= 0:
            raise ConfigError("data.uv_per_step and data.limit_mv must be above 0")

    @property
    def root_path(self) -> Path:
        """Folder or archive of the raw tree.

        Raises:
            ConfigError: If it is not set.
            DataError: If it is neither.
        """
        from ecgmm.data.sources.tree_reading import is_root  # opened stores need no tree

        if self.root is None:
            raise ConfigError(
                f"data.root is not set; give the folder of {self.name}, as in data.root=/data/{self.name}"
            )
        path = Path(self.root).expanduser().resolve()
        if not is_root(path):
            what = "a folder or an archive that ends in .zip" if path.exists() else "a folder"
            raise DataError(f"{path} is not {what}; set data.root to the folder that holds {self.name}")
        return path

    @property
    def recorded_hz(self) -> int | None:
        """Rate of the recordings to be read, where the source publishes them at several; else None."""
        return None

    @property
    def chosen_folds(self) -> Folds | None:
        """Folds of each split where the source's own folds are the split, else None: then patients are split."""
        return None

    @property
    def places(self) -> dict[str, str | None]:
        """Settings that say where the raw data are; one that is null is none of a store's own."""
        return {"root": self.root}

    @property
    def label_settings(self) -> LabelSettings:
        """Settings of the labels that are read from the store; they are none of the store's own."""
        return LabelSettings()

    def label_settings_with(self, labels: Mapping[str, Any]) -> LabelSettings:
        """Settings of the labels, with what the setting ``labels`` says of the user's own."""
        csv = None if self.labels_csv is None else Path(self.labels_csv).expanduser()
        return dataclasses.replace(
            self.label_settings,
            labels_csv=csv,
            own=OwnLabels.of(labels),
            fewest_records=labels.get("min_records", 0),
        )

    @property
    def reader(self) -> "WaveformReader":
        """Reader of the recordings; WFDB unless a source says otherwise."""
        from ecgmm.data.sources.wfdb_reader import WFDB  # opened stores need no reader

        return WFDB

    @property
    @abstractmethod
    def text_origin(self) -> str:
        """Origin of the words of the reports, see ``ecgmm.data.sources.leakage``."""

    @abstractmethod
    def read_index(self) -> SourceIndex:
        """Read the source's tables."""

    def parameters(self) -> dict[str, Any]:
        """Every setting that changes the store, flat, as in ``{"window.length_s": 10.0}``; the root is absolute."""
        settings = dataclasses.asdict(self)
        for name in (
            "store",
            "stores",
            "n_processes",
            "readers",
            "residency",
            "follow_links",
            "labels_csv",
            "labels",
            "icd",
        ):
            settings.pop(name, None)  # a source without labels of reports or diagnoses lacks the last two
        settings["root"] = None if self.root is None else str(Path(self.root).expanduser().resolve())
        return flatten(settings)


def flatten(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn nested settings into one level with dotted names."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= flatten(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat
