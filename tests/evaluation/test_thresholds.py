"""Thresholds of multi-label tasks."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from ecgmm.evaluation.thresholds import choose_thresholds


def test_best_f1_by_hand() -> None:
    """Calling the top three gives F1 = 2 * 2 / (3 + 2) = 0.8, the most; the cut lies between 0.6 and 0.2."""
    found = choose_thresholds(np.array([[1], [0], [1], [0]]), np.array([[0.9], [0.8], [0.6], [0.2]]))
    assert found.values.tolist() == [pytest.approx(0.4)]
    assert found.defaulted.tolist() == [False]


def test_equal_f1_takes_the_highest_threshold() -> None:
    """Top one: 2 / (1 + 3) = 1/2; top five: 2 * 2 / (5 + 3) = 1/2; all others less."""
    labels = np.array([[1], [0], [0], [0], [1], [0], [0], [0], [0], [0], [0], [1]])
    scores = np.linspace(0.95, 0.05, 12)[:, None]
    found = choose_thresholds(labels, scores).values[0]
    assert found == pytest.approx((scores[0, 0] + scores[1, 0]) / 2)


def test_no_threshold_is_better_on_these_records() -> None:
    rng = np.random.default_rng(0)
    labels = (rng.random((200, 3)) < [0.5, 0.2, 0.05]).astype(np.float32)
    scores = (1 / (1 + np.exp(-labels - rng.normal(size=(200, 3))))).round(2).astype(np.float32)
    found = choose_thresholds(labels, scores).values
    for k in range(3):
        chosen = f1_score(labels[:, k], scores[:, k] >= found[k])
        others = [f1_score(labels[:, k], scores[:, k] >= t, zero_division=0.0) for t in np.unique(scores[:, k])]
        assert chosen == pytest.approx(max(others))


def test_tied_scores_are_called_together() -> None:
    found = choose_thresholds(np.array([[1], [0], [0]]), np.array([[0.5], [0.5], [0.1]]))
    assert found.values[0] == pytest.approx(0.3)


def test_a_class_without_positives_gets_one_half() -> None:
    found = choose_thresholds(np.array([[0, 1], [0, 1]]), np.array([[0.9, 0.2], [0.1, 0.4]]))
    assert found.values.tolist() == [0.5, pytest.approx(0.1)]
    assert found.defaulted.tolist() == [True, False]
