"""Resampling keeps time, equals scipy on clean data and passes gaps on."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import resample_poly

from ecgmm.signal.resample import resample_block
from ecgmm.types import MISSING_SAMPLE


def noise_block(n_times: int = 1000) -> NDArray[np.int16]:
    return np.random.default_rng(0).integers(-2000, 2000, (3, 12, n_times)).astype(np.int16)


@pytest.mark.parametrize(("from_hz", "to_hz", "up", "down"), [(500, 100, 1, 5), (500, 250, 1, 2), (360, 100, 5, 18)])
def test_equals_scipy_up_to_rounding(from_hz: float, to_hz: float, up: int, down: int) -> None:
    block = noise_block()
    expected = resample_poly(block.astype(np.float64), up, down, axis=-1, padtype="line")
    resampled = resample_block(block, from_hz, to_hz)
    assert resampled.dtype == np.int16
    assert resampled.shape == expected.shape
    np.testing.assert_allclose(resampled, expected, atol=0.51)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(500, 100), (100, 500), (257, 100)])
def test_same_sine_at_both_rates_is_not_shifted(from_hz: int, to_hz: int) -> None:
    def sine(rate_hz: int) -> NDArray[np.int16]:
        time_s = np.arange(10 * rate_hz) / rate_hz
        steps: NDArray[np.int16] = np.rint(4000 * np.sin(2 * np.pi * 3.3 * time_s + 0.4)).astype(np.int16)
        return steps[None, None]

    resampled, direct = resample_block(sine(from_hz), from_hz, to_hz), sine(to_hz)
    inside = slice(to_hz // 2, -to_hz // 2)
    # 1 % of the amplitude; a shift by one sample of 500 Hz would show as 4 %
    np.testing.assert_allclose(resampled[..., inside], direct[..., inside], atol=40)


def test_same_rate_returns_the_block() -> None:
    block = noise_block(200)
    block[1, 2, 10:30] = MISSING_SAMPLE
    np.testing.assert_array_equal(resample_block(block, 500.0, 500), block)


def test_offset_and_slope_reach_the_ends_unbent() -> None:
    line = np.arange(0, 5000, 5, dtype=np.int16) + 3000
    resampled = resample_block(np.broadcast_to(line, (1, 12, 1000)).copy(), 500, 100)
    np.testing.assert_allclose(resampled[0, 0], line[::5], atol=1)


def test_gap_is_marked_where_the_nearest_sample_was_missing_and_bends_nothing_else() -> None:
    block = np.full((2, 12, 1000), 700, dtype=np.int16)
    block[0, 3, 400:450] = MISSING_SAMPLE
    resampled = resample_block(block, 500, 100)
    missing = resampled == MISSING_SAMPLE
    assert np.flatnonzero(missing[0, 3]).tolist() == list(range(80, 90))
    assert missing.sum() == 10
    assert (resampled[~missing] == 700).all()


def test_overshoot_is_clipped_and_never_reads_as_missing() -> None:
    square = np.where(np.arange(1000) // 50 % 2, -32767, 32767).astype(np.int16)
    resampled = resample_block(np.broadcast_to(square, (1, 12, 1000)).copy(), 100, 250)
    assert resampled.min() == -32767
    assert resampled.max() == 32767


def test_read_only_block_is_taken_and_not_changed() -> None:
    block = noise_block(100)
    block[0, 0, 3] = MISSING_SAMPLE
    before = block.copy()
    block.flags.writeable = False
    resample_block(block, 500, 100)
    np.testing.assert_array_equal(block, before)
