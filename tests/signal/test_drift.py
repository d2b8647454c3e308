"""Drift removal against scipy's forward-backward filter, and what it must leave alone."""

import numpy as np
import pytest
import torch
from scipy.signal import butter, sosfiltfilt

from ecgmm.signal.drift import ORDER, padding_samples, remove_drift


def drifting_records(rate_hz: int, seconds: int = 10) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Make beats of 1 mV on a baseline that wanders by 2 mV, with a slope and an offset."""
    time_s = np.arange(rate_hz * seconds) / rate_hz
    beats = np.exp(-(((time_s % 0.8) - 0.4) ** 2) / (2 * 0.02**2))
    phase = np.linspace(0, 6, 12)[:, None]
    return beats + np.sin(2 * np.pi * 0.2 * time_s + phase) + 0.3 * time_s * np.cos(phase) + 0.5


@pytest.mark.parametrize(("rate_hz", "highpass_hz"), [(500, 0.5), (100, 0.5), (500, 0.67), (250, 1.0)])
def test_equals_scipy_at_the_same_padding(rate_hz: int, highpass_hz: float) -> None:
    signals = drifting_records(rate_hz)
    padding = padding_samples(signals.shape[-1], rate_hz, highpass_hz)
    sos = butter(ORDER, highpass_hz, "highpass", fs=rate_hz, output="sos")
    expected = sosfiltfilt(sos, signals, padlen=padding)
    ours = remove_drift(torch.tensor(signals, dtype=torch.float32), rate_hz, highpass_hz).numpy()
    np.testing.assert_allclose(ours, expected, atol=1e-3)


def test_padding_is_two_and_a_half_periods_where_the_record_is_long_enough() -> None:
    assert padding_samples(5000, 500, 0.5) == 2500
    assert padding_samples(1000, 100, 0.05) == 999


def test_offset_vanishes_and_fast_waves_stay_where_they_are() -> None:
    time_s = torch.arange(5000) / 500
    wave = torch.sin(2 * torch.pi * 8 * time_s)
    filtered = remove_drift((wave + 5)[None], 500, 0.5)[0]
    torch.testing.assert_close(filtered[1500:-1500], wave[1500:-1500], atol=2e-3, rtol=0)
