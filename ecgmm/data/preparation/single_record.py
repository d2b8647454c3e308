"""One record as a row of a store would hold it, read and checked as preparation does: what prediction reads."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.preparation.header_pass import check_sizes
from ecgmm.data.preparation.unit_pass import read_unit
from ecgmm.data.preparation.units import Destination, Form, Reading, Unit
from ecgmm.data.preparation.waveform_blocks import n_store_samples
from ecgmm.data.sources.any_reader import ANY
from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.data.sources.source import READABLE_RATES_HZ, Window
from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.data.sources.waveform_reader import WaveformReader
from ecgmm.errors import DataError, printable
from ecgmm.types import MISSING_SAMPLE

SPIKE_SHARE = 0.01
"""Largest share of a lead's samples beyond the range of the model's steps; more are a wrong gain, not spikes."""
_LIMIT_MV = 10.0  # of sums that are made on the way and not used
_CURES = {
    Drop.CHECKSUM: "its samples are not those of its header; fetch both files from their source again",
    Drop.SIZE: "fetch both files from their source again",
    Drop.RANGE: "check gain and baseline of its header",
    Drop.ALL_MISSING: "leave record=... out to predict from the report alone",
}


@dataclass(frozen=True)
class SingleRecord:
    """A record's central window.

    Attributes:
        steps: int16 ``[1, 12, T]``, leads in standard order.
        quality: The columns of ``quality_columns``.
        flat: bool ``[12]``, leads without any signal.
        rate_hz: Sampling rate of the record itself.
        length_s: Length of the record itself.
    """

    steps: NDArray[np.int16]
    quality: dict[str, Any]
    flat: NDArray[np.bool_]
    rate_hz: float
    length_s: float


def read_record(record: Path, rate_hz: float, n_times: int, uv_per_step: float) -> NDArray[np.int16]:
    """Read one record's central window as int16 ``[1, 12, n_times]``; see ``read_single_record``."""
    return read_single_record(record, rate_hz, n_times, uv_per_step).steps


def read_single_record(
    record: Path,
    rate_hz: float,
    n_times: int,
    uv_per_step: float,
    pad: str = "zero",
    verify_checksums: bool = True,
    reader: WaveformReader = ANY,
    below: Path | None = None,
) -> SingleRecord:
    """Read one record by the code that fills a store: the same row, bit for bit, and the same reasons to refuse it.

    Two things differ, because one record has no archive around it: its rate may be any, and single samples beyond the
    range of ``uv_per_step`` are limited to it, as training limits spikes.

    Args:
        record: Path of the record, or of one of its files.
        rate_hz: Sampling rate wanted.
        n_times: Samples wanted; a longer record is cut around its centre, a shorter one continued.
        uv_per_step: Microvolts per step wanted.
        pad: Continued by what; see ``Window``.
        verify_checksums: Whether the samples are compared with the header's checksums.
        reader: Reader of records of its kind.
        below: Folder that no file of the record may leave, not by a link either; None for any place.

    Raises:
        DataError: If the record cannot be used; says why.
    """
    stem = reader.record_of(record)
    form = Form(
        file="",
        rate_hz=rate_hz,
        n_times=n_times,
        uv_per_step=uv_per_step,
        window=Window(length_s=n_times / rate_hz, mode="center", stride_s=1.0, pad=pad),
        limit_mv=_LIMIT_MV,
        spike_share=SPIKE_SHARE,
    )
    unit = _unit(stem, Reading(reader, verify_checksums), form, below)
    [layout] = unit.layouts
    row = _Row()
    [result] = read_unit(unit, [row])
    for _, reason in result.drops():
        raise _refused(stem, Drop(reason))
    n_samples = n_store_samples(layout, rate_hz)
    before = max((n_times - n_samples + 1) // 2, 0)
    own = ("record", "slot", "window")
    quality = {name: column[0].item() for name, column in result.rows.items() if name not in own}
    flat = _is_flat(row.rows[0, :, before : before + n_samples])
    return SingleRecord(row.rows, quality, flat, layout.rate_hz, layout.n_samples / layout.rate_hz)


class _Row:
    """Takes the one row."""

    rows: NDArray[np.int16]

    def write(self, slot: int, rows: NDArray[np.int16]) -> None:
        assert slot == 0
        self.rows = rows.copy()  # the buffers below are used again


def _unit(stem: Path, reading: Reading, form: Form, below: Path | None) -> Unit:
    """The record as a unit of its own, after the checks of its header."""
    tree, path = TreeFiles("", follow=True), str(stem)
    if below is not None:
        tree, path = TreeFiles(f"{below.resolve()}/", follow=False), str(stem.relative_to(below))
    try:
        tree.check_folder(path)
        layout, _, checksums = reading.reader.describe(path, tree)
        check_sizes(path, layout, reading.reader, tree)
    except BadRecordError as error:
        raise _refused(stem, error.reason, error.detail) from None
    if not READABLE_RATES_HZ[0] <= layout.rate_hz <= READABLE_RATES_HZ[1]:
        raise DataError(
            f"{printable(stem)} cannot be read (its rate is {layout.rate_hz:g} Hz); give a record of"
            f" {READABLE_RATES_HZ[0]:g} to {READABLE_RATES_HZ[1]:,.0f} Hz"
        )
    nothing = np.zeros(1, dtype=np.int64)
    return Unit(
        reading=reading,
        records=nothing,
        paths=[str(stem)],
        layouts=[layout],
        layout_of=np.zeros(1, dtype=np.int32),
        checksums=np.array([checksums], dtype=np.uint16),
        has_report=np.ones(1, dtype=bool),  # with a report, a flat record stays
        in_training=np.zeros(1, dtype=bool),
        destinations=[Destination(form, nothing)],
    )


def _refused(stem: Path, reason: Drop, detail: str = "") -> DataError:
    cure = _CURES.get(reason, "give a WFDB record of some of the twelve leads in mV")
    why = f"{reason.value}: {detail}" if detail else reason.value
    return DataError(f"{printable(stem)} cannot be read ({why}); {cure}")


def _is_flat(leads: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Whether each lead is constant where it was recorded; bool ``[L]``."""
    gap = leads == MISSING_SAMPLE
    low = np.where(gap, np.int16(32767), leads).min(axis=-1)
    high = np.where(gap, np.int16(-32768), leads).max(axis=-1)
    flat: NDArray[np.bool_] = low >= high
    return flat
