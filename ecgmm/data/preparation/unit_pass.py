"""The waveform pass of one unit: samples are read, brought to the form of each store, assessed and written there.

Each record is read once, for however many stores; the result for each store is what its journal keeps. Sums are
integers, so that they do not depend on how records are grouped.
"""

import io
import itertools
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.preparation.units import Destination, Unit
from ecgmm.data.preparation.waveform_blocks import cut_window, fits_store, pad_window, to_store_steps
from ecgmm.data.sources.drops import Drop
from ecgmm.data.sources.side_by_side import side_by_side
from ecgmm.data.sources.waveform_reader import Block, Layout
from ecgmm.data.store.leads import LEAD_ORIGIN, MISSING, lead_origin
from ecgmm.data.store.partial_store import RowFile
from ecgmm.leads import N_LEADS
from ecgmm.signal.derived_leads import derivable
from ecgmm.signal.digest import digest_records
from ecgmm.signal.quality import quality_columns
from ecgmm.signal.scan import Scan, scan
from ecgmm.types import MISSING_SAMPLE

_REASONS = tuple(Drop)


class Result(NamedTuple):
    """Result of one unit for one store.

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


def do_unit(unit: Unit) -> list[Result]:
    """Read the records of a unit, and assess and write them for each of its destinations.

    Returns:
        One result for each destination.
    """
    with ExitStack() as opened:
        forms = [destination.form for destination in unit.destinations]
        files = [opened.enter_context(RowFile(form.file, N_LEADS * form.n_times * 2)) for form in forms]
        return read_unit(unit, files)


class Rows(Protocol):
    """Destination of the rows of a unit."""

    def write(self, slot: int, rows: NDArray[np.int16]) -> None:
        """Take rows, int16 ``[R, 12, T]``, from a slot on."""


def read_unit(unit: Unit, files: Sequence[Rows]) -> list[Result]:
    """As ``do_unit``, for rows that go to any places, one for each destination."""

    def done(borders: tuple[int, int]) -> list[_UnitPass]:
        start, stop = borders
        layout, reading = unit.layouts[unit.layout_of[start]], unit.reading
        checksums = unit.checksums[start:stop] if reading.verify_checksums else None
        block = reading.reader.read(unit.paths[start:stop], layout, checksums)
        passes = [_UnitPass(unit, destination) for destination in unit.destinations]
        for pass_, file in zip(passes, files, strict=True):
            pass_.do_block(start, layout, block, file)
        return passes

    wholes = [_UnitPass(unit, destination) for destination in unit.destinations]
    for passes in side_by_side(done, unit.blocks(), unit.reading.readers):
        for whole, pass_ in zip(wholes, passes, strict=True):
            whole.add(pass_)
    return [whole.result() for whole in wholes]


class _UnitPass:
    def __init__(self, unit: Unit, destination: Destination) -> None:
        self._unit, self._form, self._slots = unit, destination.form, destination.slots
        self._limit_steps = round(self._form.limit_mv * 1000 / self._form.uv_per_step)
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

    def do_block(self, start: int, layout: Layout, block: Block, file: Rows) -> None:
        """Take recordings of one layout, the first of which is the unit's record ``start``."""
        form, samples = self._form, block.samples
        for place, reason in enumerate(block.reasons, start):
            if reason is not None:
                self._drop(np.array([place]), reason)
        kept = [place for place, reason in enumerate(block.reasons, start) if reason is None]
        places = np.array(kept, dtype=np.int64)
        fits = fits_store(samples, layout, form.uv_per_step, form.spike_share)
        if not fits.all():
            self._drop(places[~fits], Drop.RANGE)
            places, samples = places[fits], samples[fits]
        if len(places):
            steps = to_store_steps(samples, layout, form.rate_hz, form.uv_per_step)
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
        slots = self._slots[places] + window
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
