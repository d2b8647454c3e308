"""Superclasses from codes, reports and simulated truth."""

import polars as pl
import pytest

from ecgmm.data.labels.superclass import from_scp_codes, from_statements, from_truth

TABLE = pl.DataFrame({"": ["NORM", "IMI", "LVH", "SR"], "diagnostic_class": ["NORM", "MI", "HYP", None]})
NOTHING = (None,) * 5


def test_every_diagnostic_code_counts_and_no_other_says_anything() -> None:
    codes = pl.Series(
        [
            "{'IMI': 0.0, 'LVH': 15.0}",
            "{'SR': 100.0}",
            "{}",
            None,
            "{'X': 1",
            "__import__('os')",
            "{'NORM': 180, 'IMI': -1}",
        ]
    )
    rows = from_scp_codes(codes, TABLE).rows()
    assert rows[1:] == [NOTHING] * 6  # likelihoods of 180 and -1 say nothing either
    assert rows[0] == pytest.approx((0, 1, 0, 0, 0.15))  # 0 is present and not graded


def test_reports_are_labelled_row_by_row_though_read_once() -> None:
    reports = [["Normal ECG"], [], ["Left bundle branch block"], ["Normal ECG"], ["qwertz"]]
    rows = from_statements(pl.Series(reports, dtype=pl.List(pl.String)), include_possible=False).rows()
    assert rows == [(1, 0, 0, 0, 0), NOTHING, (0, 0, 0, 1, 0), (1, 0, 0, 0, 0), NOTHING]


def test_truth_is_joined_by_study() -> None:
    truth = pl.DataFrame(
        {"study_id": ["8", "7"], "NORM": ["1", "0"], "MI": ["0", "1"]} | dict.fromkeys(("STTC", "CD", "HYP"), "0")
    )
    assert from_truth(pl.Series([7, 9, 8]), truth).rows() == [(0, 1, 0, 0, 0), NOTHING, (1, 0, 0, 0, 0)]


def test_possible_findings_count_where_the_settings_say_so() -> None:
    reports = pl.Series([["Possible inferior infarct"], ["Probable LVH"]], dtype=pl.List(pl.String))
    assert from_statements(reports, include_possible=False)["label.superclass.MI"].to_list() == [0, 0]
    both = from_statements(reports, include_possible=True)
    assert both["label.superclass.MI"].to_list() == [0.5, 0]
    assert both["label.superclass.HYP"].to_list() == pytest.approx([0, 0.8])
