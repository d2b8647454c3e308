"""The split hangs on seed and patient alone."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgmm.data.store.splits import (
    Folds,
    SplitShares,
    check_splits,
    patient_ranks,
    split_by_fold,
    split_by_patient,
    split_digest,
)
from ecgmm.errors import ConfigError, DataError

SHARES = SplitShares(seed=7, train=0.7, val=0.2, test=0.1)
patient_lists = st.lists(st.integers(0, 10**9), min_size=1, max_size=50)


@given(patient_lists)
def test_order_and_other_patients_do_not_matter(patients: list[int]) -> None:
    whole = split_by_patient(np.array(patients), SHARES)
    assert [str(split_by_patient(np.array([patient]), SHARES)[0]) for patient in patients] == whole.tolist()
    assert split_by_patient(np.array(patients[::-1]), SHARES).tolist() == whole.tolist()[::-1]


@given(patient_lists)
def test_digest_does_not_see_row_order_but_sees_a_moved_record(patients: list[int]) -> None:
    frame = pl.DataFrame(
        {"record": np.arange(len(patients)), "split": split_by_patient(np.array(patients), SHARES).tolist()}
    )
    assert split_digest(frame) == split_digest(frame.reverse())
    moved = frame.with_columns(split=pl.when(pl.col("record") == 0).then(pl.lit("elsewhere")).otherwise("split"))
    assert split_digest(frame) != split_digest(moved)


def test_shares_are_met_and_ranks_are_uniform_and_independent() -> None:
    patients = np.arange(20_000)
    splits = split_by_patient(patients, SHARES)
    assert [round(float((splits == name).mean()), 2) for name in ("train", "val", "test")] == [0.7, 0.2, 0.1]
    fraction, split = patient_ranks(patients, 7, "fraction"), patient_ranks(patients, 7, "split")
    assert fraction.min() >= 0
    assert fraction.max() < 1
    assert abs(np.corrcoef(fraction, split)[0, 1]) < 0.03
    assert abs(np.corrcoef(split, patient_ranks(patients, 8, "split"))[0, 1]) < 0.03


def test_a_known_patient_keeps_its_place_for_ever() -> None:
    """Pinned: a change of the hash would silently move patients between splits of published results."""
    assert patient_ranks(np.array([10_000_032]), 42, "split")[0] == 0.28332875681126723


def test_folds_left_out_of_val_and_test_train_and_named_ones_win() -> None:
    folds = np.array([1, 8, 9, 10])
    rest = Folds(train=None, val=[8], test=[9, 10])
    assert split_by_fold(folds, rest).tolist() == ["train", "val", "test", "test"]
    assert split_by_fold(folds, Folds(train=[8], val=[9], test=[10])).tolist() == ["", "train", "val", "test"]


def test_a_fold_named_twice_and_shares_that_do_not_sum_are_refused() -> None:
    with pytest.raises(ConfigError, match="fold 9 more than once"):
        Folds(train=[1, 9], val=[9], test=[10])
    with pytest.raises(ConfigError, match="sum to 1"):
        SplitShares(seed=1, train=0.5, val=0.1, test=0.1)


def test_an_empty_split_and_a_torn_patient_are_refused() -> None:
    with pytest.raises(DataError, match="the val split is empty"):
        check_splits(pl.DataFrame({"patient": [1, 2], "split": ["train", "test"]}))
    with pytest.raises(DataError, match="1 patients into two splits"):
        check_splits(pl.DataFrame({"patient": [1, 1, 2], "split": ["train", "test", "val"]}))
