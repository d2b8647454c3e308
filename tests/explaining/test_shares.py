"""Shares inside a segment, by hand."""

import numpy as np
import pytest

from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.segments import segments_of
from ecgmm.data.synthetic.state import CD
from ecgmm.data.synthetic.tree import draw_recordings
from ecgmm.explaining.shares import BUNDLE_BRANCH_BLOCK, FINDINGS, at_rate, share_inside, shows, times_of_chance


def test_a_share_counts_absolute_values() -> None:
    values = np.array([[1.0, -2.0, 1.0, 0.0], [0.0, 4.0, 0.0, 0.0]])
    assert share_inside(values, np.array([False, True, False, False])) == pytest.approx(6 / 8)


def test_what_is_spread_evenly_is_once_its_share_of_time() -> None:
    time = np.array([0.1, 0.2, 0.3])
    even, double = (times_of_chance(k * time, time, np.arange(3)) for k in (1, 2))
    assert (even.value, even.low, even.high) == pytest.approx((1, 1, 1))
    assert double.value == pytest.approx(2)


def test_segments_at_a_stores_rate_are_those_of_the_simulation() -> None:
    _, recordings = draw_recordings(SyntheticConfig(n_patients=20, seed=3))
    segments = segments_of(recordings)
    slow = at_rate(segments, BUNDLE_BRANCH_BLOCK, 100, 1000)
    assert np.array_equal(slow, segments.qrs[:, ::5])
    states = recordings.states
    for finding in FINDINGS:
        assert shows(finding, states).any()
    assert states.present[shows(BUNDLE_BRANCH_BLOCK, states), CD].all()
