"""Counts, distributions and the choice of pictures."""

import numpy as np
import polars as pl
import pytest

from ecgmm.integrity.columns import COLUMNS, distributions
from ecgmm.integrity.contents import choose_pictures, dropped
from tests.integrity.small_store import columns, waveforms


def records(**changed: object) -> pl.DataFrame:
    return pl.DataFrame(columns(waveforms()) | changed)


def test_distributions_count_every_row_once_and_say_what_was_not_measured() -> None:
    drift = np.array([0.0, 1e-9, 0.5, 1e6, np.nan] + [0.2] * 15, np.float32)
    found = distributions(records(drift_mv=drift))
    assert list(found) == [column.name for column in COLUMNS]
    for name, one in found.items():
        assert one["rows"] == sum(one["histogram"]["counts"]) == (19 if name == "drift_mv" else 20)
        assert len(one["histogram"]["edges"]) == len(one["histogram"]["counts"]) + 1
    counts = found["drift_mv"]["histogram"]["counts"]
    assert (counts[0], counts[-1]) == (2, 1)
    assert found["drift_mv"]["above_zero"] == 18
    assert found["drift_mv"]["quantiles"] == {"0": 0, "0.01": 0, "0.5": 0.2, "0.99": 1e6, "0.999": 1e6, "1": 1e6}


def test_flat_leads_have_a_bin_each() -> None:
    flat = np.array([0] * 8 + [1] * 5 + [12] * 7, np.int8)
    counts = distributions(records(flat_leads=flat))["flat_leads"]["histogram"]["counts"]
    assert counts == [8, 5, *[0] * 10, 7]


def test_records_left_out_are_counted_with_the_same_examples_in_any_order() -> None:
    schema = {"record": pl.Int64, "path": pl.String, "reason": pl.String}
    lines: list[tuple[int | None, str | None, str]] = [(n, f"files/{n}", "file missing") for n in range(9)]
    lines += [(None, None, "key field missing"), (3, "z", "duplicate record id"), (3, "a", "duplicate record id")]
    table = pl.DataFrame(lines, schema, orient="row")
    found = dropped(table)
    assert found == dropped(table.reverse())
    assert found["records"] == 12
    assert [(one["reason"], one["count"]) for one in found["reasons"]] == [
        ("file missing", 9),
        ("duplicate record id", 2),
        ("key field missing", 1),
    ]
    assert [example["record"] for example in found["reasons"][0]["examples"]] == [0, 1, 2, 3, 4]
    assert [example["path"] for example in found["reasons"][1]["examples"]] == ["a", "z"]


def test_the_worst_are_the_lowest_scores_of_different_patients_and_recordings() -> None:
    quality = np.linspace(1, 0, 20, dtype=np.float32)
    usable = np.array([True] * 19 + [False])
    content = np.arange(20, dtype=np.uint64)
    content[16] = content[18]
    found = choose_pictures(records(quality=quality, has_waveform=usable, content=content))
    rows = [one["row"] for one in found if not one["ordinary"]]
    # 19 has no waveform, 16 is the patient of 17 and a copy of 18; two records a patient
    assert rows == [18, 17, 15, 13, 11, 9]
    ordinary = [one["quality"] for one in found if one["ordinary"]]
    assert len(ordinary) == 2
    assert min(one["quality"] for one in found if not one["ordinary"]) < min(ordinary)


@pytest.mark.parametrize(("n", "expected"), [(0, (0, 0)), (1, (1, 0)), (2, (1, 1)), (20, (6, 2))])
def test_a_small_store_has_fewer_pictures(n: int, expected: tuple[int, int]) -> None:
    found = choose_pictures(records(has_waveform=np.arange(20) < n))
    ordinary = sum(one["ordinary"] for one in found)
    assert (len(found) - ordinary, ordinary) == expected
    assert len({one["row"] for one in found}) == len(found)
