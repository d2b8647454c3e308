"""Metrics against sklearn and torchmetrics, and against numbers worked out by hand."""

import math
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as reference
import torch
import torchmetrics.functional.classification as tm

from ecgmm.evaluation.metrics import (
    TABLE2_METRICS,
    Scorer,
    compute_metrics,
    mean_scorer,
    multi_label_scorer,
    single_label_scorer,
)

CLASSES = ["NORM", "MI", "STTC", "CD"]
RECORDS, K = 300, len(CLASSES)


def softmax_task(seed: int, decimals: int = 6) -> tuple[Any, Any]:
    """Labels and probabilities; few decimals make many ties."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(K, p=[0.5, 0.25, 0.2, 0.05], size=RECORDS)
    score = np.eye(K)[labels] + rng.normal(size=(RECORDS, K))
    return labels, (np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)).round(decimals)


def sigmoid_task(seed: int, decimals: int = 6) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    labels = (rng.random((RECORDS, K)) < [0.5, 0.25, 0.2, 0.05]).astype(np.float32)
    probabilities = (1 / (1 + np.exp(-2 * labels + 1 - rng.normal(size=(RECORDS, K))))).round(decimals)
    return labels, probabilities, np.array([0.5, 0.4, 0.6, 0.3])


def weightings(n: int) -> Any:
    """One weighting of ones, two of counts with zeros as in a bootstrap, one of real numbers."""
    rng = np.random.default_rng(5)
    return np.stack([np.ones(n), rng.poisson(1.0, n), rng.poisson(1.0, n), rng.random(n)], axis=1).astype(np.float64)


def mean_over_classes(function: Any, positive: Any, other: Any, weight: Any, **options: Any) -> float:
    columns = range(positive.shape[1])
    return float(np.mean([function(positive[:, k], other[:, k], sample_weight=weight, **options) for k in columns]))


def expected_macros(positive: Any, probabilities: Any, predicted: Any, weight: Any) -> dict[str, float]:
    """From sklearn, one class against the rest at a time."""
    rates = {"f1_macro": "f1_score", "precision_macro": "precision_score", "recall_macro": "recall_score"}
    return {
        "auroc_macro": mean_over_classes(reference.roc_auc_score, positive, probabilities, weight),
        "auprc_macro": mean_over_classes(reference.average_precision_score, positive, probabilities, weight),
        "specificity_macro": mean_over_classes(reference.recall_score, ~positive, ~predicted, weight),
    } | {
        key: mean_over_classes(getattr(reference, name), positive, predicted, weight, zero_division=0.0)
        for key, name in rates.items()
    }


@pytest.mark.parametrize("decimals", [6, 1])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_single_label_equals_sklearn_under_every_weighting(seed: int, decimals: int) -> None:
    labels, probabilities = softmax_task(seed, decimals)
    weights = weightings(RECORDS)
    found = single_label_scorer(labels, probabilities, CLASSES)(weights)
    predicted = probabilities.argmax(axis=1)
    for r, weight in enumerate(weights.T):
        one_hot, called = np.eye(K, dtype=bool)[labels], np.eye(K, dtype=bool)[predicted]
        expected = expected_macros(one_hot, probabilities, called, weight) | {
            "accuracy": reference.accuracy_score(labels, predicted, sample_weight=weight),
            "mcc": reference.matthews_corrcoef(labels, predicted, sample_weight=weight),
        }
        assert set(expected) == set(TABLE2_METRICS)
        for key, value in expected.items():
            assert found[key][r] == pytest.approx(value, abs=1e-12), key


@pytest.mark.parametrize("decimals", [6, 1])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_multi_label_equals_sklearn_under_every_weighting(seed: int, decimals: int) -> None:
    labels, probabilities, thresholds = sigmoid_task(seed, decimals)
    weights = weightings(RECORDS)
    found = multi_label_scorer(labels, probabilities, thresholds, CLASSES)(weights)
    positive, called = labels > 0, probabilities >= thresholds
    for r, weight in enumerate(weights.T):
        expected = expected_macros(positive, probabilities, called, weight) | {
            "accuracy": mean_over_classes(reference.accuracy_score, positive, called, weight),
            "exact_match": reference.accuracy_score(positive, called, sample_weight=weight),
            "mcc": mean_over_classes(reference.matthews_corrcoef, positive, called, weight),
        }
        for key, value in expected.items():
            assert found[key][r] == pytest.approx(value, abs=1e-12), key


def test_single_label_equals_torchmetrics() -> None:
    labels, probabilities = softmax_task(3)
    found = compute_metrics(labels, probabilities, CLASSES, "single_label")
    given = torch.tensor(probabilities), torch.tensor(labels), K
    expected = {
        "auroc_macro": tm.multiclass_auroc(*given),
        "auprc_macro": tm.multiclass_average_precision(*given),
        "accuracy": tm.multiclass_accuracy(*given, average="micro"),
        "f1_macro": tm.multiclass_f1_score(*given),
        "precision_macro": tm.multiclass_precision(*given),
        "recall_macro": tm.multiclass_recall(*given),
        "specificity_macro": tm.multiclass_specificity(*given),
        "mcc": tm.multiclass_matthews_corrcoef(*given),
    }
    for key, value in expected.items():
        assert found[key] == pytest.approx(float(value), abs=1e-6), key


def test_multi_label_equals_torchmetrics() -> None:
    labels, probabilities, _ = sigmoid_task(4)
    found = compute_metrics(labels, probabilities, CLASSES, "multi_label")
    given = torch.tensor(probabilities), torch.tensor(labels).long(), K
    assert found["auroc_macro"] == pytest.approx(float(tm.multilabel_auroc(*given)), abs=1e-6)
    assert found["accuracy"] == pytest.approx(float(tm.multilabel_accuracy(*given)), abs=1e-6)
    assert found["exact_match"] == pytest.approx(float(tm.multilabel_exact_match(*given)), abs=1e-6)
    assert found["f1_macro"] == pytest.approx(float(tm.multilabel_f1_score(*given)), abs=1e-6)


def test_three_classes_by_hand() -> None:
    """Six records. Predictions 0 0 1 | 1 1 | 0 for truths 0 0 0 | 1 1 | 2."""
    labels = np.array([0, 0, 0, 1, 1, 2])
    probabilities = np.array(
        [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.3, 0.4, 0.3], [0.2, 0.7, 0.1], [0.1, 0.5, 0.4], [0.5, 0.2, 0.3]]
    )
    found = compute_metrics(labels, probabilities, ["NORM", "MI", "CD"], "single_label")
    # AUROC: NORM has pairs won 3 + 3 + 2 of 9; MI 4 + 4 of 8; CD (0.3) beats 3 of 5, ties one, loses one.
    assert found["auroc/NORM"] == pytest.approx(8 / 9)
    assert found["auroc/MI"] == 1.0
    assert found["auroc/CD"] == pytest.approx(3.5 / 5)
    assert found["auroc_macro"] == pytest.approx((8 / 9 + 1 + 0.7) / 3)
    # AP of NORM: ranks of its records 1, 2, 4 of 6; of CD: third place shared by two, so precision 1 / 3.
    assert found["auprc/NORM"] == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert found["auprc/CD"] == pytest.approx(1 / 3)
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["sensitivity/NORM"] == pytest.approx(2 / 3)
    assert found["precision/NORM"] == pytest.approx(2 / 3)
    assert found["specificity/NORM"] == pytest.approx(2 / 3)
    assert found["f1/MI"] == pytest.approx(0.8)
    assert found["precision/CD"] == 0.0  # there, but never predicted
    assert found["recall_macro"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    # Gorodkin: (c s - sum p t) / sqrt((s^2 - sum p^2)(s^2 - sum t^2)), c = 4, s = 6, p = (3, 3, 0), t = (3, 2, 1).
    assert found["mcc"] == pytest.approx((4 * 6 - 15) / math.sqrt((36 - 18) * (36 - 14)))
    assert found["auroc_abnormal"] == found["auroc/NORM"]


def test_multi_label_by_hand() -> None:
    labels = np.array([[1, 0], [1, 1], [0, 0], [0, 1]])
    probabilities = np.array([[0.9, 0.2], [0.4, 0.6], [0.1, 0.7], [0.2, 0.8]])
    found = compute_metrics(labels, probabilities, ["A", "B"], "multi_label", np.array([0.4, 0.65]))
    assert found["sensitivity/A"] == 1.0  # 0.4 reaches the threshold 0.4
    assert found["accuracy"] == pytest.approx(6 / 8)
    assert found["exact_match"] == pytest.approx(2 / 4)
    assert found["mcc"] == pytest.approx((1 + 0) / 2)
    assert found["auroc/B"] == pytest.approx(3 / 4)
    assert "auroc_abnormal" not in found


def test_a_ranking_without_information_is_one_half_and_the_prevalence() -> None:
    labels = np.array([0, 0, 0, 1])
    found = compute_metrics(labels, np.tile([0.7, 0.3], (4, 1)), ["NORM", "MI"], "single_label")
    assert found["auroc_macro"] == 0.5
    assert found["auprc/MI"] == 0.25
    assert found["mcc"] == 0.0


def test_an_absent_class_is_left_out_of_the_means() -> None:
    """The same records without the column of the absent class give the same macro means."""
    labels, probabilities = softmax_task(6)
    kept = labels < 3
    labels, probabilities = labels[kept], probabilities[kept]
    found = compute_metrics(labels, probabilities, CLASSES, "single_label")
    assert math.isnan(found["auroc/CD"])
    assert math.isnan(found["precision/CD"])
    predicted = probabilities.argmax(axis=1)
    macros = {
        "recall_macro": reference.recall_score(labels, predicted, labels=[0, 1, 2], average="macro"),
        "f1_macro": reference.f1_score(labels, predicted, labels=[0, 1, 2], average="macro"),
        "precision_macro": reference.precision_score(labels, predicted, labels=[0, 1, 2], average="macro"),
        "auroc_macro": np.mean([reference.roc_auc_score(labels == k, probabilities[:, k]) for k in range(3)]),
    }
    for key, value in macros.items():
        assert found[key] == pytest.approx(value), key
    assert found["accuracy"] == pytest.approx((labels == predicted).mean())


def test_only_one_class_leaves_the_macros_undefined_but_not_accuracy() -> None:
    found = compute_metrics(np.zeros(3, int), np.tile([0.7, 0.3], (3, 1)), ["NORM", "MI"], "single_label")
    assert math.isnan(found["auroc_macro"])
    assert found["accuracy"] == 1.0


@pytest.mark.parametrize("scorer_of", ["single", "multi"])
def test_integer_weights_are_repeated_records_and_order_does_not_matter(scorer_of: str) -> None:
    labels, probabilities = softmax_task(8, decimals=2)
    many, thresholds = np.eye(K)[labels], np.full(K, 0.3)

    def scorer(chosen: Any) -> Scorer:
        if scorer_of == "single":
            return single_label_scorer(labels[chosen], probabilities[chosen], CLASSES)
        return multi_label_scorer(many[chosen], probabilities[chosen], thresholds, CLASSES)

    counts = np.random.default_rng(0).poisson(1.0, RECORDS)
    weighted = scorer(np.arange(RECORDS))(counts[:, None].astype(float))
    repeated = np.random.default_rng(1).permutation(np.repeat(np.arange(RECORDS), counts))
    plain = scorer(repeated)(np.ones((len(repeated), 1)))
    for key, value in plain.items():
        assert weighted[key] == pytest.approx(value, abs=1e-12), key


def test_a_weighting_without_one_class_is_undefined_for_its_macros() -> None:
    labels, probabilities = softmax_task(9)
    weights = np.stack([np.ones(RECORDS), labels != 3], axis=1).astype(float)
    found = single_label_scorer(labels, probabilities, CLASSES)(weights)
    assert np.isfinite(found["auroc_macro"]).tolist() == [True, False]
    assert np.isfinite(found["f1_macro"]).tolist() == [True, False]
    assert np.isfinite(found["accuracy"]).all()


def test_mean_scorer_averages_metrics() -> None:
    labels, first = softmax_task(10)
    scorers = [single_label_scorer(labels, p, CLASSES) for p in (first, softmax_task(11)[1])]
    weights = weightings(RECORDS)
    one, other, mean = (scorer(weights) for scorer in (*scorers, mean_scorer(scorers)))
    for key in TABLE2_METRICS:
        np.testing.assert_allclose(mean[key], (one[key] + other[key]) / 2)
