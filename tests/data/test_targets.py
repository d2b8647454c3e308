import numpy as np
import polars as pl
import pytest

from ecgmm.data.targets import make_targets
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
    targets = make_targets(records, "s", CLASSES, "exactly_one", PRIORITY)
    assert targets.usable.tolist() == [True, True, False, False, False]
    assert targets.values[:2].tolist() == [0, 2]
    assert targets.dropped == {"the label set says nothing": 1, "no class of the label set": 1, "several classes": 1}


def test_priority_takes_the_first_of_several(records: pl.DataFrame) -> None:
    targets = make_targets(records, "s", CLASSES, "priority", PRIORITY)
    assert targets.usable.tolist() == [True, True, True, False, False]
    assert targets.values[:3].tolist() == [0, 2, 1]


def test_all_keeps_every_class(records: pl.DataFrame) -> None:
    targets = make_targets(records, "s", CLASSES, "all", PRIORITY)
    assert targets.values.dtype == np.float32
    assert targets.values[2].tolist() == [0, 1, 1]
    assert targets.usable.sum() == 3


def test_every_row_is_used_or_counted(records: pl.DataFrame) -> None:
    for policy in ("exactly_one", "priority", "all"):
        targets = make_targets(records, "s", CLASSES, policy, PRIORITY)
        assert targets.usable.sum() + sum(targets.dropped.values()) == len(records)


def test_mistakes_name_the_cure(records: pl.DataFrame) -> None:
    with pytest.raises(ConfigError, match="no label set 'icd'"):
        make_targets(records, "icd", CLASSES, "all", PRIORITY)
    with pytest.raises(ConfigError, match="choose one of"):
        make_targets(records, "s", CLASSES, "first", PRIORITY)
    with pytest.raises(ConfigError, match="must order exactly"):
        make_targets(records, "s", CLASSES, "priority", ["MI"])
