"""Shares of classes are found without labels, and probabilities follow them."""

import numpy as np
import pytest

from ecgmm.evaluation.label_shift import em_prior, prior_of, with_prior

SOURCE = np.array([0.5, 0.3, 0.2])


def records(prior: np.ndarray, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Classes, and the exact posterior under ``SOURCE`` of a feature that is normal around each class's own mean."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, n, p=prior)
    means = np.eye(3) * 1.5
    feature = means[labels] + rng.standard_normal((n, 3))
    likelihood = np.exp(-((feature[:, None] - means) ** 2).sum(axis=2) / 2)
    posterior = likelihood * SOURCE
    return labels, posterior / posterior.sum(axis=1, keepdims=True)


def test_a_planted_prior_is_found_without_labels() -> None:
    planted = np.array([0.1, 0.2, 0.7])
    labels, probabilities = records(planted, 20_000, 0)
    found = em_prior(probabilities, SOURCE, "single_label")
    assert found == pytest.approx(planted, abs=0.02)
    adapted = with_prior(probabilities, SOURCE, found, "single_label")
    assert np.log(adapted[np.arange(20_000), labels]).mean() > np.log(probabilities[np.arange(20_000), labels]).mean()
    assert adapted.mean(axis=0) == pytest.approx(prior_of(labels, 3, "single_label"), abs=0.02)


def test_each_class_of_a_multi_label_task_has_a_prior_of_its_own() -> None:
    rng = np.random.default_rng(1)
    planted, source = np.array([0.6, 0.05]), np.array([0.2, 0.3])
    truth = rng.random((20_000, 2)) < planted
    odds = np.exp(2 * (2 * truth - 1) + 2 * rng.standard_normal(truth.shape)) * source / (1 - source)
    # A normal feature of mean +-2 and variance 4 has the log likelihood ratio equal to itself.
    assert em_prior(odds / (1 + odds), source, "multi_label") == pytest.approx(planted, abs=0.02)


def test_without_shift_nothing_changes_and_there_and_back_is_where_one_was() -> None:
    _, probabilities = records(SOURCE, 500, 2)
    there = with_prior(probabilities, SOURCE, np.array([0.2, 0.2, 0.6]), "single_label")
    assert with_prior(there, np.array([0.2, 0.2, 0.6]), SOURCE, "single_label") == pytest.approx(probabilities)
    assert with_prior(probabilities, SOURCE, SOURCE, "multi_label") == pytest.approx(probabilities)


def test_by_hand_and_a_class_that_the_source_lacks_stays_away() -> None:
    half = np.array([[0.5, 0.5]])
    assert with_prior(half, np.array([0.5, 0.5]), np.array([0.8, 0.2]), "single_label").tolist() == [[0.8, 0.2]]
    probabilities = np.array([[0.7, 0.3, 0.0], [0.2, 0.8, 0.0]])
    found = em_prior(probabilities, np.array([0.5, 0.5, 0.0]), "single_label")
    assert found[2] == 0
    assert found.sum() == pytest.approx(1)
    assert prior_of(np.array([0, 2, 2, 2]), 3, "single_label").tolist() == [0.25, 0, 0.75]
