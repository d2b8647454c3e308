"""The waveform pass of one unit: samples are read, brought to the store's form, assessed and written to their slots.

A unit is a few hundred records that one process does in one go; its result is what the journal keeps. Sums are
integers, so that they do not depend on how records are grouped.
"""

import hashlib
import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.preparation.waveform_blocks import (
    cut_window,
    fits_store,
    n_store_samples,
    pad_window,
    to_store_steps,
    window_starts,
)
from ecgmm.data.sources.drops import Drop
from ecgmm.data.sources.side_by_side import side_by_side
from ecgmm.data.sources.source import DataConfig, Window
from ecgmm.data.sources.waveform_reader import Layout, WaveformReader
from ecgmm.data.store.leads import LEAD_ORIGIN, MISSING, lead_origin
from ecgmm.data.store.partial_store import RowFile
from ecgmm.leads import N_LEADS
from ecgmm.signal.derived_leads import derivable
from ecgmm.signal.digest import digest_records
from ecgmm.signal.quality import quality_columns
from ecgmm.signal.scan import Scan, scan
from ecgmm.types import MISSING_SAMPLE

UNIT = 512
"""Records of a unit: so many that keeping its result costs nothing, so few that a kill loses a fraction of a second."""
BLOCK = 16
"""Records of a block: long enough for one large write, short enough to stay in the cache (64 cost 20 µs more each)."""
_REASONS = tuple(Drop)


@dataclass(frozen=True)
class Form:
    """Form that every row of the store is brought to; see ``DataConfig`` for the other fields.

    Attributes:
        file: The ``.npy`` file that rows go to.
        reader: Reader of the recordings.
        readers: Threads that read blocks of a unit side by side.
        spike_share: Largest share of a lead's samples beyond the store's range that are limited to it; a record with
            more of them is dropped.
    """

    file: str
    reader: WaveformReader
    rate_hz: float
    n_times: int
    uv_per_step: float
    window: Window
    limit_mv: float
    verify_checksums: bool
    readers: int = 1
    spike_share: float = 0.0

    @staticmethod
    def of(config: DataConfig, file: str) -> "Form":
        """The form that the settings describe, for rows in ``file``."""
        return Form(
            file=file,
            reader=config.reader,
            rate_hz=config.rate_hz,
            n_times=n_window_samples(config),
            uv_per_step=config.uv_per_step,
            window=config.window,
            limit_mv=config.limit_mv,
            verify_checksums=config.verify_checksums,
            readers=config.readers,
        )

    def starts(self, layout: Layout) -> list[int]:
        """First sample of each window of a record; see ``window_starts``."""
        return window_starts(n_store_samples(layout, self.rate_hz), self.n_times, self.window, self.rate_hz)


def n_window_samples(config: DataConfig) -> int:
    """Samples of a window of the store."""
    return round(config.window.length_s * config.rate_hz)


@dataclass(frozen=True)
class Unit:
    """N records to read, neighbours in the order of their paths.

    Attributes:
        records: int64 ``[N]``, their ids.
        paths: Full paths without extension.
        layouts: Their layouts, each once.
        layout_of: int32 ``[N]``, which of them.
        checksums: uint16 ``[N, 12]``, as ``Description`` has them.
        has_report: bool ``[N]``.
        in_training: bool ``[N]``, True for the records that the lead statistics are made of.
        slots: int64 ``[N]``, place of each record's first window in the store.
    """

    records: NDArray[np.int64]
    paths: list[str]
    layouts: list[Layout]
    layout_of: NDArray[np.int32]
    checksums: NDArray[np.uint16]
    has_report: NDArray[np.bool_]
    in_training: NDArray[np.bool_]
    slots: NDArray[np.int64]

    def key(self) -> str:
        """Digest of all that decides the result."""
        digest = hashlib.blake2b(repr((self.paths, self.layouts)).encode(), digest_size=16)
        for array in (self.records, self.layout_of, self.checksums, self.has_report, self.in_training, self.slots):
            digest.update(array.tobytes())
        return digest.hexdigest()

    def blocks(self) -> Iterator[tuple[int, int]]:
        """First and last (exclusive) record of each block: at most ``BLOCK`` neighbours of one layout."""
        changes = np.flatnonzero(np.diff(self.layout_of)) + 1
        borders = [0, *changes.tolist(), len(self.layout_of)]
        for first, last in itertools.pairwise(borders):
            for start in range(first, last, BLOCK):
                yield start, min(start + BLOCK, last)


