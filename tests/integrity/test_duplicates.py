"""Equal rows are found and counted by pairs, however many there are and whatever their digests say."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecgmm.data.store.store import Store
from ecgmm.integrity.duplicates import duplicates
from tests.integrity.small_store import FIRST_RECORD, N_ROWS, SPLITS, waveforms, write_store

ROWS = st.lists(st.integers(0, 5), min_size=N_ROWS, max_size=N_ROWS)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(recordings=ROWS, patients=ROWS, digests=st.permutations(range(6)), n_digests=st.integers(1, 6))
def test_pairs_are_those_that_a_comparison_of_all_rows_finds(
    tmp_path_factory: pytest.TempPathFactory,
    recordings: list[int],
    patients: list[int],
    digests: list[int],
    n_digests: int,
) -> None:
    steps = waveforms()[recordings]
    content = np.array([digests[one] % n_digests for one in recordings], np.uint64)  # others may share a digest
    store = Store.open(write_store(tmp_path_factory.mktemp("case") / "store", steps, {"patient": patients}))
    found = duplicates(replace(store, records=store.records.with_columns(content=pl.Series(content))))
    pairs = [(a, b) for a, b in combinations(range(N_ROWS), 2) if np.array_equal(steps[a], steps[b])]
    assert found["pairs"] == len(pairs)
    assert found["in_different_patients"] == sum(patients[a] != patients[b] for a, b in pairs)
    assert found["in_different_splits"] == sum(SPLITS[a] != SPLITS[b] for a, b in pairs)
    assert found["rows"] == len({row for pair in pairs for row in pair})
    assert found["recordings"] == len({recordings[a] for a, _ in pairs})


def test_flat_rows_are_no_duplicates_and_the_worst_example_comes_first(tmp_path: Path) -> None:
    steps = waveforms()
    steps[[8, 9]] = 0
    steps[1] = steps[0]  # of one patient
    steps[[2, 4]] = steps[6]  # of three patients
    steps[13] = steps[10]  # of two splits
    found = duplicates(Store.open(write_store(tmp_path / "store", steps)))
    numbers = [[record - FIRST_RECORD for record in one["records"]] for one in found["examples"]]
    assert numbers == [[10, 13], [2, 4, 6], [0, 1]]
    assert found["examples"][0]["splits"] == ["train", "val"]
    assert (found["pairs"], found["in_different_patients"], found["in_different_splits"]) == (5, 4, 1)
