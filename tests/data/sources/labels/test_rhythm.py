"""Rhythms from codes, statements and simulated truth."""

import polars as pl
import pytest

from ecgmm.data.sources.labels.label_set import weight_columns
from ecgmm.data.sources.labels.reading import label_reports
from ecgmm.data.sources.labels.rhythm import SIMULATED, weights_of_codes, weights_of_truth
from ecgmm.text.rhythm import RHYTHMS, rhythms

CLASSES = RHYTHMS


def from_statements(reports: pl.Series, include_possible: bool) -> pl.DataFrame:
    return label_reports(CLASSES, reports, lambda report: rhythms(report, include_possible))


def named(row: tuple[float | None, ...]) -> dict[str, float | None]:
    return {name: value for name, value in zip(CLASSES, row, strict=False) if value != 0}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (["Sinus rhythm", "Left axis deviation"], {"SR": 1}),
        (["Sinus rhythm with PVCs"], {"SR": 1}),
        (["Sinus rhythm", "Sinus arrhythmia"], {"SARRH": 1}),
        (["Marked sinus bradycardia"], {"SBRAD": 1}),
        (["Atrial fibrillation with rapid ventricular response"], {"AFIB": 1}),
        (["Atrial flutter with 2:1 A-V block"], {"AFLT": 1}),
        (["Ventricular pacing"], {"PACE": 1}),
        (["Atrial fibrillation", "Ventricular pacing"], {"AFIB": 1, "PACE": 1}),
        (["Probable supraventricular tachycardia"], {"OTHER": 0.8}),
        (["Wide-QRS tachycardia"], {"OTHER": 1}),
        (["Possible atrial flutter"], {}),
        (["Irregular rhythm"], {}),
    ],
)
def test_what_statements_say_of_the_rhythm(statements: list[str], expected: dict[str, float]) -> None:
    reports = pl.Series([statements], dtype=pl.List(pl.String))
    assert named(from_statements(reports, include_possible=False).row(0)) == pytest.approx(expected)


def test_reports_without_a_word_on_the_rhythm_are_unlabelled() -> None:
    reports = pl.Series([["Left bundle branch block"], [], ["Possible atrial flutter"]], dtype=pl.List(pl.String))
    rows = from_statements(reports, include_possible=True).rows()
    assert rows[:2] == [(None,) * 8] * 2
    assert named(rows[2]) == {"AFLT": 0.5}


def test_rhythm_codes_of_ptb_xl() -> None:
    codes = ["{'SR': 0.0, 'NORM': 80.0}", "{'STACH': 50.0, 'SR': 0.0}", "{'PSVT': 100.0}", "{'BIGU': 100.0}", "{'MI'"]
    rows = weight_columns(CLASSES, weights_of_codes(pl.Series(codes))).rows()
    assert [named(row) for row in rows[:3]] == [{"SR": 1}, {"STACH": 0.5}, {"OTHER": 1}]
    assert rows[3:] == [(None,) * 8] * 2


def test_truth_that_is_not_listed_is_no_label() -> None:
    rows = weight_columns(SIMULATED, weights_of_truth(pl.Series(["sinus", None, "paced"]))).rows()
    assert rows == [(1, 0, 0, 0, 0, 0, 0), (None,) * 7, (0, 0, 0, 0, 0, 0, 1)]
