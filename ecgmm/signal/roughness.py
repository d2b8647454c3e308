"""Roughness of a lead: whether neighbouring samples know of one another, as in a heart beat, or not, as in noise."""

import numpy as np
from numpy.typing import NDArray

from ecgmm.types import MISSING_SAMPLE

LAG_S = 0.01
"""A QRS complex, the fastest that a heart does, lasts six times as long."""


def roughness(steps: NDArray[np.int16], rate_hz: float) -> NDArray[np.float64]:
    """Mean squared change within 10 ms over twice the variance: 0 for a smooth lead, 1 for white noise of any size.

    The ratio of J. von Neumann (Distribution of the ratio of the mean square successive difference to the variance,
    Annals of Mathematical Statistics 12, 1941), for samples 10 ms apart.

    Args:
        steps: int16 ``[L, T]`` with ``MISSING_SAMPLE``.
        rate_hz: Sampling rate in Hz.

    Returns:
        ``[L]``; NaN for a lead that is constant.
    """
    lag = max(1, round(LAG_S * rate_hz))
    signals = _without_gaps(steps).astype(np.float64)
    changes = signals[:, lag:] - signals[:, :-lag]
    variance = signals.var(axis=1)
    ratio = np.full(len(steps), np.nan)
    np.divide((changes**2).mean(axis=1), 2 * variance, out=ratio, where=variance > 0)
    return ratio


def _without_gaps(steps: NDArray[np.int16]) -> NDArray[np.int16]:
    """Gaps hold the last sample before them, those at the start the first behind them."""
    there = steps != MISSING_SAMPLE
    first = there.argmax(axis=1)[:, None]
    held = np.maximum.accumulate(np.where(there, np.arange(steps.shape[1]), first), axis=1)
    return np.take_along_axis(steps, held, axis=1)
