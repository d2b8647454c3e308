"""Splits that nothing can be learnt from or measured on: each refusal with its counts and the cure that helps."""

from typing import Any

import numpy as np
import pytest

from ecgmm.data.batches.split_checks import check_splits, require_both_answers
from ecgmm.data.batches.targets import Targets, make_targets
from ecgmm.data.sources.labels.label_set import LabelSet
from ecgmm.data.sources.labels.label_table import LabelTable
from ecgmm.errors import ConfigError

CLASSES = ["NORM", "MI", "STTC"]
N = 3
"""Rows of each split."""
ROWS = {split: np.arange(N * k, N * (k + 1)) for k, split in enumerate(("train", "val", "test"))}
TRAINING = np.arange(9) < N


def targets_of(
    train: list[tuple[int, ...]], selection: str, priority: list[str] = CLASSES
) -> tuple[Targets, dict[str, Any]]:
    """Three training rows, and six of the others with one class each; and the rows of each split that take part."""
    values = [*train, (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    label_set = LabelSet("s", tuple(CLASSES), "annotation", "rules", exhaustive=True)
    targets = make_targets(LabelTable(label_set, np.array(values, np.float32), {}), selection, priority, "hard")
    return targets, {split: rows[targets.usable[rows]] for split, rows in ROWS.items()}


def refusal(train: list[tuple[int, ...]], selection: str) -> str:
    targets, rows = targets_of(train, selection)
    with pytest.raises(ConfigError) as raised:
        check_splits(rows, targets, selection, TRAINING)
    return str(raised.value)


def test_a_class_that_never_stands_alone_is_a_matter_of_the_task_and_not_of_more_data() -> None:
    message = refusal([(1, 0, 0), (0, 0, 1), (0, 1, 1)], "exactly_one")
    assert "no training record has class MI alone (records that have it with others: MI 1)" in message
    assert "task=multilabel" in message
    assert "task.selection=priority" in message
    assert "add data" not in message


def test_a_class_that_is_never_first_is_a_matter_of_the_order() -> None:
    message = refusal([(1, 0, 0), (0, 1, 0), (0, 1, 1)], "priority")
    assert "no training record has class STTC first in labels.priority" in message
    assert "task=multilabel" in message
    assert "task.selection" not in message


@pytest.mark.parametrize("selection", ["exactly_one", "priority", "all"])
def test_a_class_that_is_nowhere_needs_other_data(selection: str) -> None:
    message = refusal([(1, 0, 0), (0, 0, 1), (0, 0, 1)], selection)
    assert "no training record has class MI (3 records)" in message
    assert "add data" in message
    assert "multilabel" not in message


def test_a_split_without_a_record_says_what_the_rows_were_lost_to() -> None:
    message = refusal([(1, 1, 0), (0, 1, 1), (0, 0, 0)], "exactly_one")
    assert "the train split has no record" in message
    assert "2 rows: several classes" in message
    assert "task=multilabel" in message


@pytest.mark.parametrize("selection", ["priority", "all"])
def test_the_cure_cures(selection: str) -> None:
    targets, rows = targets_of([(1, 0, 0), (0, 0, 1), (0, 1, 1)], selection)
    check_splits(rows, targets, selection, TRAINING)


@pytest.mark.parametrize(
    ("labels", "measurable"),
    [([[1], [0]], True), ([[1], [1]], False), ([[0], [0]], False), ([[1, 1], [1, 0]], True), ([[1, 0], [1, 0]], False)],
)
def test_a_multi_label_split_needs_a_class_with_both_answers(labels: list[list[int]], measurable: bool) -> None:
    values, names = np.array(labels, np.float32), ["A", "B"][: len(labels[0])]
    if measurable:
        require_both_answers(values, "test", names)
        return
    with pytest.raises(
        ConfigError, match=rf"no metric is defined on the test split.*2 records, of them A {labels[0][0] * 2}"
    ):
        require_both_answers(values, "test", names)


def test_class_numbers_can_always_be_measured() -> None:
    require_both_answers(np.array([1, 1]), "test", ["A", "B"])
