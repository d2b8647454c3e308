"""Findings of a statement vocabulary: names, what counts as stated, and the table."""

import numpy as np
import pytest

from ecgmm.text.findings import finding_table, findings_in, stated

STATEMENTS = ("sinus rhythm", "inferior infarct, old", "sinus rhythm with left bundle branch block")


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("sinus rhythm", ["sinus rhythm"]),
        ("anterior infarct, acute", ["myocardial infarct anterior"]),
        ("possible left ventricular hypertrophy", []),  # not relied on
        ("probable left ventricular hypertrophy", ["left ventricular hypertrophy"]),
        ("no evidence of myocardial infarction", []),  # denied
        ("baseline wander", []),  # says something of the recording
        ("words that no rule knows", []),
    ],
)
def test_what_a_statement_states(statement: str, names: list[str]) -> None:
    assert findings_in([statement]) == tuple(names)
    assert len(stated(statement)) == len(names)


def test_findings_are_named_once_and_by_the_alphabet() -> None:
    assert findings_in(STATEMENTS) == ("left bundle branch block", "myocardial infarct inferior", "sinus rhythm")


def test_table_has_a_row_for_every_id() -> None:
    expected = [[0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 1]]  # padding, unknown, then the statements
    np.testing.assert_array_equal(finding_table(STATEMENTS), expected)


def test_no_statements_have_no_findings() -> None:
    assert findings_in([]) == ()
    assert finding_table([]).shape == (2, 0)
