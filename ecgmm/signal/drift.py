"""Baseline drift removal: a zero-phase Butterworth high-pass, applied to whole batches in the frequency domain.

Running a Butterworth filter forward and backward multiplies the spectrum by its squared magnitude, which a Fourier
transform does in one step for all leads. It equals ``scipy.signal.sosfiltfilt(padlen=padding)`` up to what wraps around
the ends of the padded record.
"""

import math

import torch
from torch import Tensor

ORDER = 2
PADDING_PERIODS = 2.5
"""Padding at each end in periods of the corner frequency, enough for 1e-3 mV against scipy (5 s at 0.5 Hz)."""


def padding_samples(n_times: int, rate_hz: float, highpass_hz: float) -> int:
    """Samples of padding at each end; at most the record's length less one, all that odd reflection can give."""
    return min(n_times - 1, round(PADDING_PERIODS * rate_hz / highpass_hz))


def remove_drift(signals_mv: Tensor, rate_hz: float, highpass_hz: float) -> Tensor:
    """Remove what is slower than ``highpass_hz`` without shifting any wave in time.

    Args:
        signals_mv: float ``[..., T]`` in mV.
        rate_hz: Sampling rate in Hz.
        highpass_hz: Corner in Hz, where the amplitude falls to one half (a Butterworth filter's -3 dB, twice).

    Returns:
        float ``[..., T]`` in mV.
    """
    n_times = signals_mv.shape[-1]
    padding = padding_samples(n_times, rate_hz, highpass_hz)
    padded = pad_odd(signals_mv, padding)
    gain = squared_magnitude(padded.shape[-1], rate_hz, highpass_hz, signals_mv.device).to(signals_mv.dtype)
    filtered: Tensor = torch.fft.irfft(torch.fft.rfft(padded) * gain, n=padded.shape[-1])
    return filtered[..., padding : padding + n_times].contiguous()  # lets go of the padding


def pad_odd(signals: Tensor, padding: int) -> Tensor:
    """Continue a record beyond its ends by point reflection, so that value and slope go on smoothly."""
    n_times = signals.shape[-1]
    left = 2 * signals[..., :1] - signals[..., 1 : padding + 1].flip(-1)
    right = 2 * signals[..., -1:] - signals[..., n_times - padding - 1 : n_times - 1].flip(-1)
    return torch.cat([left, signals, right], dim=-1)


def squared_magnitude(n_times: int, rate_hz: float, corner_hz: float, device: torch.device) -> Tensor:
    """|H(f)|^2 of the digital Butterworth high-pass (bilinear transform, as scipy designs it) at the rfft frequencies.

    Source: Oppenheim and Schafer, Discrete-Time Signal Processing, section on bilinear transformation:
    |H|^2 = t^2N / (t^2N + c^2N) with t = tan(pi f / rate) and c = tan(pi corner / rate).
    """
    frequency_hz = torch.fft.rfftfreq(n_times, d=1 / rate_hz, dtype=torch.float64, device=device)
    powered = torch.tan(torch.pi * frequency_hz / rate_hz) ** (2 * ORDER)
    return powered / (powered + math.tan(math.pi * corner_hz / rate_hz) ** (2 * ORDER))
