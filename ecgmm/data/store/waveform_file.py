"""``waveforms.npy``: int16 rows ``[12, T]`` behind a header of fixed length, mapped, or read a few at a time."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.store.faults import damaged, not_read
from ecgmm.files import open_regular
from ecgmm.leads import N_LEADS

HEADER_BYTES = 128
_ROWS_AT_ONCE = 32
"""4 MB of ten seconds at 500 Hz."""


def npy_header(shape: tuple[int, ...]) -> bytes:
    """Header of an ``.npy`` file of int16; numpy pads it, so that it is as long for any number of rows."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<i2", "fortran_order": False, "shape": shape})
    assert stream.tell() == HEADER_BYTES
    return stream.getvalue()


def map_rows(file: Path, n_rows: int, n_times: int) -> NDArray[np.int16]:
    """Map the rows that the manifest knows; behind them may lie more, of a growth that is under way or given up.

    Raises:
        DataError: If the file does not hold them, or the system does not let us read it.
    """
    try:
        with open_regular(file) as opened:
            header, n_bytes = opened.read(HEADER_BYTES), opened.seek(0, io.SEEK_END)
        shape_written = re.search(rb"'shape': \((\d{1,12}),", header)
        n_announced = int(shape_written[1]) if shape_written else -1
        if n_announced < n_rows or header != npy_header((n_announced, N_LEADS, n_times)):
            raise damaged(file.parent, f"the header of {file.name} is not that of {n_rows} waveforms")
        lacking = HEADER_BYTES + n_rows * N_LEADS * n_times * 2 - n_bytes
        if lacking > 0:
            raise damaged(file.parent, f"{file.name} lacks {lacking:,} bytes at its end")
        shape = (n_rows, N_LEADS, n_times)
        return np.memmap(file, dtype=np.int16, mode="r", offset=HEADER_BYTES, shape=shape)
    except (OSError, MemoryError) as error:
        raise not_read(file, error) from None


def read_rows(file: Path, rows: NDArray[np.int64], n_times: int) -> Iterator[NDArray[np.int16]]:
    """Read rows, int16 ``[R, 12, T]`` a block.

    Read and not mapped: pages of a mapping would count as this process's memory, and far rows would be read ahead.

    Raises:
        DataError: If a row cannot be read, or is no longer there.
    """
    try:
        with open_regular(file) as opened:
            for start in range(0, len(rows), _ROWS_AT_ONCE):
                numbers = rows[start : start + _ROWS_AT_ONCE].tolist()
                block = np.empty((len(numbers), N_LEADS, n_times), np.int16)
                are_neighbours = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
                for number, part in [(numbers[0], block)] if are_neighbours else zip(numbers, block, strict=True):
                    opened.seek(HEADER_BYTES + number * block[0].nbytes)
                    if opened.readinto(part.reshape(-1).view(np.uint8).data) != part.nbytes:
                        raise damaged(file.parent, f"{file.name} ends before its last row")
                yield block
    except OSError as error:
        raise not_read(file, error) from None
