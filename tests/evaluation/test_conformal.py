"""Conformal sets cover as often as was asked for, also where classes occur at another rate."""

import numpy as np
import pytest

from ecgmm.evaluation.conformal import least_probabilities, set_quality, sets_of_records
from ecgmm.evaluation.label_shift import em_prior
from tests.evaluation.test_label_shift import SOURCE, records

SHIFTED = np.array([0.1, 0.2, 0.7])


def mean_coverage(prior: np.ndarray, weighted: str) -> float:
    """Mean over 200 repetitions of 300 calibration records and 300 new ones; sets of 90 %."""
    coverages = []
    for repetition in range(200):
        calibration = records(SOURCE, 300, 1000 + repetition)
        labels, probabilities = records(prior, 300, 5000 + repetition)
        ratio = {"not": None, "truly": prior / SOURCE, "estimated": None}[weighted]
        if weighted == "estimated":
            ratio = em_prior(probabilities, SOURCE, "single_label") / SOURCE
        least = least_probabilities(*calibration, 0.9, ratio)
        coverages.append(set_quality(labels, probabilities, least).coverage)
    return float(np.mean(coverages))


def test_they_cover_as_often_as_asked_for() -> None:
    assert mean_coverage(SOURCE, "not") == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("weighted", ["truly", "estimated"])
def test_under_label_shift_weights_keep_the_promise(weighted: str) -> None:
    assert mean_coverage(SHIFTED, weighted) == pytest.approx(0.9, abs=0.02)


def test_without_weights_label_shift_breaks_it() -> None:
    assert abs(mean_coverage(SHIFTED, "not") - 0.9) > 0.02


def test_by_hand() -> None:
    labels = np.zeros(9, dtype=np.int64)
    own = np.arange(1, 10) / 10
    probabilities = np.column_stack([own, 1 - own])
    assert least_probabilities(labels, probabilities, 0.9).tolist() == [0.1, 0.1], "0.9 of 9 + 1 records is the ninth"
    assert least_probabilities(labels, probabilities, 0.5).tolist() == [0.5, 0.5]
    assert least_probabilities(labels, probabilities, 0.95).tolist() == [-np.inf, -np.inf]
    found = set_quality(np.array([0, 1]), np.array([[0.6, 0.4], [0.9, 0.1]]), np.array([0.5, 0.2]))
    assert found[:2] == (0.5, 1.5)
    assert found.coverage_of_class.tolist() == [1, 0]


def test_sets_of_records_hold_what_the_thresholds_allow() -> None:
    """Nine calibration records that had 0.9 and one that had 0.2: for 0.8 the own class needs 0.9."""
    share = np.array([0.9] * 9 + [0.2])
    calibration = np.ones(10, np.int64), np.stack([1 - share, share], axis=1)
    tested = np.array([1, 1, 0]), np.array([[0.05, 0.95], [0.5, 0.5], [0.92, 0.08]])
    covered, size = sets_of_records(calibration, tested, "single_label", 0.8)
    assert covered.tolist() == [[1], [0], [1]]
    assert size.tolist() == [[1], [0], [1]]


def test_each_label_of_a_record_has_a_set_of_its_own() -> None:
    rng = np.random.default_rng(0)
    labels = (rng.random((4000, 2)) < [0.3, 0.6]).astype(np.float64)
    probabilities = np.clip(labels * 0.3 + rng.random((4000, 2)) * 0.7, 0, 1)
    known, new = (labels[:2000], probabilities[:2000]), (labels[2000:], probabilities[2000:])
    covered, size = sets_of_records(known, new, "multi_label", 0.9)
    assert covered.shape == size.shape == (2000, 2)
    assert covered.mean(axis=0) == pytest.approx(0.9, abs=0.03)
    assert size.max() <= 2
