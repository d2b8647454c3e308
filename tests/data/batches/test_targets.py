import numpy as np
import polars as pl
import pytest

from ecgmm.data.batches.targets import class_probabilities, make_targets
from ecgmm.errors import ConfigError

CLASSES = ["NORM", "MI", "STTC"]
PRIORITY = ["MI", "STTC", "NORM"]
# one class, one class, two classes, none, unknown
VALUES = [(1, 0, 0), (0, 0, 1), (0, 1, 1), (0, 0, 0), (None, None, None)]


@pytest.fixture
def records() -> pl.DataFrame:
    schema = [f"label.s.{name}" for name in CLASSES]
    return pl.DataFrame(VALUES, schema=dict.fromkeys(schema, pl.Float32), orient="row")


def test_exactly_one_keeps_single_class_records_and_counts_the_rest(records: pl.DataFrame) -> None:
    targets = make_targets(records, "s", CLASSES, "exactly_one", PRIORITY, "hard")
    assert targets.usable.tolist() == [True, True, False, False, False]
    assert targets.values[:2].tolist() == [0, 2]
    assert targets.dropped == {"the label set says nothing": 1, "no class of the label set": 1, "several classes": 1}


def test_priority_takes_the_first_of_several(records: pl.DataFrame) -> None:
    targets = make_targets(records, "s", CLASSES, "priority", PRIORITY, "hard")
    assert targets.usable.tolist() == [True, True, True, False, False]
    assert targets.values[:3].tolist() == [0, 2, 1]


def test_all_keeps_every_class(records: pl.DataFrame) -> None:
    targets = make_targets(records, "s", CLASSES, "all", PRIORITY, "hard")
    assert targets.values.dtype == np.float32
    assert targets.values[2].tolist() == [0, 1, 1]
    assert targets.usable.sum() == 3


def test_every_row_is_used_or_counted(records: pl.DataFrame) -> None:
    for policy in ("exactly_one", "priority", "all"):
        targets = make_targets(records, "s", CLASSES, policy, PRIORITY, "hard")
        assert targets.usable.sum() + sum(targets.dropped.values()) == len(records)


def test_mistakes_name_the_cure(records: pl.DataFrame) -> None:
    with pytest.raises(ConfigError, match="no label set 'icd'"):
        make_targets(records, "icd", CLASSES, "all", PRIORITY, "hard")
    with pytest.raises(ConfigError, match="choose one of"):
        make_targets(records, "s", CLASSES, "first", PRIORITY, "hard")
    with pytest.raises(ConfigError, match=r"task\.targets is 'fuzzy'"):
        make_targets(records, "s", CLASSES, "all", PRIORITY, "fuzzy")
    with pytest.raises(ConfigError, match="must order NORM, MI, STTC"):
        make_targets(records, "s", CLASSES, "priority", ["MI"], "hard")


def test_a_priority_may_name_more_classes_than_the_source_has(records: pl.DataFrame) -> None:
    longer = make_targets(records, "s", CLASSES, "priority", ["OTHER", *PRIORITY], "hard")
    assert longer.values.tolist() == make_targets(records, "s", CLASSES, "priority", PRIORITY, "hard").values.tolist()


STATED = [(0, 0.5, 0), (0, 0.8, 0.8), (0.3, 0, 0)]


@pytest.fixture
def uncertain() -> pl.DataFrame:
    return pl.DataFrame(
        [*STATED, *VALUES[3:]], schema=dict.fromkeys([f"label.s.{name}" for name in CLASSES], pl.Float32), orient="row"
    )


@pytest.mark.parametrize("policy", ["exactly_one", "priority", "all"])
def test_soft_targets_change_what_is_trained_and_nothing_else(uncertain: pl.DataFrame, policy: str) -> None:
    hard, soft = (make_targets(uncertain, "s", CLASSES, policy, PRIORITY, kind) for kind in ("hard", "soft"))
    assert hard.training is hard.values
    assert hard.values.tolist() == soft.values.tolist()
    assert set(soft.values.ravel().tolist()) <= {0, 1, 2}
    assert hard.usable.tolist() == soft.usable.tolist()
    assert soft.training.dtype == np.float32
    assert soft.training.shape == (5, 3)


def test_multi_label_soft_targets_are_the_certainties(uncertain: pl.DataFrame) -> None:
    targets = make_targets(uncertain, "s", CLASSES, "all", PRIORITY, "soft")
    np.testing.assert_allclose(targets.training[:3], STATED)
    assert targets.values[:3].tolist() == [[0, 1, 0], [0, 1, 1], [1, 0, 0]]


def test_class_probabilities_share_what_is_left_open_and_divide_what_is_too_much() -> None:
    found = class_probabilities(np.array([(0, 0.4, 0), (0, 0.8, 0.8), (1, 0, 0)], dtype=np.float32))
    np.testing.assert_allclose(found, [(0.2, 0.6, 0.2), (0, 0.5, 0.5), (1, 0, 0)], atol=1e-6)


def test_none_of_the_classes_is_an_answer_unless_the_set_is_exhaustive(records: pl.DataFrame) -> None:
    """And only where the set says something of the record, and only where several yes/no questions are asked."""
    targets = make_targets(records, "s", CLASSES, "all", PRIORITY, "hard", exhaustive=False)
    assert targets.usable.tolist() == [True, True, True, True, False]
    assert targets.values[3].tolist() == [0, 0, 0]
    assert targets.dropped == {"the label set says nothing": 1, "no class of the label set": 0}
    for policy in ("exactly_one", "priority"):
        chosen = [make_targets(records, "s", CLASSES, policy, PRIORITY, "hard", one) for one in (True, False)]
        assert chosen[0].usable.tolist() == chosen[1].usable.tolist()


@pytest.mark.parametrize("policy", ["exactly_one", "priority"])
def test_one_class_is_a_yes_no_question_and_no_choice(policy: str) -> None:
    records = pl.DataFrame({"label.s.AFIB": [1.0, 0.0, None]}, schema={"label.s.AFIB": pl.Float32})
    targets = make_targets(records, "s", ["AFIB"], "all", [], "hard", exhaustive=False)
    assert targets.values[targets.usable].tolist() == [[1], [0]]
    with pytest.raises(ConfigError, match="task=multilabel"):
        make_targets(records, "s", ["AFIB"], policy, ["AFIB"], "hard")
