"""Change of sampling rate of whole batches on the device, with the numbers of ``scipy.signal.resample_poly``."""

from fractions import Fraction
from functools import lru_cache

import torch
from scipy.signal import firwin
from torch import Tensor
from torch.nn.functional import conv_transpose1d

_ZERO_CROSSINGS = 10
"""Zero crossings of the filter on each side; scipy's default, as is the Kaiser window of 5."""


def resample(signals: Tensor, from_hz: float, to_hz: float) -> Tensor:
    """Resample along time; sample ``k`` of the result lies at ``k / to_hz`` seconds, as sample 0 did.

    The line through the first and last sample of a record is taken away before and given back after: neither offset
    nor drift becomes a step at the ends, and neither is touched by the filter's ripple.

    Args:
        signals: float ``[..., T]``. Not changed.
        from_hz: Sampling rate in Hz.
        to_hz: Sampling rate wanted, in Hz.

    Returns:
        float ``[..., ceil(T * to_hz / from_hz)]``.
    """
    ratio = (Fraction(to_hz) / Fraction(from_hz)).limit_denominator(10_000)
    up, down = ratio.numerator, ratio.denominator
    if up == down:
        return signals
    n_times = signals.shape[-1]
    slope = (signals[..., -1:] - signals[..., :1]) / max(1, n_times - 1)
    times = torch.arange(n_times, dtype=signals.dtype, device=signals.device)
    bent = (signals - signals[..., :1] - slope * times).reshape(-1, 1, n_times)
    kernel = _kernel(up, down, signals.dtype, signals.device)
    dense = conv_transpose1d(bent, kernel, stride=up, padding=kernel.shape[-1] // 2, output_padding=up - 1)
    resampled = dense[:, 0, ::down].reshape(*signals.shape[:-1], -1)
    new_times = torch.arange(resampled.shape[-1], dtype=signals.dtype, device=signals.device) * (down / up)
    return resampled + signals[..., :1] + slope * new_times


@lru_cache(maxsize=32)
def _kernel(up: int, down: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    most = max(up, down)
    taps = up * firwin(2 * _ZERO_CROSSINGS * most + 1, 1 / most, window=("kaiser", 5.0))
    return torch.from_numpy(taps).to(device, dtype).view(1, 1, -1)
