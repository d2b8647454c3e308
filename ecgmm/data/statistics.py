"""Quality of each record and statistics of each lead, computed block by block while the block is in the cache.

Most leads have no missing sample and stay within the limit, which their smallest and largest sample tell; only the
others are looked at sample by sample.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgmm.leads import N_LEADS
from ecgmm.types import MISSING_SAMPLE

_CHUNK = 8  # records converted to float32 at a time, so that they stay in the cache


class Quality(NamedTuple):
    """Quality of a block of R records.

    Attributes:
        missing: int64 ``[R, 12]``, number of missing samples of each lead.
        low: int16 ``[R, 12]``, smallest sample that is there.
        high: int16 ``[R, 12]``, largest sample that is there.
        flat: bool ``[R, 12]``, True for leads without any signal: constant, or missing throughout.
    """

    missing: NDArray[np.int64]
    low: NDArray[np.int16]
    high: NDArray[np.int16]
    flat: NDArray[np.bool_]

    def select(self, rows: NDArray[np.bool_]) -> "Quality":
        """Quality of some records, chosen by bool ``[R]``."""
        return Quality(self.missing[rows], self.low[rows], self.high[rows], self.flat[rows])


def assess(block: NDArray[np.int16]) -> Quality:
    """Assess a block, int16 ``[R, 12, T]`` with ``MISSING_SAMPLE``."""
    low, high = block.min(axis=-1), block.max(axis=-1)
    missing = np.zeros(low.shape, dtype=np.int64)
    gaps = low == MISSING_SAMPLE
    if gaps.any():
        leads = block[gaps]
        absent = leads == MISSING_SAMPLE
        missing[gaps] = absent.sum(axis=-1)
        low[gaps] = np.where(absent, np.int16(32767), leads).min(axis=-1)
    return Quality(missing, low, high, low >= high)


class LeadStatistics:
    """Mean and standard deviation of each lead over valid, spike-limited samples; flat leads do not count.

    Args:
        limit_mv: Samples beyond this amplitude are limited before they are counted.
        uv_per_step: Microvolts per step.
    """

    def __init__(self, limit_mv: float, uv_per_step: float) -> None:
        self._mv_per_step = uv_per_step / 1000
        self._limit = limit_mv / self._mv_per_step
        self._count = np.zeros(N_LEADS)
        self._sum = np.zeros(N_LEADS)
        self._sum_of_squares = np.zeros(N_LEADS)

    def add(self, block: NDArray[np.int16], quality: Quality, chosen: NDArray[np.bool_]) -> None:
        """Count records of a block.

        Args:
            block: int16 ``[R, 12, T]``.
            quality: What ``assess`` said of it.
            chosen: bool ``[R]``, the records to count.
        """
        special = (quality.missing > 0) | (quality.low < -self._limit) | (quality.high > self._limit)
        counts = np.where(quality.flat, 0, block.shape[-1] - quality.missing)
        self._count += counts[chosen].sum(axis=0)
        numbers = np.flatnonzero(chosen)
        for start in range(0, len(numbers), _CHUNK):
            rows = numbers[start : start + _CHUNK]
            steps = block[rows].astype(np.float32)
            leads = special[rows]
            if leads.any():
                limited = steps[leads].clip(-self._limit, self._limit)
                steps[leads] = np.where(steps[leads] == MISSING_SAMPLE, 0, limited)
            usable = ~quality.flat[rows]
            self._sum += (steps.sum(axis=-1) * usable).sum(axis=0, dtype=np.float64)
            self._sum_of_squares += (np.vecdot(steps, steps) * usable).sum(axis=0, dtype=np.float64)

    def mean_mv(self) -> NDArray[np.float64]:
        """Mean of each lead in mV (float64 ``[12]``), 0 where no sample was counted."""
        mean: NDArray[np.float64] = self._sum / np.maximum(self._count, 1) * self._mv_per_step
        return mean

    def std_mv(self) -> NDArray[np.float64]:
        """Standard deviation of each lead in mV (float64 ``[12]``), 0 where no sample was counted."""
        mean_square = self._sum_of_squares / np.maximum(self._count, 1) * self._mv_per_step**2
        std: NDArray[np.float64] = np.sqrt(np.maximum(mean_square - self.mean_mv() ** 2, 0))
        return std
