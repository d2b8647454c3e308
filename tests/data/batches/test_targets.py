from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ecgmm.data.batches.targets import class_probabilities, make_targets
from ecgmm.data.sources.labels.label_set import LabelSet
from ecgmm.data.sources.labels.label_table import LabelTable
from ecgmm.errors import ConfigError

CLASSES = ["NORM", "MI", "STTC"]
PRIORITY = ["MI", "STTC", "NORM"]
# one class, one class, two classes, none, unknown
VALUES = [(1, 0, 0), (0, 0, 1), (0, 1, 1), (0, 0, 0), (None, None, None)]


def table(values: Sequence[Sequence[float | None]], classes: Sequence[str] = CLASSES, **more: Any) -> LabelTable:
    label_set = LabelSet("s", tuple(classes), "annotation", "rules", **{"exhaustive": True, **more})
    return LabelTable(label_set, np.array(values, dtype=np.float32), {})


@pytest.fixture
def labels() -> LabelTable:
    return table(VALUES)


def test_exactly_one_keeps_single_class_records_and_counts_the_rest(labels: LabelTable) -> None:
    targets = make_targets(labels, "exactly_one", PRIORITY, "hard")
    assert targets.usable.tolist() == [True, True, False, False, False]
    assert targets.values[:2].tolist() == [0, 2]
    assert targets.dropped == {"the label set says nothing": 1, "no class of the label set": 1, "several classes": 1}


def test_priority_takes_the_first_of_several(labels: LabelTable) -> None:
    targets = make_targets(labels, "priority", PRIORITY, "hard")
    assert targets.usable.tolist() == [True, True, True, False, False]
    assert targets.values[:3].tolist() == [0, 2, 1]


def test_all_keeps_every_class(labels: LabelTable) -> None:
    targets = make_targets(labels, "all", PRIORITY, "hard")
    assert targets.values.dtype == np.float32
    assert targets.values[2].tolist() == [0, 1, 1]
    assert targets.usable.sum() == 3


def test_every_row_is_used_or_counted(labels: LabelTable) -> None:
    for selection in ("exactly_one", "priority", "all"):
        targets = make_targets(labels, selection, PRIORITY, "hard")
        assert targets.usable.sum() + sum(targets.dropped.values()) == len(labels.values)


def test_mistakes_name_the_cure(labels: LabelTable) -> None:
    with pytest.raises(ConfigError, match="choose one of"):
        make_targets(labels, "first", PRIORITY, "hard")
    with pytest.raises(ConfigError, match=r"task\.targets is 'fuzzy'"):
        make_targets(labels, "all", PRIORITY, "fuzzy")
    with pytest.raises(ConfigError, match="must order NORM, MI, STTC"):
        make_targets(labels, "priority", ["MI"], "hard")


def test_a_priority_may_name_more_classes_than_the_source_has(labels: LabelTable) -> None:
    longer = make_targets(labels, "priority", ["OTHER", *PRIORITY], "hard")
    assert longer.values.tolist() == make_targets(labels, "priority", PRIORITY, "hard").values.tolist()


STATED = [(0, 0.5, 0), (0, 0.8, 0.8), (0.3, 0, 0)]


@pytest.fixture
def uncertain() -> LabelTable:
    return table([*STATED, *VALUES[3:]])


@pytest.mark.parametrize("selection", ["exactly_one", "priority", "all"])
def test_soft_targets_change_what_is_trained_and_nothing_else(uncertain: LabelTable, selection: str) -> None:
    hard, soft = (make_targets(uncertain, selection, PRIORITY, kind) for kind in ("hard", "soft"))
    assert hard.training is hard.values
    assert hard.values.tolist() == soft.values.tolist()
    assert set(soft.values.ravel().tolist()) <= {0, 1, 2}
    assert hard.usable.tolist() == soft.usable.tolist()
    assert soft.training.dtype == np.float32
    assert soft.training.shape == (5, 3)


def test_multi_label_soft_targets_are_the_certainties(uncertain: LabelTable) -> None:
    targets = make_targets(uncertain, "all", PRIORITY, "soft")
    np.testing.assert_allclose(targets.training[:3], STATED)
    assert targets.values[:3].tolist() == [[0, 1, 0], [0, 1, 1], [1, 0, 0]]


def test_class_probabilities_share_what_is_left_open_and_divide_what_is_too_much() -> None:
    found = class_probabilities(np.array([(0, 0.4, 0), (0, 0.8, 0.8), (1, 0, 0)], dtype=np.float32))
    np.testing.assert_allclose(found, [(0.2, 0.6, 0.2), (0, 0.5, 0.5), (1, 0, 0)], atol=1e-6)


def test_none_of_the_classes_is_an_answer_unless_the_set_is_exhaustive(labels: LabelTable) -> None:
    """And only where the set says something of the record, and only where several yes/no questions are asked."""
    open_set = table(VALUES, exhaustive=False)
    targets = make_targets(open_set, "all", PRIORITY, "hard")
    assert targets.usable.tolist() == [True, True, True, True, False]
    assert targets.values[3].tolist() == [0, 0, 0]
    assert targets.dropped == {"the label set says nothing": 1, "no class of the label set": 0}
    for selection in ("exactly_one", "priority"):
        chosen = [make_targets(one, selection, PRIORITY, "hard") for one in (labels, open_set)]
        assert chosen[0].usable.tolist() == chosen[1].usable.tolist()


@pytest.mark.parametrize("selection", ["exactly_one", "priority"])
def test_one_class_is_a_yes_no_question_and_no_choice(selection: str) -> None:
    labels = table([[1.0], [0.0], [None]], ["AFIB"], exhaustive=False)
    targets = make_targets(labels, "all", [], "hard")
    assert targets.values[targets.usable].tolist() == [[1], [0]]
    with pytest.raises(ConfigError, match="task=multilabel"):
        make_targets(labels, selection, ["AFIB"], "hard")
