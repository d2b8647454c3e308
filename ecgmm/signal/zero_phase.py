"""Zero-phase filters of whole batches on the device: the numbers of ``scipy.signal.filtfilt`` in the frequency domain.

A filter runs forward and then backward, each time over a record that goes on beyond its ends about its first and last
sample, and before that has stood still for so long that the filter has settled. Two Fourier transforms a direction do
this for all leads at once, where a recursion would walk from sample to sample.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import signal
from torch import Tensor

_SETTLED = 1e-7
"""What is left of a start once the filter counts as settled."""


@dataclass(frozen=True, eq=False)
class Filter:
    """A digital filter.

    Attributes:
        response: Complex response at angular frequencies, float64 ``[F]``, in radians a sample.
        padding: Samples by which a record is continued at each end; scipy's default for the filter.
        settling: Samples after which a start has died away.
    """

    response: Callable[[NDArray[np.floating]], NDArray[np.complexfloating]]
    padding: int
    settling: int


def recursive(sections: NDArray[np.float64]) -> Filter:
    """The filter of second-order sections ``[S, 6]``, as scipy designs them (``output="sos"``)."""
    poles = np.concatenate([np.roots(section[3:]) for section in sections])
    settling = int(np.ceil(np.log(_SETTLED) / np.log(np.abs(poles).max())))
    n_zero_taps = min(int((sections[:, 2] == 0).sum()), int((sections[:, 5] == 0).sum()))
    padding = 3 * (2 * len(sections) + 1 - n_zero_taps)
    return Filter(lambda omega: signal.freqz_sos(sections, worN=omega)[1], padding, settling)


def finite(taps: NDArray[np.float64]) -> Filter:
    """The filter of an impulse response ``[K]``."""
    return Filter(lambda omega: signal.freqz(taps, worN=omega)[1], 3 * len(taps), len(taps))


def filter_both_ways(signals: Tensor, design: Filter) -> Tensor:
    """Filter forward and backward, so that no wave moves in time.

    Args:
        signals: float ``[..., T]``, longer than the filter's padding. Not changed.
        design: The filter.

    Returns:
        float ``[..., T]``.
    """
    n_times, padding = signals.shape[-1], min(design.padding, signals.shape[-1] - 1)
    left = 2 * signals[..., :1] - signals[..., 1 : padding + 1].flip(-1)
    right = 2 * signals[..., -1:] - signals[..., n_times - padding - 1 : n_times - 1].flip(-1)
    there = _filter(torch.cat([left, signals, right], dim=-1), design)
    back = _filter(there.flip(-1), design).flip(-1)
    return back[..., padding : padding + n_times]


def _filter(signals: Tensor, design: Filter) -> Tensor:
    still = signals[..., :1].expand(*signals.shape[:-1], design.settling)
    padded = torch.cat([still, signals], dim=-1)
    spectrum = torch.fft.rfft(padded) * _response(design, padded.shape[-1], signals.dtype, signals.device)
    filtered: Tensor = torch.fft.irfft(spectrum, n=padded.shape[-1])
    return filtered[..., design.settling :]


@lru_cache(maxsize=64)
def _response(design: Filter, n_times: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    response = design.response(2 * np.pi * np.fft.rfftfreq(n_times))
    return torch.from_numpy(response).to(device, dtype.to_complex())
