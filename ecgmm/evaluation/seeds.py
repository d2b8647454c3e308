"""Spread between training runs that differ in their seed alone."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import t

from ecgmm.evaluation.bootstrap import CONFIDENCE, Estimate


def t_interval(values: Sequence[float]) -> Estimate:
    """Mean over seeds with its 95 % interval: a handful of seeds wants Student's t, not a bootstrap.

    Returns:
        The mean and its bounds; NaN bounds for a single seed, which says nothing about the spread.
    """
    mean, n = float(np.mean(values)), len(values)
    if n == 1:
        return Estimate(mean, float("nan"), float("nan"))
    half = float(t.ppf((1 + CONFIDENCE) / 2, n - 1) * np.std(values, ddof=1) / np.sqrt(n))
    return Estimate(mean, mean - half, mean + half)
