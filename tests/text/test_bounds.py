"""Any text is read in a time that grows with its length at most, and what is too long is cut between words and said."""

import random
import string
import time
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from ecgmm.data.store.reports import distinct_reports, reports_of_rows
from ecgmm.text.clean import (
    LONGEST_STATEMENT,
    MOST_STATEMENTS,
    clean_report,
    clean_statement,
    read_report,
    split_report,
)
from ecgmm.text.statements import findings_of, superclasses

UNITS = [
    *" \t\n\r\u00a0\u2028.,;:|-_*=#~+/()[]'\"?>aA1ä\u0301\u200b\ufdfaİ",
    "\r\n", "a\u0301\u0323", "1.", "1-", "1/", "1 mm Hg ",
    "A. ", "a.b.", "Dr. A", "dr ", "Mr Xa ", "Xa, ", "A'", "Aa-", "a@b.", "123-456-7890 ", "confirmed by ", "[name], ",
    "a, ", "a; ", "no ", "not ", "no st, ", "no infarct or ", "replaced by ", "is ", "if a ", "cause ", "voltage a ",
    "sinus rhythm ", "nonspecific st ", "infarct ", "inferior/", "i, ii, ", "- ",
]  # fmt: skip


def split_and_clean(text: str) -> None:
    clean_report(split_report(text))


def label(text: str) -> None:
    superclasses([text])


@pytest.mark.parametrize("reads", [split_and_clean, label], ids=["cleaning", "label rules"])
def test_time_grows_no_faster_than_the_text(reads: Callable[[str], None]) -> None:
    def seconds(unit: str, n: int) -> float:
        start = time.process_time()
        reads(f"{n}a" + (unit * n)[:n] + "b")
        return time.process_time() - start

    for unit in UNITS:
        assert seconds(unit, 40_000) <= 8 * seconds(unit, 10_000) + 0.2, repr(unit)


@pytest.mark.parametrize("gap", [" ", "\n", "\t", "\u00a0"])
def test_blanks_do_not_count(gap: str) -> None:
    assert clean_report([f"sinus{gap * 100_000}rhythm"]) == ["sinus rhythm"]
    assert read_report([f"sinus{gap * 100_000}rhythm"]).shortened is False


def test_a_statement_that_is_too_long_is_cut_behind_a_word() -> None:
    (statement,), shortened = read_report(["sinus rhythm " * 1000])
    assert shortened
    assert len(statement) <= LONGEST_STATEMENT
    assert statement.split()[-1] in ("sinus", "rhythm")
    assert clean_statement(statement) == statement
    assert findings_of("sinus rhythm " * 1000) == findings_of("sinus rhythm")
    assert len(clean_statement("a" * 10_000)) == LONGEST_STATEMENT


def test_a_report_of_too_many_statements_keeps_the_first() -> None:
    statements, shortened = read_report([f"statement {number}" for number in range(1000)])
    assert shortened
    assert statements == [f"statement {number}" for number in range(MOST_STATEMENTS)]
    assert not read_report(statements).shortened


def test_shortened_reports_are_counted() -> None:
    raw = [["sinus rhythm"], ["word " * 1000], [f"statement {number}" for number in range(1000)], []]
    reports = distinct_reports(pl.Series(raw), min_words=1)
    assert reports.shortened.tolist() == [False, True, True, False]
    assert reports_of_rows(reports, np.array([0, 1, 1, 2, 3])).counts["shortened"] == 3


def test_no_control_character_of_any_text_is_kept() -> None:
    generator = random.Random(0)
    for _ in range(200):
        text = "".join(generator.choices(string.printable + "\x00\x07\x1b\x7f\x85\u200e\u202e\ufeff", k=60))
        assert all(statement.isprintable() for statement in clean_report(split_report(text)))
