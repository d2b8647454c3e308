"""The header pass: every header and file size is checked before the first sample is read, so mistakes show early."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.drops import BadRecordError, Drop
from ecgmm.data.wfdb_format import HeaderReader, Layout, parse_start
from ecgmm.leads import N_LEADS

_CHUNK = 256


@dataclass
class CheckedHeaders:
    """What the header pass found for each record of an index, in its order.

    Attributes:
        layouts: The layout, None where the record cannot be used.
        reasons: Why not, None where it can.
        checksums: int64 ``[N, 12]`` of the stored channels, modulo 65536.
    """

    layouts: list[Layout | None]
    reasons: list[Drop | None]
    checksums: NDArray[np.int64]


class HeaderPass:
    """Checks the headers of an index in chunks.

    Args:
        root: Folder that the paths are relative to.
        frame: Columns path and time as in ``SourceIndex``.
        rate_hz: Sampling rate that every header must show.
    """

    def __init__(self, root: Path, frame: pl.DataFrame, rate_hz: float) -> None:
        self._prefix = f"{root}/"
        self._paths = frame["path"].to_list()
        self._times = frame["time"].to_list()
        self._starts = frame["time"].dt.strftime("%H:%M:%S %d/%m/%Y").to_list()
        self._rate_hz = rate_hz
        self._reader = HeaderReader()
        self.found = CheckedHeaders([], [], np.zeros((frame.height, N_LEADS), dtype=np.int64))

    def chunks(self) -> Iterator[int]:
        """Check chunk after chunk; yields the number of records of each."""
        for start in range(0, len(self._paths), _CHUNK):
            stop = min(start + _CHUNK, len(self._paths))
            for row in range(start, stop):
                self._check(row)
            yield stop - start

    def _check(self, row: int) -> None:
        layout, reason = None, None
        try:
            layout = self._read(row)
        except BadRecordError as error:
            reason = error.reason
        self.found.layouts.append(layout)
        self.found.reasons.append(reason)

    def _read(self, row: int) -> Layout:
        path = self._prefix + self._paths[row]
        layout, start, self.found.checksums[row] = self._reader.read(f"{path}.hea")
        if layout.rate_hz != self._rate_hz:
            raise BadRecordError(Drop.HEADER_RATE)
        if start != self._starts[row]:
            _check_time(start, self._times[row])
        try:
            n_bytes = os.stat(f"{path}.dat").st_size  # noqa: PTH116  a string costs half as much as a Path
        except FileNotFoundError:
            raise BadRecordError(Drop.FILE_MISSING) from None
        except OSError:
            raise BadRecordError(Drop.FILE_UNREADABLE) from None
        if n_bytes != layout.n_bytes:
            raise BadRecordError(Drop.SIZE)
        return layout


def _check_time(start: str, time: datetime | None) -> None:
    """Compare times that are not written alike; either may be absent."""
    if start and time is not None and parse_start(start) != time.replace(microsecond=0):
        raise BadRecordError(Drop.HEADER_TIME)
