"""Rows of a store that a page looks at: however large the store, no more of it is read than is asked for."""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.store.rows import blocks
from ecgmm.data.store.store import Store


def every_kth(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most ``most`` of the rows, at one stride from the first on."""
    stride = max(1, ceil(len(rows) / most))
    return rows[::stride]


def row(store: Store, number: int) -> NDArray[np.int16]:
    """Read one row, int16 ``[12, T]``."""
    only: NDArray[np.int16] = next(blocks(store, np.array([number])))[0]
    return only
