"""Resampling on the device: scipy's numbers, at every pair of rates that a store and an encoder may have."""

import numpy as np
import pytest
import torch
from scipy.signal import resample_poly

from ecgmm.signal.polyphase import resample

RATES = [(100, 500), (250, 500), (500, 100), (500, 250), (250, 100), (100, 250)]


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_it_equals_scipy(from_hz: int, to_hz: int) -> None:
    walk = np.random.default_rng(1).normal(size=(2, 3, 10 * from_hz)).cumsum(axis=-1) / 10
    walk -= np.linspace(walk[..., 0], walk[..., -1], walk.shape[-1], axis=-1)  # begins and ends at 0, as scipy takes it
    divisor = np.gcd(from_hz, to_hz)
    expected = resample_poly(walk, to_hz // divisor, from_hz // divisor, axis=-1)
    np.testing.assert_allclose(resample(torch.from_numpy(walk), from_hz, to_hz), expected, atol=1e-9)


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_a_sine_on_a_line_is_the_same_sine_on_the_same_line(from_hz: int, to_hz: int) -> None:
    def seen(rate_hz: int) -> torch.Tensor:
        times_s = torch.arange(10 * rate_hz, dtype=torch.float64) / rate_hz
        return torch.sin(2 * torch.pi * 5 * times_s) + 0.2 * times_s - 3

    resampled = resample(seen(from_hz), from_hz, to_hz)
    torch.testing.assert_close(resampled[to_hz:-to_hz], seen(to_hz)[to_hz:-to_hz], atol=2e-3, rtol=0)


def test_the_same_rate_changes_nothing() -> None:
    signals = torch.randn(2, 12, 100)
    assert torch.equal(resample(signals, 250, 250), signals)


@pytest.mark.parametrize("n_times", [1, 7, 333])
def test_any_length_and_a_straight_line_stays_one(n_times: int) -> None:
    line = torch.arange(n_times, dtype=torch.float64) * 0.3 - 1
    expected = torch.arange(-(-n_times * 2 // 5), dtype=torch.float64) * 0.75 - 1
    torch.testing.assert_close(resample(line[None], 250, 100)[0], expected)