class Result(NamedTuple):
    """Result of one unit.

    Attributes:
        rows: Columns of the M rows written: ``record`` and ``slot`` int64, ``window`` int32, ``lead_origin``, and those
            of ``quality_columns``.
        dropped: int64 ``[D, 2]``: record, number of the reason in ``Drop``.
        sums: int64 ``[3, 12]``: number, sum and sum of squares of the training samples of each lead, in steps.
    """

    rows: dict[str, NDArray[np.generic]]
    dropped: NDArray[np.int64]
    sums: NDArray[np.int64]

    def pack(self) -> bytes:
        """Turn the result into bytes."""
        stream = io.BytesIO()
        arrays = {f"rows.{name}": column for name, column in self.rows.items()}
        np.savez(stream, allow_pickle=False, dropped=self.dropped, sums=self.sums, **arrays)
        return stream.getvalue()

    @staticmethod
    def unpack(content: bytes) -> "Result":
        """Restore a result from what ``pack`` gave."""
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            rows = {name.removeprefix("rows."): arrays[name] for name in arrays.files if name.startswith("rows.")}
            return Result(rows, arrays["dropped"], arrays["sums"])

    def drops(self) -> list[tuple[int, str]]:
        """Records dropped, with their reason."""
        return [(record, _REASONS[reason].value) for record, reason in self.dropped.tolist()]


def do_unit(unit: Unit, form: Form) -> Result:
    """Read, assess and write the records of a unit.

    Args:
        unit: The records.
        form: Form that they are brought to, and the file that they go to.
    """
    with RowFile(form.file, N_LEADS * form.n_times * 2) as file:
        return read_unit(unit, form, file)


class Rows(Protocol):
    """Destination of the rows of a unit."""

    def write(self, slot: int, rows: NDArray[np.int16]) -> None:
        """Take rows, int16 ``[R, 12, T]``, from a slot on."""


def read_unit(unit: Unit, form: Form, file: Rows) -> Result:
    """As ``do_unit``, for rows that go to any place."""

    def done(borders: tuple[int, int]) -> _UnitPass:
        pass_ = _UnitPass(unit, form)
        pass_.do_block(*borders, file)
        return pass_

    whole = _UnitPass(unit, form)
    for block in side_by_side(done, unit.blocks(), form.readers):
        whole.add(block)
    return whole.result()


