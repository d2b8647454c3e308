"""Units of the waveform pass: a few hundred records that one process reads in one go, for one store or for several."""

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.preparation.waveform_blocks import n_store_samples, window_starts
from ecgmm.data.sources.source import DataConfig, Window
from ecgmm.data.sources.waveform_reader import Layout, WaveformReader

UNIT = 512
"""Records of a unit: so many that keeping its result costs nothing, so few that a kill loses a fraction of a second."""
BLOCK = 16
"""Records of a block: long enough for one large write, short enough to stay in the cache (64 cost 20 µs more each)."""


@dataclass(frozen=True)
class Reading:
    """How recordings are read; see ``DataConfig``.

    Attributes:
        reader: Reader of the recordings.
        verify_checksums: Whether the samples are compared with the header's checksums.
        readers: Threads that read blocks of a unit side by side.
    """

    reader: WaveformReader
    verify_checksums: bool
    readers: int = 1

    @staticmethod
    def of(config: DataConfig) -> "Reading":
        """The way that the settings describe."""
        return Reading(config.reader, config.verify_checksums, config.readers)


@dataclass(frozen=True)
class Form:
    """Form that every row of a store is brought to; see ``DataConfig`` for the other fields.

    Attributes:
        file: The ``.npy`` file that rows go to.
        spike_share: Largest share of a lead's samples beyond the store's range that are limited to it; a record with
            more of them is dropped.
    """

    file: str
    rate_hz: float
    n_times: int
    uv_per_step: float
    window: Window
    limit_mv: float
    spike_share: float = 0.0

    @staticmethod
    def of(config: DataConfig, file: str) -> "Form":
        """The form that the settings describe, for rows in ``file``."""
        return Form(
            file=file,
            rate_hz=config.rate_hz,
            n_times=n_window_samples(config),
            uv_per_step=config.uv_per_step,
            window=config.window,
            limit_mv=config.limit_mv,
        )

    def starts(self, layout: Layout) -> list[int]:
        """First sample of each window of a record; see ``window_starts``."""
        return window_starts(n_store_samples(layout, self.rate_hz), self.n_times, self.window, self.rate_hz)


def n_window_samples(config: DataConfig) -> int:
    """Samples of a window of the store."""
    return round(config.window.length_s * config.rate_hz)


@dataclass(frozen=True)
class Destination:
    """Place of the rows of a unit in one store.

    Attributes:
        form: What they are brought to.
        slots: int64 ``[N]``, place of each record's first window in the store.
    """

    form: Form
    slots: NDArray[np.int64]


@dataclass(frozen=True)
class Unit:
    """N records to read, neighbours in the order of their paths.

    Attributes:
        reading: How they are read.
        records: int64 ``[N]``, their ids.
        paths: Full paths without extension.
        layouts: Their layouts, each once.
        layout_of: int32 ``[N]``, which of them.
        checksums: uint16 ``[N, 12]``, as ``Description`` has them.
        has_report: bool ``[N]``.
        in_training: bool ``[N]``, True for the records that the lead statistics are made of.
        destinations: One for each store that takes them.
    """

    reading: Reading
    records: NDArray[np.int64]
    paths: list[str]
    layouts: list[Layout]
    layout_of: NDArray[np.int32]
    checksums: NDArray[np.uint16]
    has_report: NDArray[np.bool_]
    in_training: NDArray[np.bool_]
    destinations: list[Destination]

    def key(self, slots: NDArray[np.int64]) -> str:
        """Digest of all that decides the result for the store in which the records have these slots."""
        digest = hashlib.blake2b(repr((self.paths, self.layouts)).encode(), digest_size=16)
        for array in (self.records, self.layout_of, self.checksums, self.has_report, self.in_training, slots):
            digest.update(array.tobytes())
        return digest.hexdigest()

    def blocks(self) -> Iterator[tuple[int, int]]:
        """First and last (exclusive) record of each block: at most ``BLOCK`` neighbours of one layout."""
        changes = np.flatnonzero(np.diff(self.layout_of)) + 1
        borders = [0, *changes.tolist(), len(self.layout_of)]
        for first, last in itertools.pairwise(borders):
            for start in range(first, last, BLOCK):
                yield start, min(start + BLOCK, last)
