"""Thresholds for a sensitivity or a specificity, and what they do."""

import numpy as np
import pytest

from ecgmm.evaluation.bootstrap import point_values
from ecgmm.evaluation.operating_points import operating_scorer, threshold_at_sensitivity, threshold_at_specificity

POSITIVE = np.array([0] * 10 + [1] * 5, bool)
PROBABILITY = np.array([0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.8, 0.3, 0.45, 0.6, 0.7, 0.9])


def test_the_lowest_threshold_that_leaves_out_nine_of_ten() -> None:
    """The ninth negative has 0.5, the next probability is 0.6."""
    assert threshold_at_specificity(POSITIVE, PROBABILITY, 0.9) == pytest.approx(0.55)


def test_the_highest_threshold_that_finds_four_of_five() -> None:
    """The fourth positive has 0.45, the next lower probability is 0.4."""
    assert threshold_at_sensitivity(POSITIVE, PROBABILITY, 0.8) == pytest.approx(0.425)


def test_the_point_reaches_what_was_asked_and_the_next_threshold_does_not() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        positive = rng.random(40) < 0.4
        probability = np.round(rng.random(40) / 2 + positive / 3, 1)
        least = float(rng.choice([0.5, 0.8, 0.9, 0.95, 1.0]))
        low = threshold_at_specificity(positive, probability, least)
        high = threshold_at_sensitivity(positive, probability, least)
        assert low is not None
        assert high is not None
        reached = point_values(operating_scorer(positive, probability, {"low": low, "high": high}), 40)
        assert reached["specificity/low"] >= least
        assert reached["sensitivity/high"] >= least
        below = probability[probability < low].max(initial=-1)
        above = probability[probability >= high].min(initial=2) + 1e-9
        beyond = point_values(operating_scorer(positive, probability, {"below": below, "above": above}), 40)
        assert beyond["specificity/below"] < least
        assert beyond["sensitivity/above"] < least


def test_without_a_record_of_the_kind_there_is_no_point() -> None:
    assert threshold_at_specificity(np.ones(3, bool), np.ones(3), 0.9) is None
    assert threshold_at_sensitivity(np.zeros(3, bool), np.ones(3), 0.9) is None


def test_a_negative_of_probability_1_is_left_out_all_the_same() -> None:
    threshold = threshold_at_specificity(np.array([False, True]), np.ones(2), 0.9)
    assert threshold == np.inf
