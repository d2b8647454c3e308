"""Confident learning, against counts by hand and against noise that is known."""

import numpy as np
import pytest

from ecgmm.evaluation.confident_learning import confident_joint, find_suspects, noise_transition, yes_or_no

# Means of the own probability: 0.6 for those labelled 0 (0.9, 0.8, 0.1), 0.55 for those labelled 1 (0.9, 0.2).
LABELS = np.array([0, 0, 0, 1, 1])
P_ONE = np.array([0.1, 0.2, 0.9, 0.9, 0.2])
PROBABILITIES = np.stack([1 - P_ONE, P_ONE], axis=1)


def known(rate: float, n: int = 4000, n_classes: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    true = rng.integers(0, n_classes, n)
    scores = rng.normal(size=(n, n_classes)) + 4 * np.eye(n_classes)[true]
    wrong = rng.random(n) < rate
    given = np.where(wrong, (true + rng.integers(1, n_classes, n)) % n_classes, true)
    return given, np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), wrong


def test_joint_by_hand() -> None:
    np.testing.assert_allclose(confident_joint(LABELS, PROBABILITIES), [[0.4, 0.2], [0.2, 0.2]])


def test_joint_keeps_how_often_each_label_was_given_also_where_nothing_is_confident() -> None:
    flat = np.full((5, 3), 1 / 3)
    joint = confident_joint(LABELS, flat)
    np.testing.assert_allclose(joint.sum(axis=1), [0.6, 0.4, 0.0])
    assert joint.sum() == pytest.approx(1)


def test_transition_by_hand_and_bounded() -> None:
    joint = np.array([[0.4, 0.2], [0.2, 0.2]])  # given by true
    np.testing.assert_allclose(noise_transition(joint, 0.9), [[2 / 3, 1 / 3], [0.5, 0.5]])
    np.testing.assert_allclose(noise_transition(joint, 0.25), [[0.75, 0.25], [0.25, 0.75]])
    never_true = np.array([[0.5, 0.0], [0.5, 0.0]])
    np.testing.assert_allclose(noise_transition(never_true, 0.9), [[0.5, 0.5], [0.0, 1.0]])


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_known_noise_is_recovered_and_its_labels_found(rate: float) -> None:
    given, probabilities, wrong = known(rate)
    transition = noise_transition(confident_joint(given, probabilities), 0.9)
    np.testing.assert_allclose(transition.diagonal(), 1 - rate, atol=0.06)
    found = find_suspects(given, probabilities)
    worst = np.argsort(found.score)[: wrong.sum()]
    assert wrong[worst].mean() > 0.85
    assert wrong[found.suspicious].mean() > 0.85
    assert abs(found.suspicious.mean() - rate) < 0.06


def test_suspects_by_hand() -> None:
    found = find_suspects(LABELS, PROBABILITIES)
    assert found.suggested.tolist() == [1, 1, 1, 0, 0]
    np.testing.assert_allclose(found.score, [0.8, 0.6, -0.8, 0.8, -0.6])
    assert found.suspicious.tolist() == [False, False, True, False, True]


def test_order_of_the_records_does_not_matter() -> None:
    given, probabilities, _ = known(0.3, n=300)
    order = np.random.default_rng(1).permutation(300)
    found, shuffled = find_suspects(given, probabilities), find_suspects(given[order], probabilities[order])
    np.testing.assert_array_equal(found.suspicious[order], shuffled.suspicious)
    np.testing.assert_array_equal(found.score[order], shuffled.score)


def test_a_class_of_many_is_a_question_with_two_answers() -> None:
    answers, probabilities = yes_or_no(np.array([1.0, 0.0]), np.array([0.9, 0.3]))
    assert answers.tolist() == [1, 0]
    np.testing.assert_allclose(probabilities, [[0.1, 0.9], [0.7, 0.3]])