class _UnitPass:
    def __init__(self, unit: Unit, form: Form) -> None:
        self._unit, self._form = unit, form
        self._limit_steps = round(form.limit_mv * 1000 / form.uv_per_step)
        self._rows: list[dict[str, NDArray[np.generic]]] = []
        self._scans: list[Scan] = []
        self._lengths: list[int] = []
        self._dropped: list[tuple[int, int]] = []
        self._sums = np.zeros((3, N_LEADS), dtype=np.int64)

    def add(self, block: "_UnitPass") -> None:
        self._rows += block._rows
        self._scans += block._scans
        self._lengths += block._lengths
        self._dropped += block._dropped
        self._sums += block._sums

    def result(self) -> Result:
        parts = [self._assessed(length) for length in dict.fromkeys(self._lengths)]
        rows = {name: np.concatenate([part[name] for part in parts]) for name in (parts[0] if parts else {})}
        return Result(rows, np.array(self._dropped, dtype=np.int64).reshape(-1, 2), self._sums)

    def _assessed(self, length: int) -> dict[str, NDArray[np.generic]]:
        """Columns of the rows whose scanned part has so many samples: all of a unit, unless layouts differ."""
        chosen = [number for number, own in enumerate(self._lengths) if own == length]
        rows = {name: np.concatenate([self._rows[n][name] for n in chosen]) for name in self._rows[chosen[0]]}
        seen = Scan(*(np.concatenate(part) for part in zip(*(self._scans[n] for n in chosen), strict=True)))
        return rows | quality_columns(seen, self._form.uv_per_step, self._form.rate_hz, length)

    def do_block(self, start: int, stop: int, file: Rows) -> None:
        unit, form = self._unit, self._form
        layout = unit.layouts[unit.layout_of[start]]
        checksums = unit.checksums[start:stop] if form.verify_checksums else None
        block, reasons = form.reader.read(unit.paths[start:stop], layout, checksums)
        for place, reason in enumerate(reasons, start):
            if reason is not None:
                self._drop(np.array([place]), reason)
        places = np.array([place for place, reason in enumerate(reasons, start) if reason is None], dtype=np.int64)
        fits = fits_store(block, layout, form.uv_per_step, form.spike_share)
        if not fits.all():
            self._drop(places[~fits], Drop.RANGE)
            places, block = places[fits], block[fits]
        if len(places):
            steps = to_store_steps(block, layout, form.rate_hz, form.uv_per_step)
            origin = lead_origin(layout.recorded, derivable(layout.recorded))
            for window, first in enumerate(form.starts(layout)):
                self._do_windows(places, steps, origin, window, first, file)

    def _do_windows(
        self, places: NDArray[np.int64], block: NDArray[np.int16], origin: str, window: int, first: int, file: Rows
    ) -> None:
        """Cut the same window of each record of a block; assess it, before padding hides that a lead is flat; write."""
        form = self._form
        part = np.ascontiguousarray(cut_window(block, first, form.n_times))
        seen = scan(part, self._limit_steps, form.rate_hz)
        absent, flat = (seen.missing == part.shape[-1]).all(axis=1), seen.flat.all(axis=1)
        useless = ~absent & flat & ~self._unit.has_report[places]
        self._drop(places[absent], Drop.ALL_MISSING)
        self._drop(places[useless], Drop.NOTHING_USABLE)
        keep = ~(absent | useless)
        if not keep.all():
            places, part, seen = places[keep], part[keep], seen.select(keep)
        if not len(places):
            return
        slots = self._unit.slots[places] + window
        rows = pad_window(part, first, form.n_times, form.window.pad)
        if rows is not part:  # the digest is that of the row as it is stored, in which what is missing stays so
            rows[:, [letter == MISSING for letter in origin]] = MISSING_SAMPLE
            seen = seen._replace(content=digest_records(np.ascontiguousarray(rows)))
        self._write(slots, rows, file)
        training = self._unit.in_training[places]
        self._sums += [array[training].sum(axis=0) for array in (seen.count, seen.total, seen.squares)]
        number, origins = np.full(len(places), window, dtype=np.int32), np.full(len(places), origin)
        self._rows.append({"record": self._unit.records[places], "slot": slots, "window": number, LEAD_ORIGIN: origins})
        self._scans.append(seen)
        self._lengths.append(part.shape[-1])

    def _write(self, slots: NDArray[np.int64], rows: NDArray[np.int16], file: Rows) -> None:
        """Write rows, those of neighbouring slots in one go."""
        borders = [0, *(np.flatnonzero(np.diff(slots) != 1) + 1).tolist(), len(slots)]
        for first, last in itertools.pairwise(borders):
            file.write(int(slots[first]), rows[first:last])

    def _drop(self, places: NDArray[np.int64], reason: Drop) -> None:
        self._dropped += [(record, _REASONS.index(reason)) for record in self._unit.records[places].tolist()]
