"""Calibrated stacking: the offset by hand, chosen without a record of an unseen class."""

import numpy as np
import pytest

from ecgmm.evaluation.stacking import KEPT, areas_scorer, choose_offset, stacking_scorer

SEEN = np.array([True, True, False])


def test_the_offset_leaves_nine_tenths_of_the_recall_of_seen_classes() -> None:
    margins = np.linspace(0.1, 2, 20)  # of the right seen class over the unseen one
    labels = np.repeat([0, 1], 10)
    logits = np.full((20, 3), -9.0)
    logits[np.arange(20), labels] = margins
    logits[:, 2] = 0
    offset = choose_offset(logits, labels, SEEN)
    kept = stacking_scorer(logits, labels, SEEN, offset)(np.ones((20, 1)))["seen"][0]
    assert kept == pytest.approx(KEPT)
    assert offset == pytest.approx(margins[2])
    beyond = stacking_scorer(logits, labels, SEEN, offset + 0.01)(np.ones((20, 1)))["seen"][0]
    assert beyond < KEPT


def test_records_of_unseen_classes_do_not_decide_it() -> None:
    generator = np.random.default_rng(0)
    logits, labels = generator.normal(size=(60, 3)), np.arange(60) % 3
    kept = labels != 2
    assert choose_offset(logits, labels, SEEN) == choose_offset(logits[kept], labels[kept], SEEN)


def test_recall_of_either_kind_and_their_harmonic_mean() -> None:
    logits = np.array([[2.0, 0, 1], [0, 2, 1], [2, 0, 1], [2, 0, 1.5]])
    labels = np.array([0, 1, 1, 2])
    found = stacking_scorer(logits, labels, SEEN, 0.0)(np.ones((4, 1)))
    assert {name: float(value[0]) for name, value in found.items()} == {"seen": 0.75, "unseen": 0, "harmonic": 0}
    shifted = stacking_scorer(logits, labels, SEEN, 0.6)(np.ones((4, 1)))
    assert {name: float(value[0]) for name, value in shifted.items()} == {
        "seen": 0.75,
        "unseen": 1,
        "harmonic": pytest.approx(2 * 0.75 / 1.75),
    }


def test_a_constant_ranks_nothing() -> None:
    positive = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], bool)
    found = areas_scorer(positive, np.zeros((4, 2)), ("A", "B"))(np.ones((4, 1)))
    assert {name: float(value[0]) for name, value in found.items()} == {
        "auroc_macro": 0.5,
        "auroc/A": 0.5,
        "auroc/B": 0.5,
    }
