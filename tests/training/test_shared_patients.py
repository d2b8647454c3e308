"""Patients of a run in another store: found by id within one source, by recording where rows have one form."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError
from ecgmm.training.shared_patients import find_shared, refuse_shared

SPLITS = ["train", "train", "val", "test", "train"]
RANKS = [0.1, 0.9, 0.5, 0.5, 0.2]


def store(source: str, patients: list[int], contents: list[int], **form: Any) -> Store:
    """A store of as many rows, the last one without a usable lead."""
    records = pl.DataFrame(
        {
            "patient": patients,
            "split": SPLITS,
            "fraction_rank": RANKS,
            "content": pl.Series(contents, dtype=pl.UInt64),
            "has_waveform": [True, True, True, True, False],
        }
    )
    manifest = {"source": {"name": source}, "rate_hz": 100, "n_times": 1000, "uv_per_step": 5.0} | form
    return Store(Path("x"), np.zeros((5, 12, 8), np.int16), records, pl.DataFrame(), manifest, "f")


OWN = store("a", [1, 2, 3, 4, 5], [11, 12, 13, 14, 0])


def test_ids_are_compared_within_one_source_only() -> None:
    other = store("a", [9, 2, 3, 4, 1], [0, 0, 0, 0, 0], uv_per_step=1.0)
    shared, facts = find_shared(OWN, 1.0, other)
    assert shared.tolist() == [False, True, True, False, True], "training and validation, not the test patient"
    assert (facts.ids_compared, facts.contents_compared) == (True, False)
    elsewhere = store("b", [9, 2, 3, 4, 1], [0, 0, 0, 0, 0], uv_per_step=1.0)
    shared, facts = find_shared(OWN, 1.0, elsewhere)
    assert not shared.any()
    assert not facts.checked


def test_a_patient_who_was_not_trained_on_is_none_of_the_run() -> None:
    shared, _ = find_shared(OWN, 0.5, store("a", [1, 2, 7, 7, 8], [0] * 5, rate_hz=500))
    assert shared.tolist() == [True, False, False, False, False], "patient 2 ranks at 0.9, behind the fraction"


def test_one_collection_within_another_is_found_by_its_recordings() -> None:
    """Other ids: one recording is enough for all rows of the patient; an empty row is like any other."""
    other = store("b", [70, 70, 80, 90, 60], [99, 12, 14, 98, 0])
    shared, facts = find_shared(OWN, 1.0, other)
    assert shared.tolist() == [True, True, False, False, False], "14 is of a test patient of the run"
    assert (facts.ids_compared, facts.contents_compared) == (False, True)


def test_without_the_store_of_the_run_nothing_is_compared() -> None:
    shared, facts = find_shared(None, 1.0, OWN)
    assert not shared.any()
    assert not facts.checked


def test_the_refusal_counts_and_names_the_cure() -> None:
    refuse_shared(OWN, np.zeros(5, bool), is_own=False)
    with pytest.raises(ConfigError, match=r"2 patients \(2 rows\).*shared_patients=drop"):
        refuse_shared(OWN, np.array([True, True, False, False, False]), is_own=False)
    with pytest.raises(ConfigError, match="take split=test"):
        refuse_shared(OWN, np.array([True, True, False, False, False]), is_own=True)


def test_the_part_that_a_seed_drew_is_the_part_that_is_searched() -> None:
    """Smaller parts lie within larger ones, another seed has another part, all of it is all whatever the seed."""
    parts = {
        (fraction, seed): find_shared(OWN, fraction, OWN, seed)[0].tolist()
        for fraction in (0.3, 0.6, 1.0)
        for seed in (None, *range(8))
    }
    for seed in range(8):
        assert parts[1.0, seed] == parts[1.0, None] == [True, True, True, False, True]
        assert all(small <= large for small, large in zip(parts[0.3, seed], parts[0.6, seed], strict=True))
        assert parts[0.3, seed][2], "validation patients are always the run's"
    assert len({tuple(parts[0.6, seed]) for seed in range(8)}) > 1
