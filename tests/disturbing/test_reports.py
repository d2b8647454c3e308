"""Disturbed reports, word by word."""

import numpy as np
import pytest

from ecgmm.disturbing.reports import (
    abbreviate,
    cut_after,
    keep_summary,
    leave_out,
    misspell,
    negate_one,
    state_opposite,
    word_otherwise,
)
from ecgmm.text.statements import findings_of, superclasses

REPORT = ["sinus rhythm", "old inferior infarct", "abnormal ecg"]


def drawn(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("statement", ["old inferior infarct", "left bundle branch block", "normal ecg"])
def test_a_negated_statement_is_understood_as_denied(statement: str) -> None:
    [negated] = negate_one([statement], 1.0, drawn())
    assert negated != statement
    assert all(finding.negated for finding in findings_of(negated) if finding.superclass)


def test_one_statement_alone_is_contradicted() -> None:
    changed = negate_one(REPORT, 1.0, drawn())
    assert [one == other for one, other in zip(changed, REPORT, strict=True)] == [True, False, True]
    assert negate_one(["sinus rhythm"], 1.0, drawn()) == ["sinus rhythm"]  # it has no finding to contradict
    assert negate_one(REPORT, 0.0, drawn()) == REPORT


def test_an_opposite_is_of_another_class() -> None:
    assert state_opposite(REPORT, 1.0, drawn())[1] == "normal ecg"
    for seed in range(20):
        weights = superclasses(state_opposite(["sinus rhythm", "normal ecg"], 1.0, drawn(seed)), include_possible=True)
        assert weights is not None
        assert weights["NORM"] == 0
        assert sum(weight > 0 for weight in weights.values()) == 1


def test_statements_left_out_by_a_smaller_share_are_among_those_of_a_larger() -> None:
    report = [f"statement {index}" for index in range(50)]
    kept = [set(leave_out(report, share, drawn(4))) for share in (0.1, 0.5, 0.9)]
    assert kept[0] > kept[1] > kept[2]
    assert len(kept[1]) == pytest.approx(25, abs=8)


def test_a_misspelt_word_differs_in_a_letter() -> None:
    word = "fibrillation"
    seen = {misspell([word], 1.0, drawn(seed))[0] for seed in range(40)}
    assert len(seen) > 10
    assert all(abs(len(one) - len(word)) <= 1 for one in seen)
    assert misspell(["v1 a-v 72 bpm"], 0.0, drawn()) == ["v1 a-v 72 bpm"]


def test_terms_are_abbreviated_the_longest_first() -> None:
    given = ["left bundle branch block with nonspecific changes"]
    assert abbreviate(given, 1.0, drawn()) == ["lbbb w/ nonspec changes"]
    assert abbreviate(given, 0.0, drawn()) == given


def test_the_summary_is_what_sums_up_or_comes_last() -> None:
    assert keep_summary(REPORT, 1.0, drawn()) == ["abnormal ecg"]
    assert keep_summary(REPORT[:2], 1.0, drawn()) == ["old inferior infarct"]
    assert keep_summary([], 1.0, drawn()) == []


def test_other_words_say_the_same() -> None:
    [said] = word_otherwise(["possible inferior infarct - age undetermined"], 1.0, drawn())
    assert said not in ("possible inferior infarct - age undetermined", "")
    for word in ("suspected", "infarct", "inferior", "undetermined"):
        assert word in said
    assert word_otherwise(["no infarct", "xyzzy"], 1.0, drawn()) == ["no infarct", "xyzzy"]


def test_a_report_ends_after_so_many_words() -> None:
    assert cut_after(REPORT, 3, drawn()) == ["sinus rhythm", "old"]
    assert cut_after(REPORT, 20, drawn()) == REPORT
