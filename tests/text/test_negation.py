"""The grammar of negation: hand-checked sentences, and what may be built from them."""

import csv
import re
from itertools import product
from pathlib import Path

import pytest

from ecgmm.data.sources.labels.registry import definition_of
from ecgmm.text.policy import states_a_label
from ecgmm.text.rhythm import rhythms
from ecgmm.text.statements import CERTAINTY_WEIGHT, RELIED_ON, Finding, findings_of, mentions_of, superclasses
from ecgmm.text.wording import canonical, read_table

SAID_OF_THE_HEART = {"rhythm", "ectopy", "pacing", "conduction", "chamber", "infarct", "ischaemia", "repolarisation"}
SAID_OF_THE_HEART |= {"voltage", "morphology", "summary"}
HINTS = {"rhythm_line", "abnormal_ecg", "ventricular_response"}
MISSED = {
    "Septal infarct, cannot rule out",  # unrecognised
    "With atrial fibrillation P waves are absent",  # unrecognised
    "Absent P waves in atrial fibrillation",  # "absent P wave" is a finding of its own
}
MAY_BE_DENIED = ["inferior infarct", "left ventricular hypertrophy", "left bundle branch block", "atrial fibrillation"]
MAY_BE_DENIED += ["myocardial ischemia", "ST elevation", "atrial flutter", "right ventricular hypertrophy"]


def sentences() -> list[tuple[str, str, str]]:
    with Path(__file__).with_name("negated_statements.csv").open(encoding="utf-8", newline="") as file:
        return [(row["list"], row["statement"], row["stated"]) for row in csv.DictReader(file)]


def code(finding: Finding) -> str:
    name = finding.scp or {"myocardial_infarct": "MI"}.get(finding.name, finding.name)
    return name if CERTAINTY_WEIGHT[finding.certainty] >= RELIED_ON else f"{name}?"


def stated(statement: str) -> set[str]:
    """Codes (else names) of what a statement states, with ? where it is less than probable."""
    return {
        code(finding)
        for finding in findings_of(statement)
        if not finding.negated and finding.category in SAID_OF_THE_HEART and finding.name not in HINTS
    }


@pytest.mark.parametrize(("statement", "expected"), [row[1:] for row in sentences() if row[1] not in MISSED])
def test_hand_checked(statement: str, expected: str) -> None:
    assert stated(statement) == set(expected.split())


def test_enough_is_hand_checked_and_little_is_missed() -> None:
    assert len(sentences()) > 500
    assert {statement for _, statement, _ in sentences()} >= MISSED
    assert all(not stated(statement) - {*expected.split(), "p_wave"} for _, statement, expected in sentences())


MASKS = definition_of("icd_cardiac").masks
BEFORE = ["No {}", "Without {}", "No evidence of {}", "Negative for {}", "Absence of {}", "There is no {}"]
BEHIND = ["{} not present", "{} is absent", "{} has been ruled out", "{} no longer seen", "{}: not seen"]


@pytest.mark.parametrize("phrase", [*BEFORE, *BEHIND])
@pytest.mark.parametrize("what", MAY_BE_DENIED)
def test_what_is_denied_is_no_label_and_still_masked(phrase: str, what: str) -> None:
    statement = phrase.format(what)
    assert all(finding.negated for finding in findings_of(statement) if finding.category in SAID_OF_THE_HEART)
    assert not any((superclasses([statement], include_possible=True) or {}).values())
    assert not any((rhythms([statement], include_possible=True) or {}).values())
    assert states_a_label(statement, MASKS)


@pytest.mark.parametrize(("phrase", "link"), [*product(BEFORE, [" or ", ", ", " and ", ", or ", "/", " nor "])])
def test_a_denial_reaches_over_a_list(phrase: str, link: str) -> None:
    for first, second in product(MAY_BE_DENIED[:4], MAY_BE_DENIED[4:]):
        assert not stated(phrase.format(first + link + second))


def names(statement: str) -> set[str]:
    return {finding.name for finding in findings_of(statement) if not finding.negated}


@pytest.mark.parametrize("link", [", but ", "; ", ". ", " - ", " however ", " with "])
def test_a_denial_ends_where_another_clause_begins(link: str) -> None:
    for first, second in product(MAY_BE_DENIED[:4], MAY_BE_DENIED[4:]):
        assert names(f"No {first}{link}{second}") == names(second)
        assert names(f"{first} not present{link}{second}") == names(second)


@pytest.mark.parametrize("verb", ["replaced by", "has been replaced by", "has converted to", "gave way to"])
def test_what_is_replaced_is_denied_and_what_replaces_it_is_stated(verb: str) -> None:
    assert stated(f"Atrial fibrillation {verb} sinus rhythm") == {"SR"}
    assert stated(f"Sinus rhythm {verb} atrial fibrillation") == {"AFIB"}


@pytest.mark.parametrize("word", ["hardly", "scarcely", "spurious", "doubtful", "mistaken for", "if there was"])
def test_what_is_not_understood_is_no_finding_and_still_masked(word: str) -> None:
    for what in MAY_BE_DENIED:
        statement = f"{word} {what}"
        assert not findings_of(statement)
        assert mentions_of(statement)
        assert states_a_label(statement, MASKS)


@pytest.mark.parametrize(
    "row", [row for row in read_table("negation.csv") if row["example"]], ids=lambda row: row["example"]
)
def test_every_row_acts_on_its_example(row: dict[str, str]) -> None:
    parts = {
        r["kind"].removeprefix("define "): r["pattern"] for r in read_table("negation.csv") if "define" in r["kind"]
    }
    pattern = row["pattern"]
    for name, part in parts.items():
        pattern = pattern.replace(f"{{{name}}}", part)
    assert re.search(pattern, canonical(row["example"]))
