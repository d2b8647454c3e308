"""The patient bootstrap: clustered, paired, repeatable, and about right in coverage."""

import numpy as np
import pytest

from ecgmm.evaluation.bootstrap import (
    bootstrap,
    estimates,
    patient_weights,
    percentile_interval,
    point_values,
)
from ecgmm.evaluation.comparison import difference_of, paired_difference
from ecgmm.evaluation.metrics import Scorer, single_label_scorer
from ecgmm.evaluation.ranking import Floats

CLASSES = ["NORM", "MI"]


def two_class_scorer(labels: Floats, score: Floats) -> Scorer:
    return single_label_scorer(labels.astype(int), np.stack([-score, score], axis=1), CLASSES)


def test_weights_count_whole_patients_and_keep_their_number() -> None:
    patients = np.array([9, 4, 4, 9, 7, 4])
    (weights,) = patient_weights(patients, 500, seed=1)
    assert weights.shape == (6, 500)
    for patient in np.unique(patients):
        rows = weights[patients == patient]
        assert (rows == rows[0]).all()
    assert (weights[[0, 1, 4]].sum(axis=0) == 3).all()  # one record of each patient: three patients a resample
    assert weights[4].mean() == pytest.approx(1, abs=0.15)


def test_resamples_depend_on_the_seed_and_not_on_the_blocks() -> None:
    patients = np.arange(50) // 2
    whole = np.concatenate(list(patient_weights(patients, 30, seed=3)), axis=1)
    blocks = np.concatenate(list(patient_weights(patients, 30, seed=3, at_once=7)), axis=1)
    np.testing.assert_array_equal(whole, blocks)
    (other,) = patient_weights(patients, 30, seed=4)
    assert (whole != other).any()


def test_estimates_are_repeatable_and_contain_the_value() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200).astype(float)
    scorer = two_class_scorer(labels, labels + rng.normal(size=200))
    first = estimates(scorer, np.arange(200), 300, seed=5)
    assert first == estimates(scorer, np.arange(200), 300, seed=5)
    assert first["auroc_macro"].low < first["auroc_macro"].value < first["auroc_macro"].high
    assert first["auroc_macro"] != estimates(scorer, np.arange(200), 300, seed=6)["auroc_macro"]


def test_identical_records_of_a_patient_widen_the_interval() -> None:
    """Ten copies of each record carry no more information than one: about sqrt(10) times the naive width."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 100).astype(float)
    score = labels + rng.normal(size=100)
    scorer = two_class_scorer(np.repeat(labels, 10), np.repeat(score, 10))
    widths = []
    for patients in (np.repeat(np.arange(100), 10), np.arange(1000)):
        found = estimates(scorer, patients, 1000, seed=2)["auroc_macro"]
        widths.append(found.high - found.low)
    assert widths[0] / widths[1] == pytest.approx(np.sqrt(10), rel=0.15)


def test_resamples_without_a_class_are_ignored_only_where_they_hurt() -> None:
    """Patient 0 alone has class 1, so about 1 - (1 - 1/20)^20 = 64 % of the resamples have an AUROC."""
    labels = np.array([1.0] + [0.0] * 19)
    scorer = two_class_scorer(labels, np.linspace(1, 0, 20))
    resampled = bootstrap(scorer, np.arange(20), 2000, seed=0)
    assert np.isfinite(resampled["auroc_macro"]).mean() == pytest.approx(1 - (19 / 20) ** 20, abs=0.04)
    assert np.isfinite(resampled["accuracy"]).all()
    assert percentile_interval(resampled["auroc_macro"]) == (1.0, 1.0)
    assert np.isnan(percentile_interval(np.array([np.nan, np.nan]))).all()


def test_percentiles_of_known_values() -> None:
    assert percentile_interval(np.append(np.arange(1001.0), np.nan)) == pytest.approx((25, 975))


def test_a_method_does_not_differ_from_itself() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 100).astype(float)
    scorer = two_class_scorer(labels, labels + rng.normal(size=100))
    found = paired_difference(scorer, scorer, np.arange(100), 100, seed=0)["auroc_macro"]
    assert (found.value, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_pairing_makes_the_difference_of_correlated_methods_sharper() -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 300).astype(float)
    score = labels + rng.normal(size=300)
    better, worse = two_class_scorer(labels, score + 0.25 * labels), two_class_scorer(labels, score)
    patients = np.arange(300)
    paired = paired_difference(better, worse, patients, 500, seed=0)["auroc_macro"]
    values = [point_values(scorer, 300)["auroc_macro"] for scorer in (better, worse)]
    apart = [bootstrap(scorer, patients, 500, seed)["auroc_macro"] for seed, scorer in enumerate((better, worse))]
    unpaired = difference_of(values[0], values[1], apart[0], apart[1])
    assert paired.value == unpaired.value
    assert paired.high - paired.low < 0.5 * (unpaired.high - unpaired.low)
    assert paired.low > 0
    swapped = paired_difference(worse, better, patients, 500, seed=0)["auroc_macro"]
    assert (swapped.value, swapped.low, swapped.p_value) == pytest.approx((-paired.value, -paired.high, paired.p_value))


def test_p_value_by_hand() -> None:
    """Of 19 differences 2 lie at or below 0: p = 2 (2 + 1) / (19 + 1)."""
    differences = np.array([-1.0, 0.0] + [1.0] * 17 + [np.nan])
    assert difference_of(1.0, 0.5, differences, np.zeros(20)).p_value == pytest.approx(0.3)
    assert difference_of(1.0, 0.5, np.ones(99), np.zeros(99)).p_value == pytest.approx(2 / 100)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    """Accuracy 0.7 on 80 patients of two records that agree; 200 experiments, so 95 % has a sd of 1.5 %."""
    rng = np.random.default_rng(4)
    patients, covered = np.repeat(np.arange(80), 2), 0
    for _ in range(200):
        right = np.repeat(rng.random(80) < 0.7, 2)
        labels = np.tile([0.0, 1.0], 80)
        scorer = two_class_scorer(labels, np.where(right, labels, 1 - labels) - 0.5)
        found = estimates(scorer, patients, 200, seed=0)["accuracy"]
        covered += found.low <= 0.7 <= found.high
    assert 0.88 <= covered / 200 <= 0.99
