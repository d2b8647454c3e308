"""Scale, rate and window of blocks, by hand-computed numbers."""

import numpy as np
import pytest
from scipy.signal import resample_poly

from ecgmm.data.preparation.waveform_blocks import (
    cut_window,
    fits_store,
    pad_window,
    rescale,
    to_store_steps,
    window_starts,
)
from ecgmm.data.sources.source import Window
from ecgmm.data.sources.waveform_reader import Layout

CENTER = Window(length_s=1, mode="center", stride_s=1, pad="zero")
SLIDING = Window(length_s=1, mode="sliding", stride_s=0.3, pad="zero")


def layout(gain: float = 200.0, baseline: int = 0, rate_hz: float = 500, n_samples: int = 4) -> Layout:
    return Layout("a test", rate_hz, n_samples, (gain,) * 12, (baseline,) * 12)


def constant_leads(*values: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    return np.tile(np.array(values, dtype=np.int16), (1, 12, 1))


def test_the_same_scale_is_the_same_array() -> None:
    block = constant_leads(1, 2, 3, 4)
    assert rescale(block, layout(200.0), 5.0) is block
    assert to_store_steps(block, layout(1000.0), 500, 1.0) is block


def test_gain_and_baseline_become_store_steps_and_missing_stays_missing() -> None:
    block = constant_leads(-32768, 8, 108, 32767)
    # gain 100 per mV, baseline 8: 0, 1 and 327.59 mV; in steps of 5 uV: 0, 200, and too large for 16 bits
    np.testing.assert_array_equal(rescale(block, layout(100.0, 8), 5.0)[0, 0], [-32768, 0, 200, 32767])
    np.testing.assert_array_equal(rescale(block, layout(-100.0, 8), 5.0)[0, 0], [-32768, 0, -200, -32767])


@pytest.mark.parametrize(("step", "fits"), [(16383, True), (16384, False), (-16383, True), (-16384, False)])
def test_a_record_fits_if_its_largest_sample_does(step: int, fits: bool) -> None:
    block = np.concatenate([constant_leads(0, 0, 0, 0), constant_leads(0, 0, -32768, 0)])
    block[0, 7, 2] = step
    assert fits_store(block, layout(100.0), 5.0).tolist() == [fits, True]  # two store steps each
    assert fits_store(block, layout(200.0), 5.0).all()


def test_a_baseline_may_bring_a_sample_out_of_range_and_missing_leads_do_not() -> None:
    block = constant_leads(-32768, -32767, 5, 5)
    assert not fits_store(block, layout(200.0, 1), 5.0).any()
    assert fits_store(constant_leads(-32768, -32768), layout(0.01, 1), 5.0).all()


def test_polyphase_equals_scipy_on_clean_data() -> None:
    block = np.random.default_rng(0).normal(0, 200, (3, 12, 5000)).astype(np.int16)
    for rate_hz, down in ((250, 2), (100, 5)):
        resampled = to_store_steps(block, layout(n_samples=5000), rate_hz, 5.0)
        expected = resample_poly(block.astype(np.float64), 1, down, axis=-1, padtype="line")
        assert resampled.shape == (3, 12, 10 * rate_hz)
        assert np.abs(resampled - expected).max() <= 0.501  # half a step of rounding


@pytest.mark.parametrize(
    ("n_samples", "window", "expected"),
    [
        (500, CENTER, [0]),
        (701, CENTER, [100]),
        (300, CENTER, [-100]),
        (301, CENTER, [-100]),
        (500, SLIDING, [0]),
        (800, SLIDING, [0, 150, 300]),
        (799, SLIDING, [0, 150]),
        (200, SLIDING, [-150]),
    ],
)
def test_windows_start_where_they_should(n_samples: int, window: Window, expected: list[int]) -> None:
    assert window_starts(n_samples, 500, window, 500) == expected


def test_short_records_are_padded_with_zero_or_their_edge() -> None:
    block = constant_leads(3, 4, 5)
    part = cut_window(block, -1, 6)
    assert pad_window(part, -1, 6, "zero")[0, 0].tolist() == [0, 3, 4, 5, 0, 0]
    assert pad_window(part, -1, 6, "edge")[0, 0].tolist() == [3, 3, 4, 5, 5, 5]
    assert cut_window(block, 1, 2)[0, 0].tolist() == [4, 5]


def test_wide_samples_are_rescaled_like_narrow_ones() -> None:
    narrow = constant_leads(-32768, 8, 108, 1000)
    wide = np.where(narrow == -32768, np.iinfo(np.int32).min, narrow.astype(np.int32) * 1000)
    fine = layout(200_000.0, 0)
    assert fits_store(wide, fine, 5.0).all()
    np.testing.assert_array_equal(rescale(wide, fine, 5.0), narrow)
    wide[0, 3, 3] = 40_000_000  # 200 mV
    assert not fits_store(wide, fine, 5.0).any()
    same = narrow.astype(np.int32)
    assert rescale(np.where(narrow == -32768, np.iinfo(np.int32).min, same), layout(), 5.0).dtype == np.int16
