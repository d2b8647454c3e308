"""Classes of a store brought to those of a model: by name, by a map, by a file; what has no counterpart is left out."""

from pathlib import Path

import numpy as np
import pytest

from ecgmm.data.batches.class_match import NO_COMMON_CLASS, ClassMatch, read_class_map
from ecgmm.data.batches.targets import Targets
from ecgmm.errors import ConfigError, DataError

STORE = ("AFIB", "AFLT", "SR", "PACE")
MODEL = ("NORM", "AF", "MI")
MAP = {"AFIB": "AF", "AFLT": "AF", "SR": "NORM"}


def test_names_that_are_the_same_meet_and_the_map_goes_before_them() -> None:
    match = ClassMatch.of(("MI", "NORM", "X"), ("NORM", "MI", "CD"), {})
    assert (match.common, match.only_model, match.only_store) == (("NORM", "MI"), ("CD",), ("X",))
    swapped = ClassMatch.of(("MI", "NORM"), ("NORM", "MI"), {"MI": "NORM", "NORM": "MI"})
    assert swapped.model_class_of == {"MI": "NORM", "NORM": "MI"}


def test_several_classes_become_one_and_the_order_is_the_models() -> None:
    match = ClassMatch.of(STORE, MODEL, MAP)
    assert match.common == ("NORM", "AF")
    assert match.only_model == ("MI",)
    assert match.only_store == ("PACE",)


def test_records_of_one_class_are_renamed_or_left_out() -> None:
    numbers = np.array([0, 1, 2, 3, 0])  # AFIB, AFLT, SR, PACE, and one that takes no part
    usable = np.array([True, True, True, True, False])
    left_out = {"several classes": ~usable}
    targets = Targets(numbers, numbers, usable, np.eye(4, dtype=bool)[numbers], left_out, STORE)
    matched = ClassMatch.of(STORE, MODEL, MAP).targets(targets)
    assert matched.class_names == ("NORM", "AF")
    assert matched.values.tolist() == [1, 1, 0, 0, 0]
    assert matched.usable.tolist() == [True, True, True, False, False]
    assert matched.dropped == {"several classes": 1, NO_COMMON_CLASS: 1}


def test_of_several_classes_a_yes_for_any_is_a_yes() -> None:
    present = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]], bool)
    values = present.astype(np.float32)
    matched = ClassMatch.of(STORE, MODEL, MAP).targets(Targets(values, values, np.ones(4, bool), present, {}, STORE))
    assert matched.values.tolist() == [[0, 1], [1, 0], [0, 0], [0, 0]]
    assert matched.usable.tolist() == [True, True, False, True], "none of them is an answer; only others are none"
    assert matched.dropped == {NO_COMMON_CLASS: 1}


@pytest.mark.parametrize("several", [False, True])
def test_the_same_classes_change_nothing(several: bool) -> None:
    present = np.eye(3, dtype=bool)
    values = present.astype(np.float32) if several else np.arange(3)
    before = Targets(values, values, np.ones(3, bool), present, {}, MODEL)
    after = ClassMatch.of(MODEL, MODEL, {}).targets(before)
    assert after.values.dtype == before.values.dtype
    assert np.array_equal(after.values, before.values)
    assert after.usable.all()


@pytest.mark.parametrize(
    ("class_map", "what"),
    [
        ({"sr": "NORM"}, "'sr' and the store has AFIB, AFLT, SR, PACE"),
        ({"SR": "norm"}, "'norm' and the model has NORM"),
    ],
)
def test_a_map_that_names_no_class_is_refused(class_map: dict[str, str], what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        ClassMatch.of(STORE, MODEL, class_map)


def test_too_few_common_classes_are_refused_with_both_sides() -> None:
    match = ClassMatch.of(STORE, MODEL, {"SR": "NORM"})
    match.require(1)
    with pytest.raises(ConfigError, match=r"1 classes in common.*only the model has AF, MI, only the store AFIB"):
        match.require(2)


def test_a_map_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "map.csv"
    file.write_bytes(b'\xef\xbb\xbfnote,store_class,model_class\r\nx,SR,NORM\r\n"a,b",AFIB,AF\r\n')
    assert read_class_map(str(file)) == {"SR": "NORM", "AFIB": "AF"}
    file.write_bytes("store_class;model_class\nSR;NORM\nAFIB;AF".encode("utf-16"))
    assert read_class_map(str(file)) == {"SR": "NORM", "AFIB": "AF"}
    assert read_class_map({"SR": "NORM"}) == {"SR": "NORM"}
    assert read_class_map(None) == {}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"a;b\nSR;NORM\n", "must have the columns store_class and model_class"),
        (b"", "is empty"),
        (b"store_class,model_class\nSR,NORM\nSR,MI\n", "line 3 lacks a class, or gives 'SR' another"),
        (b"store_class,model_class\nSR\n", "1 cells at line 2"),
        (b"store_class,model_class\nSR,\n", "line 2 lacks a class"),
        ("store_class,model_class\nSR,N".encode("utf-16")[:-1], "not UTF-16"),
        (b'store_class,model_class\n"SR,NORM\n', "damaged at line 2"),
    ],
)
def test_a_file_that_is_no_map_is_one_sentence(content: bytes, what: str, tmp_path: Path) -> None:
    file = tmp_path / "map.csv"
    file.write_bytes(content)
    with pytest.raises(DataError, match=what):
        read_class_map(str(file))
    with pytest.raises(DataError, match="is missing"):
        read_class_map(str(tmp_path / "absent.csv"))
