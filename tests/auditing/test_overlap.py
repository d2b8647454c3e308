"""Overlap of splits, counted by hand."""

from pathlib import Path

import numpy as np
import polars as pl

from ecgmm.auditing.overlap import look_up, shared_patients, shared_reports, shared_waveforms
from ecgmm.data.store.store import Store

SPLITS = ["train", "train", "val", "test", "test", "test"]


def store_of(waveforms: np.ndarray, has_waveform: list[bool]) -> Store:
    records = pl.DataFrame({"split": SPLITS, "has_waveform": has_waveform})
    return Store(Path("store"), waveforms, records, pl.DataFrame(), {}, "")


def test_patients() -> None:
    records = pl.DataFrame({"split": SPLITS, "patient": [1, 2, 3, 4, 2, 2]})
    assert shared_patients(records) == {"all": 4, "in_several_splits": 1}


def test_waveforms_are_equal_byte_for_byte_or_not_at_all() -> None:
    waveforms = np.arange(6 * 12 * 5, dtype=np.int16).reshape(6, 12, 5)
    everything = [True] * 6
    assert shared_waveforms(store_of(waveforms, everything))["in_several_splits"] == 0
    waveforms[4] = waveforms[0]  # test and train
    waveforms[5] = waveforms[3]  # within test
    assert shared_waveforms(store_of(waveforms, everything)) == {
        "rows": 6,
        "distinct": 4,
        "in_several_splits": 2,
        "test": 3,
        "test_in_train": 1,
    }
    waveforms[4, 11, 4] += 1
    assert shared_waveforms(store_of(waveforms, everything))["in_several_splits"] == 0


def test_rows_without_a_waveform_are_no_copies_of_each_other() -> None:
    empty = np.full((6, 12, 5), -32768, np.int16)
    assert shared_waveforms(store_of(empty, [False] * 6))["in_several_splits"] == 0


def test_reports() -> None:
    records = pl.DataFrame({"split": SPLITS, "report": [0, -1, 1, 0, 1, -1]})
    assert shared_reports(records) == {
        "rows": 4,
        "distinct": 2,
        "in_several_splits": 4,
        "test": 2,
        "test_in_train": 1,
    }


def test_look_up() -> None:
    # Report 0 is class 1 twice and class 2 once in training, report 1 class 0; report 2 is new, -1 is none.
    reports = np.array([0, 0, 0, 1, -1, 0, 0, 1, 2, -1])
    labels = np.array([1, 2, 1, 0, 0, 1, 2, 2, 0, 0])
    found = look_up(reports, labels, np.arange(5), np.arange(5, 10))
    assert found == {"test": 5, "seen": 3, "seen_with_label": 2, "right": 1}


def test_look_up_of_several_labels_needs_all_of_them() -> None:
    reports = np.array([0, 0, 0])
    labels = np.array([[1.0, 0.0], [0.3, 0.0], [1.0, 1.0]])
    assert look_up(reports, labels, np.array([0]), np.array([1, 2])) == {
        "test": 2,
        "seen": 2,
        "seen_with_label": 1,
        "right": 1,
    }
