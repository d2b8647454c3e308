"""Beats in a waveform, without learning: where they are, how fast they come, and what they look like on average."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d, max_pool1d

STEP_S = 0.02
"""Time over which slopes are taken."""
COMPLEX_S = 0.12
"""Slopes are averaged over about one QRS complex, which leaves one hill a beat, also of wide and paced ones."""
REFRACTORY_S = 0.17
"""Of two hills closer than this the higher one is the beat."""
LEVEL_WINDOW_S = 2.0
"""In every window of this length there is a beat, if there are more than 30 a minute."""
THRESHOLD = 0.4
"""A beat is at least so high as a share of the usual one: T waves are flatter, small beats are not."""
BEFORE_S, AFTER_S = 0.4, 0.6
"""What of a beat is averaged: from a P wave with a long PR interval to the end of a long QT interval."""


def find_beats(waveforms: Tensor, rate_hz: float) -> Tensor:
    """Mark the steepest instant of every beat.

    A vectorised reading of Pan and Tompkins, "A real-time QRS detection algorithm", IEEE Trans Biomed Eng 32 (1985):
    slope, averaging over a complex, a threshold from the record's own beats. The slope is the length of the slopes of
    all leads.

    Args:
        waveforms: float ``[B, L, T]``, any unit; leads of zeros take no part.
        rate_hz: Sampling rate.

    Returns:
        bool ``[B, T]``.
    """
    step = max(1, round(STEP_S * rate_hz))
    slope = torch.zeros_like(waveforms[:, :1])
    change = waveforms[..., step:] - waveforms[..., :-step]
    slope[..., step // 2 : step // 2 + change.shape[-1]] = change.square().sum(dim=1, keepdim=True).sqrt()
    half = round(COMPLEX_S * rate_hz) // 2
    hills = avg_pool1d(slope, 2 * half + 1, 1, half)
    reach = round(REFRACTORY_S * rate_hz)
    # Of several equal tops the place of the first is given, so a flat top is one beat.
    _, highest = max_pool1d(hills, 2 * reach + 1, 1, reach, return_indices=True)
    is_top = highest == torch.arange(hills.shape[-1], device=hills.device)
    window = min(round(LEVEL_WINDOW_S * rate_hz), hills.shape[-1])
    # The median over windows: a few large beats, or noise in a part of the record, do not move it.
    by_height = max_pool1d(hills, window).sort(dim=-1).values  # torch.onnx knows no median
    middle = (by_height.shape[-1] - 1) // 2
    usual = by_height[..., middle : middle + 1]
    return (is_top & (hills > THRESHOLD * usual)).squeeze(1)


def heart_rate(is_beat: Tensor, rate_hz: float) -> Tensor:
    """Count the mean rate from the first to the last of the beats ``[B, T]``: float32 ``[B]`` a minute, 0 below two."""
    times = torch.arange(is_beat.shape[1], device=is_beat.device)
    first = torch.where(is_beat, times, times[-1]).amin(dim=1)
    last = torch.where(is_beat, times, 0).amax(dim=1)
    intervals = is_beat.sum(dim=1) - 1
    return torch.where(intervals > 0, 60 * rate_hz * intervals / (last - first).clamp(min=1), 0.0)


def beat_window(rate_hz: float) -> tuple[int, int]:
    """Samples of an average beat before and after its steepest instant."""
    return round(BEFORE_S * rate_hz), round(AFTER_S * rate_hz)


def mean_beat(waveforms: Tensor, is_beat: Tensor, rate_hz: float) -> Tensor:
    """Average a record's beats, as carts do before they measure.

    Args:
        waveforms: float ``[B, L, T]``.
        is_beat: bool ``[B, T]`` from ``find_beats``.
        rate_hz: Sampling rate.

    Returns:
        float ``[B, L, before + after]`` (``beat_window``); zeros where no beat lies so far inside the record.
    """
    n_times = waveforms.shape[-1]
    before, after = beat_window(rate_hz)
    times = torch.arange(n_times, device=waveforms.device)
    inside = (is_beat & (times >= before) & (times <= n_times - after)).unsqueeze(1).to(waveforms.dtype)
    # Sum over beats t of waveform(t + k), for all k at once. ONNX Runtime is exact to 1e-3 only where the length of a
    # transform is no power of two; any length of at least n_times will do, since no beat reaches beyond the ends.
    n = 1 << (n_times - 1).bit_length() if torch.compiler.is_exporting() else n_times
    spectrum = torch.fft.rfft(waveforms, n=n) * torch.fft.rfft(inside, n=n).conj()
    summed = torch.fft.irfft(spectrum, n=n)
    beat = torch.cat([summed[..., n - before :], summed[..., :after]], dim=-1)
    return beat / inside.sum(dim=-1, keepdim=True).clamp(min=1)
