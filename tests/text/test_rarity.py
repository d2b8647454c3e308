"""What few patients have stays out of vocabularies, however many records they have; a closed one learns nothing."""

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgmm.text.closed import known_statements, known_texts
from ecgmm.text.findings import findings_in
from ecgmm.text.rarity import MIN_PATIENTS, mentions, n_patients
from ecgmm.text.statements import findings_of
from ecgmm.text.tokenise import StatementVocabulary, WordTokeniser
from ecgmm.text.wording import read_table

BUSY = [["sinus rhythm", "zorblaxia of hieronymus"]] * 16
OTHERS = [["sinus rhythm", "quuxopathic waves"]] * 9
cases = st.lists(st.tuples(st.lists(st.sampled_from("abc"), max_size=3), st.integers(0, 4)), max_size=20)


def saved(folder: Path, reports: list[list[str]], patients: list[int], closed: bool = False) -> str:
    """Everything that is saved of two vocabularies."""
    WordTokeniser.train(reports, patients, closed=closed).save(folder)
    vocabulary = StatementVocabulary(known_statements()) if closed else StatementVocabulary.train(reports, patients)
    vocabulary.save(folder / "statements.json")
    return "".join(path.read_text(encoding="utf-8") for path in folder.iterdir())


def test_the_many_records_of_one_patient_count_once(tmp_path: Path) -> None:
    of_nine = saved(tmp_path, [*BUSY, *OTHERS], [0] * 16 + list(range(1, 10)))
    assert "zorblaxia" not in of_nine
    assert "hieronymus" not in of_nine
    assert "quuxopathic" in of_nine
    few = MIN_PATIENTS - 1
    assert "quuxopathic" not in saved(tmp_path, OTHERS, [number % few for number in range(9)])
    assert "quuxopathic" in saved(tmp_path, OTHERS, [number % MIN_PATIENTS for number in range(9)])


def test_known_words_stay_however_few_have_them() -> None:
    tokeniser = WordTokeniser.train([["inferior infarct zorblaxia"]] * 2, [0, 0])
    assert tokeniser.count_unknown(["inferior infarct zorblaxia", "zorblaxia"]) == (2, 4)


def test_a_closed_vocabulary_learns_nothing(tmp_path: Path) -> None:
    text = saved(tmp_path, [*BUSY, *OTHERS], list(range(25)), closed=True)
    assert "zorblaxia" not in text
    assert "quuxopathic" not in text
    assert text == saved(tmp_path, [], [], closed=True)
    tokeniser = WordTokeniser.load(tmp_path)
    assert all(tokeniser.count_unknown([text])[0] == 0 for text in known_texts())
    assert json.loads((tmp_path / "statements.json").read_text(encoding="utf-8")) == list(known_statements())


def test_a_closed_vocabulary_has_every_finding_that_can_be_stated() -> None:
    rules = [row["example"] for row in read_table("statement_rules.csv")]
    assert set(findings_in(rules)) <= set(findings_in(known_statements()))
    assert all(findings_of(row) for row in rules)


@given(cases, st.booleans())
def test_patients_of_a_statement_are_those_of_the_plain_definition(
    batch: list[tuple[list[str], int]], as_series: bool
) -> None:
    reports, patients = [report for report, _ in batch], [patient for _, patient in batch]
    found = mentions(pl.Series(reports, dtype=pl.List(pl.String)) if as_series else reports, patients)
    flat = [statement for report in reports for statement in report]
    assert dict(zip(found.statements, found.counts, strict=True)) == {one: flat.count(one) for one in set(flat)}
    for statement, people in zip(found.statements, found.patients, strict=True):
        plain = {patient for report, patient in batch if statement in report}
        assert n_patients([people]) == n_patients([people, people]) == len(plain)


@pytest.mark.parametrize("minimum", [1, 2, 3])
def test_statements_are_kept_by_patients(minimum: int) -> None:
    reports, patients = [["a", "a"], ["b"], ["b"], ["b", "c"]], ["x", "x", "y", "y"]
    kept = StatementVocabulary.train(reports, patients, minimum).statements
    assert kept == {1: ("b", "a", "c"), 2: ("b",), 3: ()}[minimum]
