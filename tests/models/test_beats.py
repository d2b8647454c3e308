"""Beats that were planted are found, counted and averaged."""

import pytest
import torch
from torch import Tensor

from ecgmm.models.beats import beat_window, find_beats, heart_rate, mean_beat


def spikes(times_s: list[float], rate_hz: float, heights: list[float] | None = None) -> Tensor:
    """Ten seconds of one lead with a triangle of 80 ms around each time."""
    time_s = torch.arange(round(10 * rate_hz)) / rate_hz
    signal = torch.zeros_like(time_s)
    for at_s, height in zip(times_s, heights or [1.0] * len(times_s), strict=True):
        signal += height * (1 - (time_s - at_s).abs() / 0.04).clamp(min=0)
    return signal.view(1, 1, -1)


@pytest.mark.parametrize("rate_hz", [100, 250, 500])
@pytest.mark.parametrize("bpm", [40, 75, 160])
def test_finds_every_beat_at_every_sampling_rate(rate_hz: float, bpm: float) -> None:
    times_s = [0.5 + 60 / bpm * n for n in range(int(9 * bpm / 60) + 1)]
    is_beat = find_beats(spikes(times_s, rate_hz), rate_hz)
    assert is_beat.sum() == len(times_s)
    found_s = is_beat[0].nonzero()[:, 0] / rate_hz
    torch.testing.assert_close(found_s, torch.tensor(times_s), atol=0.04, rtol=0)
    torch.testing.assert_close(heart_rate(is_beat, rate_hz), torch.tensor([float(bpm)]), atol=0, rtol=0.01)


def test_irregular_and_large_beats_count_once_and_small_waves_do_not() -> None:
    times_s = [0.5, 1.7, 2.1, 3.6, 4.4, 6.0, 7.1, 8.5]
    waveform = spikes(times_s, 100, [1, 1, 3, 1, 1, 1, 3, 1]) + spikes([t + 0.3 for t in times_s], 100, [0.3] * 8)
    assert heart_rate(find_beats(waveform, 100), 100).item() == pytest.approx(60 * 7 / 8, rel=0.01)


def test_a_record_without_beats_has_no_rate_and_no_average_beat() -> None:
    for waveform in (torch.zeros(1, 12, 1000), spikes([5.0], 100)):
        is_beat = find_beats(waveform, 100)
        assert heart_rate(is_beat, 100).item() == 0
    nothing = torch.zeros(1, 12, 1000)
    assert not mean_beat(nothing, find_beats(nothing, 100), 100).any()


def test_mean_beat_is_the_mean_of_the_beats_that_lie_inside() -> None:
    waveforms = torch.randn(2, 3, 1000, generator=torch.Generator().manual_seed(0))
    is_beat = torch.zeros(2, 1000, dtype=torch.bool)
    is_beat[0, [20, 40, 300, 940, 941]] = True  # the first and the last reach over an edge
    is_beat[1, 500] = True
    before, after = beat_window(100)
    expected = torch.stack([waveforms[0, :, t - before : t + after] for t in (40, 300, 940)]).mean(dim=0)
    averaged = mean_beat(waveforms, is_beat, 100)
    torch.testing.assert_close(averaged[0], expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(averaged[1], waveforms[1, :, 500 - before : 500 + after], atol=1e-5, rtol=1e-5)
