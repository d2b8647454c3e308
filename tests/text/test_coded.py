"""Coded reports: the statements come back, whether they were lists or a series of lists."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgmm.text.coded import coded
from ecgmm.text.tokenise import StatementVocabulary, WordTokeniser

reports = st.lists(st.lists(st.sampled_from(["sinus rhythm", "normal ecg", "pvc(s)", ""]), max_size=4), max_size=9)


@given(reports, st.booleans())
def test_statements_come_back(batch: list[list[str]], as_series: bool) -> None:
    found = coded(pl.Series(batch, dtype=pl.List(pl.String)) if as_series else batch)
    flat = iter(found.codes.tolist())
    assert [[found.distinct[next(flat)] for _ in range(count)] for count in found.counts.tolist()] == batch
    assert found.distinct == list(dict.fromkeys(statement for report in batch for statement in report))
    assert found.codes.dtype == np.uint32
    assert found.counts.dtype == np.int64


@given(reports)
def test_a_series_gives_the_same_tokens_and_vocabulary_as_lists(batch: list[list[str]]) -> None:
    series = pl.Series(batch, dtype=pl.List(pl.String))
    ours, theirs = (WordTokeniser.train(of, range(len(batch)), 1, min_patients=1) for of in (series, batch))
    for mine, other in zip(ours.encode_reports(series), theirs.encode_reports(batch), strict=True):
        np.testing.assert_array_equal(mine, other)
    vocabulary = StatementVocabulary.train(series, range(len(batch)), 1)
    assert vocabulary.statements == StatementVocabulary.train(batch, range(len(batch)), 1).statements
    np.testing.assert_array_equal(vocabulary.encode(series), vocabulary.encode(batch))


def test_few_reports_are_numbered_as_many_are(monkeypatch: pytest.MonkeyPatch) -> None:
    reports = [["b", "a", "b"], [], ["c", "a"]]
    few = coded(reports)
    monkeypatch.setattr("ecgmm.text.coded.FEW", -1)
    many = coded(reports)
    assert few.distinct == many.distinct == ["b", "a", "c"]
    np.testing.assert_array_equal(few.codes, many.codes)
    np.testing.assert_array_equal(few.counts, many.counts)
    assert (few.codes.dtype, few.counts.dtype) == (many.codes.dtype, many.counts.dtype)
