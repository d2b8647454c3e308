"""Change of sampling rate, for preparation of a store: polyphase filtering of int16 blocks, without a shift in time."""

from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import resample_poly

from ecgmm.signal.missing import repair_missing
from ecgmm.types import MISSING_SAMPLE


def resample_block(block: NDArray[np.int16], from_hz: float, to_hz: float) -> NDArray[np.int16]:
    """Resample records along time; sample ``k`` of the result lies at ``k / to_hz`` seconds, as sample 0 did.

    Gaps are bridged for the filter, so that they do not ring into their surroundings, and marked missing again where
    the nearest source sample was missing. The filter is scipy's Kaiser window of 20 zero crossings; beyond its ends a
    record goes on about the line through its first and last sample, which leaves neither offset nor drift as a step.

    Args:
        block: int16 ``[R, L, T]`` with ``MISSING_SAMPLE``. Not changed.
        from_hz: Sampling rate of the block in Hz.
        to_hz: Sampling rate wanted, in Hz.

    Returns:
        int16 ``[R, L, ceil(T * to_hz / from_hz)]``, rounded and clipped to +-32767.
    """
    ratio = (Fraction(to_hz) / Fraction(from_hz)).limit_denominator(10_000)
    signals = repair_missing(torch.tensor(block)).numpy()  # copied: a block may be a read-only memmap
    resampled: NDArray[np.float32] = resample_poly(signals, ratio.numerator, ratio.denominator, axis=-1, padtype="line")
    steps: NDArray[np.int16] = np.rint(resampled).clip(-32767, 32767).astype(np.int16)
    n_times = block.shape[-1]
    nearest = np.rint(np.arange(steps.shape[-1]) * float(1 / ratio)).astype(np.int64).clip(max=n_times - 1)
    steps[block[..., nearest] == MISSING_SAMPLE] = MISSING_SAMPLE
    return steps
