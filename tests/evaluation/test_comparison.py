"""Holm's correction and DeLong's test, against published examples and definitions."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from ecgmm.evaluation.comparison import delong, holm

WORKED_EXAMPLE = Path(__file__).with_name("delong_1988.csv")


def test_holm_by_hand() -> None:
    """p times 4, 3, 2, 1 from the smallest on; 0.03 times 2 = 0.06 lifts 0.04 to 0.06."""
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.5, 0.6]), [1.0, 1.0])
    np.testing.assert_allclose(holm([0.02]), [0.02])
    assert len(holm([])) == 0


def test_holm_keeps_the_order_and_never_lowers_a_p_value() -> None:
    p_values = np.random.default_rng(0).random(50) ** 3
    adjusted = holm(p_values.tolist())
    assert (adjusted >= p_values).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p_values)]) >= 0).all()
    shuffled = np.random.default_rng(1).permutation(50)
    np.testing.assert_array_equal(holm(p_values[shuffled].tolist()), adjusted[shuffled])


def test_delong_agrees_with_the_worked_example() -> None:
    """Areas, standard errors, differences to the K-G score, chi-square and p of the SAS/STAT User's Guide."""
    frame = pl.read_csv(WORKED_EXAMPLE, comment_prefix="#")
    positive = frame["popind"].to_numpy() == 1
    albumin, protein = frame["albumin"].to_numpy(), frame["total_protein"].to_numpy()
    kg_score = 10.0 - frame["kg_score"].to_numpy()
    first, second = delong(positive, albumin, kg_score), delong(positive, protein, kg_score)
    assert (first.first, first.second, second.first) == pytest.approx((0.7366, 0.7258, 0.6478), abs=5e-5)
    errors = np.sqrt([first.covariance[0, 0], first.covariance[1, 1], second.covariance[0, 0]])
    assert errors == pytest.approx((0.0927, 0.1028, 0.1000), abs=5e-5)
    assert (first.first - first.second, second.first - second.second) == pytest.approx((0.0108, -0.0780), abs=5e-5)
    assert (first.z**2, second.z**2) == pytest.approx((0.0127, 0.5554), abs=5e-5)
    assert (first.p_value, second.p_value) == pytest.approx((0.9102, 0.4561), abs=5e-5)


@pytest.mark.parametrize("decimals", [6, 1])
def test_delong_equals_the_definition_pair_by_pair(decimals: int) -> None:
    """Every positive against every negative, ties one half; covariances of the placement values."""
    rng = np.random.default_rng(3)
    positive = rng.random(150) < 0.3
    scores = [(positive + rng.normal(size=150)).round(decimals) for _ in range(2)]
    won, lost = [], []
    for score in scores:
        above = np.sign(score[positive][:, None] - score[~positive][None, :]) / 2 + 0.5
        won.append(above.mean(axis=1))
        lost.append(above.mean(axis=0))
    covariance = np.cov(won) / positive.sum() + np.cov(lost) / (~positive).sum()
    found = delong(positive, *scores)
    assert found.first == pytest.approx(roc_auc_score(positive, scores[0]))
    assert found.second == pytest.approx(roc_auc_score(positive, scores[1]))
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-10)
    spread = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert found.z == pytest.approx((found.first - found.second) / spread)


def test_delong_by_hand() -> None:
    """Positives 3, 1 and negatives 2, 0: 3 of 4 pairs won, placements (1, 1/2) both ways, variance 1/16 + 1/16."""
    found = delong(np.array([True, True, False, False]), np.array([3.0, 1, 2, 0]), np.array([3.0, 2, 1, 0]))
    assert (found.first, found.second) == (0.75, 1.0)
    assert found.covariance.tolist() == [[1 / 8, 0], [0, 0]]
    assert found.z == pytest.approx(-0.25 / np.sqrt(1 / 8))


def test_delong_looks_at_ranks_only_and_is_antisymmetric() -> None:
    rng = np.random.default_rng(4)
    positive = rng.random(200) < 0.4
    first, second = (positive + rng.normal(size=200) for _ in range(2))
    found, swapped = delong(positive, first, second), delong(positive, np.exp(second), first**3)
    assert swapped.z == pytest.approx(-found.z)
    assert swapped.p_value == pytest.approx(found.p_value)
    same = delong(positive, first, first)
    assert (same.z, same.p_value) == (0.0, 1.0)
