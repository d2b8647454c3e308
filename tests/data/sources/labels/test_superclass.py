"""Superclasses from codes, reports and simulated truth."""

from pathlib import Path

import polars as pl
import pytest

from ecgmm.data.sources.labels.label_set import weight_columns
from ecgmm.data.sources.labels.reading import label_reports
from ecgmm.data.sources.labels.scp_codes import count_unreadable
from ecgmm.data.sources.labels.scp_statements import read_scp_statements
from ecgmm.data.sources.labels.superclass import CLASSES, weights_of_codes, weights_of_truth
from ecgmm.errors import DataError
from ecgmm.text.statements import superclasses

TABLE = {"NORM": "NORM", "IMI": "MI", "LVH": "HYP", "SR": None}
NOTHING = (None,) * 5


def from_scp_codes(codes: pl.Series) -> pl.DataFrame:
    return weight_columns(CLASSES, weights_of_codes(codes, TABLE))


def from_statements(reports: pl.Series, include_possible: bool) -> pl.DataFrame:
    return label_reports(CLASSES, reports, lambda report: superclasses(report, include_possible))


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
    rows = from_scp_codes(codes).rows()
    assert rows[1:] == [NOTHING] * 6  # likelihoods of 180 and -1 say nothing either
    assert rows[0] == pytest.approx((0, 1, 0, 0, 0.15))  # 0 is present and not graded


def test_reports_are_labelled_row_by_row_though_read_once() -> None:
    reports = [["Normal ECG"], [], ["Left bundle branch block"], ["Normal ECG"], ["qwertz"]]
    rows = from_statements(pl.Series(reports, dtype=pl.List(pl.String)), include_possible=False).rows()
    assert rows == [(1, 0, 0, 0, 0), NOTHING, (0, 0, 0, 1, 0), (1, 0, 0, 0, 0), NOTHING]


def test_truth_that_is_not_listed_is_no_label() -> None:
    truth = pl.Series([["MI"], None, ["NORM"], []], dtype=pl.List(pl.String))
    rows = weight_columns(CLASSES, weights_of_truth(truth)).rows()
    assert rows == [(0, 1, 0, 0, 0), NOTHING, (1, 0, 0, 0, 0), (0, 0, 0, 0, 0)]


def test_possible_findings_count_where_the_settings_say_so() -> None:
    reports = pl.Series([["Possible inferior infarct"], ["Probable LVH"]], dtype=pl.List(pl.String))
    assert from_statements(reports, include_possible=False)["MI"].to_list() == [0, 0]
    both = from_statements(reports, include_possible=True)
    assert both["MI"].to_list() == [0.5, 0]
    assert both["HYP"].to_list() == pytest.approx([0, 0.8])


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ("{'NORM': nan, 'LVH': 50.0}", (0, 0, 0, 0, 0.5)),
        ('{"IMI": 100}', (0, 1, 0, 0, 0)),
        ("{'IMI ': 100.0, 'lvh': 100}", (0, 1, 0, 0, 1)),
        ("{'NORM': -1, 'LVH': inf, 'IMI': 100.1}", NOTHING),
        ("{'NORM': nan}", NOTHING),
        ("{'NORM': 100.0 'IMI': 100.0}", NOTHING),
    ],
)
def test_a_likelihood_that_is_none_says_nothing_and_the_other_codes_stay(
    codes: str, expected: tuple[float | None, ...]
) -> None:
    assert from_scp_codes(pl.Series([codes])).row(0) == expected


def test_codes_that_are_not_understood_are_counted_and_beyond_a_share_refused() -> None:
    cells = ["{'NORM': 100.0}"] * 400
    bad = ["{'NORM': -5, 'NROM': 100.0}", "{'NORM': nan}", "['NORM']", None, "nan"]
    path, known = Path("ptbxl_database.csv"), ["NORM"]
    assert list(count_unreadable(path, pl.Series([*cells, *bad]), known).values()) == [1, 1, 2]
    for cell, message in (
        ("['NORM']", "50 of 450 values of column scp_codes are no dictionary of codes, as in \\['xxxx'\\]"),
        ("{'NROM': 1}", "50 of 450 codes of column scp_codes are not in scp_statements.csv, as in xxxx"),
        ("{'NORM': -1}", "50 of 450 likelihoods of column scp_codes are not from 0 to 100, as in -9.9"),
    ):
        with pytest.raises(DataError, match=message):
            count_unreadable(path, pl.Series([*cells, *[cell] * 50]), known)


SCP = ",description,diagnostic_class,diagnostic_subclass\nNORM,normal,NORM,NORM\nIMI,infarct,MI ,IMI\nNDT,t,STTC,STTC\n"
SCP += "LVH,left,HYP,LVH\nLAFB,block,CD,LAFB\nSR,sinus,,\n"


def test_codes_are_found_by_what_they_are_and_classes_by_name(tmp_path: Path) -> None:
    path = tmp_path / "scp_statements.csv"
    path.write_text(SCP)
    expected = read_scp_statements(path, CLASSES, "")
    assert expected.rows() == [*zip(["NORM", "IMI", "NDT", "LVH", "LAFB"], CLASSES_OF_SCP, strict=True), ("SR", None)]
    numbered = [f"{number},{line}" for number, line in enumerate(SCP.splitlines()[1:])]
    path.write_text("\n".join([f",Unnamed: 0{SCP.splitlines()[0]}", *numbered]) + "\n")
    assert read_scp_statements(path, CLASSES, "").equals(expected)
    columns = pl.read_csv(path, infer_schema=False).columns
    pl.read_csv(path, infer_schema=False).select(reversed(columns)).write_csv(path)
    assert read_scp_statements(path, CLASSES, "").equals(expected)


CLASSES_OF_SCP = ["NORM", "MI", "STTC", "HYP", "CD"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("LVH,left,HYP,LVH\n", "", "must have the classes .* and no others .HYP is not in both"),
        ("MI ", "mi", "no others .MI, mi is not in both"),
        ("LAFB,", "LVH,", "has a code in two rows"),
        ("NORM,normal", "normal,normal", "has no column of SCP codes"),
        ("diagnostic_class", "Diagnostic_Class", "has a column 'Diagnostic_Class' in place of diagnostic_class"),
    ],
)
def test_a_table_of_other_codes_or_classes_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    (tmp_path / "scp_statements.csv").write_text(SCP.replace(old, new, 1))
    with pytest.raises(DataError, match=message):
        read_scp_statements(tmp_path / "scp_statements.csv", CLASSES, "")
