"""Spread over seeds."""

import math

import pytest

from ecgmm.evaluation.seeds import t_interval


def test_three_seeds_by_hand() -> None:
    """Mean 2, sd 1, t(0.975; 2) = 4.3027 (printed tables), half width 4.3027 / sqrt(3)."""
    found = t_interval([1.0, 2.0, 3.0])
    assert found.value == 2
    assert found.low == pytest.approx(2 - 2.4841, abs=1e-4)
    assert found.high == pytest.approx(2 + 2.4841, abs=1e-4)


def test_one_seed_says_nothing_about_the_spread() -> None:
    found = t_interval([0.5])
    assert found.value == 0.5
    assert math.isnan(found.low)
    assert math.isnan(found.high)
