"""Reports: cleaned and numbered as the plain definition says, whatever the texts, blanks and repetitions are."""

from random import Random

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ecgmm.data.store.reports import NoReport, distinct_reports, number_distinct, reports_of_rows
from ecgmm.text.clean import clean_report

RAW = [
    "Sinus rhythm",
    "SINUS RHYTHM.",
    "***",
    "PVC(s)",
    "Normal ECG",
    "Ärztlicher Befund",
    "a\nb",
    "a",
    "b",
    "seen by dr. x",
]
raw_reports = st.lists(st.lists(st.sampled_from(RAW), max_size=5), max_size=20)


def plainly(
    raw: list[list[str]], min_words: int, record_of_row: list[int]
) -> tuple[list[list[str]], list[int], dict[str, int]]:
    """Distinct reports, the number of each row's and the counts, a row at a time."""
    distinct: list[list[str]] = []
    numbers, counts = [], {"with_report": 0, "absent": 0, "too_short": 0}
    for report in (raw[record] for record in record_of_row):
        cleaned = clean_report(report)
        n_words = sum(len(statement.split()) for statement in cleaned)
        if n_words < max(min_words, 1):
            numbers.append(-1)
            counts["too_short" if report else "absent"] += 1
            continue
        if cleaned not in distinct:
            distinct.append(cleaned)
        numbers.append(distinct.index(cleaned))
        counts["with_report"] += 1
    return distinct, numbers, {**counts, "shortened": 0, "distinct": len(distinct)}


@given(raw_reports, st.integers(0, 6), st.randoms(use_true_random=False))
def test_reports_of_rows_are_those_of_the_plain_definition(
    raw: list[list[str]], min_words: int, random: Random
) -> None:
    rows = [place for place in range(len(raw)) for _ in range(random.randint(0, 2))]
    random.shuffle(rows)
    reports = distinct_reports(pl.Series(raw, dtype=pl.List(pl.String)), min_words)
    found = reports_of_rows(reports, np.array(rows, dtype=np.int64))
    distinct, numbers, counts = plainly(raw, min_words, rows)
    assert found.table.schema == {"report": pl.Int32, "statements": pl.List(pl.String), "text": pl.String}
    assert found.table["report"].to_list() == list(range(len(distinct)))
    assert found.table["statements"].to_list() == distinct
    assert found.table["text"].to_list() == [". ".join(report) for report in distinct]
    assert found.report_of_row.dtype == np.int32
    assert found.report_of_row.tolist() == numbers
    assert found.counts == counts


def test_why_a_record_has_no_report_stands_in_place_of_its_number() -> None:
    raw = pl.Series([[], ["***"], ["normal ECG"], ["Normal ECG", "--"]], dtype=pl.List(pl.String))
    reports = distinct_reports(raw, min_words=1)
    assert reports.of_record.tolist() == [NoReport.ABSENT, NoReport.TOO_SHORT, 0, 0]
    assert reports.statements.to_list() == [["normal ecg"]]
    assert distinct_reports(raw, min_words=3).of_record.tolist() == [NoReport.ABSENT, *[NoReport.TOO_SHORT] * 3]


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=3), max_size=30))
def test_distinct_values_put_in_their_places_are_the_values(values: list[list[str]]) -> None:
    distinct, place = number_distinct(pl.Series(values, dtype=pl.List(pl.String)))
    assert [distinct.to_list()[number] for number in place] == values
    assert list(dict.fromkeys(place.tolist())) == list(range(len(distinct))), "each once, in order of first use"
