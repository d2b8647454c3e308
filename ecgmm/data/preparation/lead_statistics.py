"""Mean and standard deviation of each lead from exact integer sums, whatever the order they were added up in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgmm.leads import N_LEADS


@dataclass
class LeadSums:
    """Sums over valid, amplitude-limited samples of training records; flat leads do not count.

    Attributes:
        count: Samples of each lead.
        total: Their sum in steps.
        squares: The sum of their squares.
    """

    count: list[int]
    total: list[int]
    squares: list[int]

    @staticmethod
    def zero() -> "LeadSums":
        """Sums of no sample."""
        return LeadSums([0] * N_LEADS, [0] * N_LEADS, [0] * N_LEADS)

    def add(self, sums: NDArray[np.int64]) -> None:
        """Add int64 ``[3, 12]``: count, total, squares. Python's integers take sums of any size."""
        for own, part in zip((self.count, self.total, self.squares), sums.tolist(), strict=True):
            own[:] = [a + b for a, b in zip(own, part, strict=True)]

    def mean_mv(self, uv_per_step: float) -> list[float]:
        """Mean of each lead in mV, 0 where no sample was counted."""
        return [t / max(n, 1) * uv_per_step / 1000 for n, t in zip(self.count, self.total, strict=True)]

    def std_mv(self, uv_per_step: float) -> list[float]:
        """Standard deviation of each lead in mV, 0 where no sample was counted."""
        variances = [
            (n * squares - total * total) / max(n * n, 1)
            for n, total, squares in zip(self.count, self.total, self.squares, strict=True)
        ]
        return [variance**0.5 * uv_per_step / 1000 for variance in variances]
