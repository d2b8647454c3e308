"""Running median: scipy's numbers by both ways, and waves shorter than half the window leave no trace."""

import numpy as np
import pytest
import torch
from scipy.signal import medfilt

from ecgmm.signal.running_median import of_all_windows, running_median

STEPS = np.random.default_rng(0).integers(-3, 4, size=(2, 3, 400)).astype(np.float32)  # many equal samples
WALK = np.random.default_rng(1).normal(size=(2, 3, 400)).cumsum(axis=-1).astype(np.float32)


@pytest.mark.slow  # compiles a loop
@pytest.mark.parametrize("signals", [STEPS, WALK], ids=["steps", "walk"])
@pytest.mark.parametrize("n_samples", [1, 3, 51, 201])
def test_it_equals_scipy(signals: np.ndarray, n_samples: int) -> None:
    expected = medfilt(signals, (1, 1, n_samples))
    np.testing.assert_array_equal(running_median(torch.from_numpy(signals), n_samples), expected)
    padded = torch.nn.functional.pad(torch.from_numpy(signals), (n_samples // 2, n_samples // 2))
    np.testing.assert_array_equal(of_all_windows(padded, n_samples), expected)


@pytest.mark.slow
def test_a_short_wave_leaves_no_trace_and_input_is_left_alone() -> None:
    signals = torch.full((1, 1, 400), 2.0, requires_grad=True)
    with torch.no_grad():
        signals[..., 200:220] += 5
    before = signals.detach().clone()
    median = running_median(signals, 51)
    assert (median[..., 25:-25] == 2).all()
    assert not median.requires_grad
    assert torch.equal(signals, before)
