"""Net benefit against numbers computed by hand."""

import numpy as np
import pytest

from ecgmm.evaluation.bootstrap import point_values
from ecgmm.evaluation.net_benefit import net_benefit_scorer

POSITIVE = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0], bool)
PROBABILITY = np.array([0.9, 0.6, 0.3, 0.1, 0.7, 0.2, 0.1, 0.1, 0.1, 0.1])


def test_it_is_cases_found_less_false_alarms_weighed_by_the_odds() -> None:
    """From 0.2 on: 3 found, 2 false, odds 1/4; all: 4 found, 6 false. From 0.5 on: 2 found, 1 false, odds 1."""
    found = point_values(net_benefit_scorer(POSITIVE, PROBABILITY, [0.2, 0.5]), 10)
    assert found["model/0.20"] == pytest.approx(0.3 - 0.2 / 4)
    assert found["all/0.20"] == pytest.approx(0.4 - 0.6 / 4)
    assert found["gain/0.20"] == pytest.approx(0)
    assert found["model/0.50"] == pytest.approx(0.2 - 0.1)
    assert found["all/0.50"] == pytest.approx(0.4 - 0.6)
    assert found["gain/0.50"] == pytest.approx(0.1)  # over treating nobody


def test_perfect_probabilities_win_the_prevalence_and_constant_ones_nothing() -> None:
    perfect = point_values(net_benefit_scorer(POSITIVE, POSITIVE.astype(float), [0.1, 0.8]), 10)
    assert perfect["model/0.10"] == perfect["model/0.80"] == pytest.approx(0.4)
    constant = point_values(net_benefit_scorer(POSITIVE, np.full(10, 0.4), [0.3, 0.5]), 10)
    assert constant["model/0.30"] == pytest.approx(constant["all/0.30"])
    assert constant["model/0.50"] == 0


def test_a_record_that_weighs_twice_counts_as_two() -> None:
    weights = np.ones((10, 1))
    weights[4] = 2
    found = net_benefit_scorer(POSITIVE, PROBABILITY, [0.5])(weights)
    assert found["model/0.50"][0] == pytest.approx(2 / 11 - 2 / 11)
