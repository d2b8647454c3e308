"""The waveform pass: samples are read, brought to the store's form, assessed and written, block by block."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.drops import BadRecordError, Drop
from ecgmm.data.source import DataConfig
from ecgmm.data.statistics import LeadStatistics, Quality, assess
from ecgmm.data.store import StoreWriter
from ecgmm.data.waveform_blocks import (
    checksums_agree,
    cut_window,
    n_store_samples,
    pad_window,
    to_lead_major,
    to_store_steps,
    window_starts,
)
from ecgmm.data.wfdb_format import Layout, read_samples
from ecgmm.leads import N_LEADS

BLOCK = 64
"""Records of a block: long enough for one large write, short enough to stay in the cache."""


@dataclass
class Inputs:
    """The N records to read, in store order.

    Attributes:
        paths: Full paths without extension.
        layouts: What their headers say.
        checksums: int64 ``[N, 12]`` of the stored channels.
        has_report: bool ``[N]``.
        in_training: bool ``[N]``, True for the records that the lead statistics are made of.
    """

    paths: list[str]
    layouts: list[Layout]
    checksums: NDArray[np.int64]
    has_report: NDArray[np.bool_]
    in_training: NDArray[np.bool_]

    def blocks(self) -> Iterator[tuple[int, int]]:
        """First and last (exclusive) record of each block: at most ``BLOCK`` neighbours of one layout."""
        start = 0
        for row in range(1, len(self.layouts) + 1):
            if row == len(self.layouts) or row - start == BLOCK or self.layouts[row] != self.layouts[start]:
                yield start, row
                start = row


@dataclass
class Rows:
    """What is known of each row written.

    Attributes:
        source: int64 ``[M]``, number of the record among the inputs.
        window: int32 ``[M]``.
        missing_share: float32 ``[M]``.
        flat_leads: int8 ``[M]``, leads without any signal; 12 means that the row has no usable waveform.
    """

    source: NDArray[np.int64]
    window: NDArray[np.int32]
    missing_share: NDArray[np.float32]
    flat_leads: NDArray[np.int8]


def n_window_samples(config: DataConfig) -> int:
    """Samples of a window of the store."""
    return round(config.window.length_s * config.rate_hz)


class WaveformPass:
    """Reads the inputs and appends their windows to a store.

    Args:
        config: Window, rate, scale and limits.
        inputs: The records.
        writer: The store being written.
    """

    def __init__(self, config: DataConfig, inputs: Inputs, writer: StoreWriter) -> None:
        self._config = config
        self._inputs = inputs
        self._writer = writer
        self._n_times = n_window_samples(config)
        self._stored = np.empty((0, 0, N_LEADS), dtype=np.int16)  # reused: fresh memory costs as much as copying it
        self._lead_major = np.empty((0, N_LEADS, 0), dtype=np.int16)
        self._rows: list[Rows] = []
        self.statistics = LeadStatistics(config.limit_mv, config.uv_per_step)
        self.dropped: Counter[str] = Counter()

    @property
    def any_rows(self) -> bool:
        """Whether any row was written so far."""
        return any(len(part.source) for part in self._rows)

    @property
    def rows(self) -> Rows:
        """The rows written so far."""
        columns = [np.concatenate([getattr(part, name) for part in self._rows]) for name in Rows.__annotations__]
        return Rows(*columns)

    def chunks(self) -> Iterator[int]:
        """Process block after block; yields the number of records of each."""
        for start, stop in self._inputs.blocks():
            self._process(start, stop)
            yield stop - start

    def _process(self, start: int, stop: int) -> None:
        layout = self._inputs.layouts[start]
        sources, stored = self._read(start, stop, layout)
        block = self._lead_major[: len(stored)]
        to_lead_major(stored, layout.channels, block)
        if self._config.verify_checksums:
            agree = checksums_agree(block, layout, self._inputs.checksums[sources])
            self.dropped[Drop.CHECKSUM] += int((~agree).sum())
            if not agree.all():
                sources, block = sources[agree], block[agree]
        if len(block):
            self._append(sources, to_store_steps(block, layout, self._config.rate_hz, self._config.uv_per_step))

    def _read(self, start: int, stop: int, layout: Layout) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
        """Read the ``.dat`` files of a block; a record that fails leaves no gap."""
        if self._stored.shape[1] != layout.n_samples:
            self._stored = np.empty((BLOCK, layout.n_samples, N_LEADS), dtype=np.int16)
            self._lead_major = np.empty((BLOCK, N_LEADS, layout.n_samples), dtype=np.int16)
        sources: list[int] = []
        for record in range(start, stop):
            try:
                read_samples(f"{self._inputs.paths[record]}.dat", self._stored[len(sources)])
            except BadRecordError as error:
                self.dropped[error.reason] += 1
                continue
            sources.append(record)
        return np.array(sources, dtype=np.int64), self._stored[: len(sources)]

    def _append(self, sources: NDArray[np.int64], block: NDArray[np.int16]) -> None:
        """Cut, assess, pad and write the windows of a block, record by record."""
        starts = window_starts(block.shape[-1], self._n_times, self._config.window, self._config.rate_hz)
        windows = [cut_window(block, start, self._n_times) for start in starts]
        parts = windows[0] if len(starts) == 1 else np.stack(windows, axis=1).reshape(-1, *windows[0].shape[1:])
        sources = np.repeat(sources, len(starts))
        numbers = np.tile(np.arange(len(starts), dtype=np.int32), len(block))
        quality = assess(parts)  # before padding, which would hide that a lead is flat
        keep = self._usable(sources, parts.shape[-1], quality)
        if not keep.all():
            parts, sources, numbers = parts[keep], sources[keep], numbers[keep]
            quality = quality.select(keep)
        training = self._inputs.in_training[sources]
        self.statistics.add(parts, quality, training)
        share = quality.missing.sum(axis=1) / (N_LEADS * parts.shape[-1])
        self._rows.append(Rows(sources, numbers, share.astype(np.float32), quality.flat.sum(axis=1).astype(np.int8)))
        self._writer.append(pad_window(parts, starts[0], self._n_times, self._config.window.pad))

    def _usable(self, sources: NDArray[np.int64], n_samples: int, quality: Quality) -> NDArray[np.bool_]:
        absent = (quality.missing == n_samples).all(axis=1)
        useless = ~absent & quality.flat.all(axis=1) & ~self._inputs.has_report[sources]
        self.dropped[Drop.ALL_MISSING] += int(absent.sum())
        self.dropped[Drop.NOTHING_USABLE] += int(useless.sum())
        usable: NDArray[np.bool_] = ~(absent | useless)
        return usable


def most_rows(layouts: list[Layout], config: DataConfig) -> int:
    """Rows that the records give if none is dropped."""
    n_times = n_window_samples(config)
    windows_of = {
        layout: len(window_starts(n_store_samples(layout, config.rate_hz), n_times, config.window, config.rate_hz))
        for layout in set(layouts)
    }
    return sum(windows_of[layout] for layout in layouts)
