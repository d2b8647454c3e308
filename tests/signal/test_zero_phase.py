"""Filters on the device: scipy's numbers, ends included, and no wave moves in time."""

import numpy as np
import pytest
import torch
from scipy import signal

from ecgmm.signal.zero_phase import Filter, filter_both_ways, finite, recursive

RNG = np.random.default_rng(0)
WALK = RNG.normal(size=(3, 2500)).cumsum(axis=1) / 20 + 1  # drifts and does not begin at 0
BANDPASS = signal.butter(4, [0.67, 40], "bandpass", fs=500, output="sos")
NOTCH = signal.tf2sos(*signal.iirnotch(50, 30, 500))
LOWPASS = signal.cheby1(8, 0.05, 0.16, output="sos")
TAPS = signal.firwin(151, [0.05, 47], pass_zero=False, fs=500)


@pytest.mark.parametrize("sections", [BANDPASS, NOTCH, LOWPASS], ids=["bandpass", "notch", "lowpass"])
def test_recursive_filters_equal_scipy(sections: np.ndarray) -> None:
    expected = signal.sosfiltfilt(sections, WALK)
    filtered = filter_both_ways(torch.from_numpy(WALK), recursive(sections))
    np.testing.assert_allclose(filtered, expected, atol=2e-6)
    single = filter_both_ways(torch.from_numpy(WALK).float(), recursive(sections))
    np.testing.assert_allclose(single, expected, atol=1e-4)


def test_finite_filters_equal_scipy() -> None:
    filtered = filter_both_ways(torch.from_numpy(WALK), finite(TAPS))
    np.testing.assert_allclose(filtered, signal.filtfilt(TAPS, [1.0], WALK), atol=1e-10)


@pytest.mark.parametrize("design", [recursive(LOWPASS), finite(TAPS)], ids=["recursive", "finite"])
def test_a_symmetric_wave_stays_symmetric_and_input_is_left_alone(design: Filter) -> None:
    wave = torch.exp(-((torch.arange(1001, dtype=torch.float64) - 500) ** 2) / 200)
    before = wave.clone()
    filtered = filter_both_ways(wave, design)
    torch.testing.assert_close(filtered, filtered.flip(-1), atol=1e-4, rtol=0)
    assert int(filtered.argmax()) == 500
    assert torch.equal(wave, before)
