"""Rows of a store, a few at a time: however large the store, no more of it is read or held than is asked for."""

from collections.abc import Iterator
from math import ceil

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.store import WAVEFORMS, Store
from ecgmm.leads import N_LEADS

_ROWS_AT_ONCE = 32
"""4 MB of ten seconds at 500 Hz."""


def every_kth(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most ``most`` of the rows, at one stride from the first on."""
    stride = max(1, ceil(len(rows) / most))
    return rows[::stride]


def blocks(store: Store, rows: NDArray[np.int64]) -> Iterator[NDArray[np.int16]]:
    """Read rows, int16 ``[R, 12, T]`` a block.

    Read and not mapped: pages of a mapping would count as this process's memory, and far rows would be read ahead.
    """
    assert isinstance(store.waveforms, np.memmap)
    first, n_times = store.waveforms.offset, store.manifest["n_times"]
    with (store.path / WAVEFORMS).open("rb", buffering=0) as file:
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            block = np.empty((len(rows[start : start + _ROWS_AT_ONCE]), N_LEADS, n_times), np.int16)
            for place, number in zip(block, rows[start : start + _ROWS_AT_ONCE].tolist(), strict=True):
                file.seek(first + number * place.nbytes)
                file.readinto(place)
            yield block


def row(store: Store, number: int) -> NDArray[np.int16]:
    """Read one row, int16 ``[12, T]``."""
    only: NDArray[np.int16] = next(blocks(store, np.array([number])))[0]
    return only
