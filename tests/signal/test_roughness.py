"""Roughness tells noise from waves, whatever their size."""

import numpy as np
import pytest

from ecgmm.signal.roughness import roughness
from ecgmm.types import MISSING_SAMPLE


@pytest.mark.parametrize("size", [5, 500, 5000])
def test_white_noise_is_1_whatever_its_size(size: float) -> None:
    noise = np.random.default_rng(0).normal(0, size, (3, 5000)).round().astype(np.int16)
    np.testing.assert_allclose(roughness(noise, 500), 1, atol=0.06)


@pytest.mark.parametrize(("frequency_hz", "rate_hz"), [(1, 500), (5, 100), (20, 1000)])
def test_a_sine_by_hand(frequency_hz: float, rate_hz: float) -> None:
    time_s = np.arange(int(10 * rate_hz)) / rate_hz
    sine = (8000 * np.sin(2 * np.pi * frequency_hz * time_s)).round().astype(np.int16)
    assert roughness(sine[None], rate_hz)[0] == pytest.approx(1 - np.cos(2 * np.pi * frequency_hz * 0.01), rel=0.01)


def test_gaps_are_held_and_a_constant_has_none() -> None:
    sine = (8000 * np.sin(2 * np.pi * np.arange(1000) / 100)).round().astype(np.int16)
    steps = np.stack([sine, sine, np.full(1000, 7, dtype=np.int16), sine])
    steps[1, [*range(3), *range(300, 306)]] = MISSING_SAMPLE
    steps[3, ::2] = MISSING_SAMPLE
    whole, holed, constant, half = roughness(steps, 100)
    assert holed == pytest.approx(whole, rel=0.2)
    assert half == pytest.approx(2 * whole, rel=0.1)  # twice the step, every other time
    assert np.isnan(constant)
