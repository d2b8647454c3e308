"""Superclasses from codes, reports and simulated truth."""

import polars as pl

from ecgmm.data.labels.superclass import from_scp_codes, from_statements, from_truth

TABLE = pl.DataFrame({"": ["NORM", "IMI", "LVH", "SR"], "diagnostic_class": ["NORM", "MI", "HYP", None]})
NOTHING = (None,) * 5


def test_every_diagnostic_code_counts_and_no_other_says_anything() -> None:
    codes = pl.Series(
        ["{'IMI': 0.0, 'LVH': 15.0}", "{'SR': 100.0}", "{}", None, "{'X': 1", "__import__('os')", "{'NORM': 80.0}"]
    )
    rows = from_scp_codes(codes, TABLE).rows()
    assert rows == [(0, 1, 0, 0, 1), NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, (1, 0, 0, 0, 0)]


def test_reports_are_labelled_row_by_row_though_read_once() -> None:
    reports = [["Normal ECG"], [], ["Left bundle branch block"], ["Normal ECG"], ["qwertz"]]
    rows = from_statements(pl.Series(reports, dtype=pl.List(pl.String))).rows()
    assert rows == [(1, 0, 0, 0, 0), NOTHING, (0, 0, 0, 1, 0), (1, 0, 0, 0, 0), NOTHING]


def test_truth_is_joined_by_study() -> None:
    truth = pl.DataFrame(
        {"study_id": ["8", "7"], "NORM": ["1", "0"], "MI": ["0", "1"]} | dict.fromkeys(("STTC", "CD", "HYP"), "0")
    )
    assert from_truth(pl.Series([7, 9, 8]), truth).rows() == [(0, 1, 0, 0, 0), NOTHING, (1, 0, 0, 0, 0)]
