"""Scaling with biases finds what was planted, and helps the probabilities that it is fitted on."""

import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax

from ecgmm.evaluation.scaling import Scaling, ScalingKind, fit_scaling


@pytest.mark.parametrize("kind", ["bias_corrected_temperature", "vector"])
def test_a_planted_scaling_is_found(kind: ScalingKind) -> None:
    rng = np.random.default_rng(0)
    logits = 2 * rng.standard_normal((20_000, 3))
    slopes = np.array([0.5, 0.5, 0.5]) if kind == "bias_corrected_temperature" else np.array([0.4, 0.8, 1.2])
    biases = np.array([1.0, 0.0, -1.0])
    # log p is the logit less a number of the record, which a slope of each class would see: so plant on log p.
    planted = softmax(slopes * log_softmax(logits, axis=1) + biases, axis=1)
    labels = (planted.cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
    found = fit_scaling(labels, softmax(logits, axis=1), "single_label", kind)
    assert found.slopes == pytest.approx(slopes, abs=0.06)
    assert found.biases - found.biases.mean() == pytest.approx(biases, abs=0.1)
    assert found.apply(softmax(logits, axis=1), "single_label") == pytest.approx(planted, abs=0.03)


def test_classes_of_a_multi_label_task_are_scaled_one_by_one() -> None:
    rng = np.random.default_rng(1)
    logits = 2 * rng.standard_normal((20_000, 2))
    labels = (rng.random(logits.shape) < expit([0.5, 2.0] * logits + [1.0, -1.0])).astype(float)
    found = fit_scaling(labels, expit(logits), "multi_label", "vector")
    assert found.slopes == pytest.approx([0.5, 2.0], abs=0.1)
    assert found.biases == pytest.approx([1.0, -1.0], abs=0.1)


def test_no_change_is_the_identity_and_a_class_that_is_always_right_stays_finite() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.0, 1.0]])
    same = Scaling(np.ones(2), np.zeros(2)).apply(probabilities, "single_label")
    assert same == pytest.approx(probabilities, abs=1e-6)
    found = fit_scaling(np.array([0, 1, 1]), probabilities, "single_label", "vector")
    assert np.isfinite(found.apply(probabilities, "single_label")).all()
