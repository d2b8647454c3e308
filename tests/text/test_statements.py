"""The rule table: hand-checked statements, every rule's own example, policies of superclasses and priority."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgmm.text.statements import CERTAINTY_WEIGHT, SUPERCLASSES, coverage, findings_of, priority_of, superclasses
from ecgmm.text.wording import canonical, read_table

HERE = Path(__file__).parent
SAMPLE = Path(__file__).parents[3] / "shared/data/machine_statements.txt"
RULES = read_table("statement_rules.csv")
CODES = read_table("statement_region_codes.csv")


def hand_checked() -> list[tuple[str, str]]:
    with (HERE / "hand_checked_statements.csv").open(encoding="utf-8", newline="") as file:
        return [(row["statement"], row["expected"]) for row in csv.DictReader(file)]


def coded(statement: str) -> str:
    """Findings with a code or a class, as "CODE CLASS certainty-or-negated age"."""
    words = (
        " ".join(filter(None, [f.scp or "-", f.superclass or "-", "negated" if f.negated else f.certainty, f.age]))
        for f in findings_of(statement)
        if f.scp or f.superclass
    )
    return "; ".join(dict.fromkeys(words))


@pytest.mark.parametrize(("statement", "expected"), hand_checked())
def test_hand_checked(statement: str, expected: str) -> None:
    assert coded(statement) == expected


def test_hand_checked_set_is_large_enough() -> None:
    assert len(hand_checked()) >= 150


@pytest.mark.parametrize("rule", RULES, ids=[f"{rule['family']}-{rule['finding']}" for rule in RULES])
def test_every_rule_finds_its_example(rule: dict[str, str]) -> None:
    assert rule["finding"] in {finding.name for finding in findings_of(rule["example"])}


def test_tables_hold_known_values_only() -> None:
    assert {rule["superclass"] for rule in RULES} <= {*SUPERCLASSES, ""}
    assert {rule["codes"] for rule in RULES} <= {row["table"] for row in CODES} | {""}
    certainties = {row["value"] for row in read_table("statement_modifiers.csv") if row["kind"] == "certainty"}
    assert certainties == set(CERTAINTY_WEIGHT)
    regions = {row["region"] for row in read_table("statement_regions.csv")}
    assert {part for row in CODES for part in row["regions"].split("+")} <= regions


@pytest.mark.skipif(not SAMPLE.is_file(), reason="the sample of real statements is not beside the project")
def test_at_most_two_per_cent_of_the_sample_is_unrecognised() -> None:
    statements = SAMPLE.read_text(encoding="utf-8").splitlines()
    counts = coverage(statements)
    assert counts["total"] == len(statements)
    assert counts["unrecognised"] <= 0.02 * counts["total"]


@pytest.mark.parametrize("first", ["inferior", "lateral", "septal"])
@pytest.mark.parametrize("second", ["anterior", "posterior"])
@pytest.mark.parametrize("between", ["/", " + ", "+", " and ", ", "])
def test_regions_count_in_any_order_and_combination(first: str, second: str, between: str) -> None:
    def codes(regions: str) -> set[str]:
        return {finding.scp for finding in findings_of(f"Probable {regions} infarct, old") if finding.scp}

    assert codes(f"{first}{between}{second}") == codes(f"{second}{between}{first}")
    assert "" not in codes(f"{first}{between}{second}")


@pytest.mark.parametrize("statement", [statement for statement, _ in hand_checked()[::5]])
def test_case_and_decoration_change_nothing(statement: str) -> None:
    assert findings_of(statement.upper()) == findings_of(f"*** {statement.lower()} ***.") == findings_of(statement)


@pytest.mark.parametrize(
    "word", ["minimal", "family", "mitral", "midline", "mixed", "limit", "premium", "transmission"]
)
def test_mi_inside_a_word_is_no_infarct(word: str) -> None:
    assert not any(finding.superclass == "MI" for finding in findings_of(f"{word} artifact"))


def test_opposites_are_not_taken_for_misspellings() -> None:
    assert canonical("controlled") == "controlled"
    assert canonical("typical") == "typical"
    assert canonical("hypokalemia") != canonical("hyperkalemia")


@given(st.text(max_size=60))
def test_any_text_is_judged_without_error(text: str) -> None:
    assert all(finding.certainty in CERTAINTY_WEIGHT for finding in findings_of(text))
    assert priority_of(text) in range(4)


@given(st.permutations(["Sinus rhythm", "LVH by voltage", "Inferior infarct, old", "Normal ECG", "Poor quality data"]))
def test_superclasses_do_not_depend_on_the_order_of_statements(statements: list[str]) -> None:
    assert superclasses(statements) == {"NORM": 0.0, "MI": 1.0, "STTC": 0.0, "CD": 0.0, "HYP": 1.0}


def nonzero(*statements: str, include_possible: bool = False) -> dict[str, float] | None:
    weights = superclasses(statements, include_possible=include_possible)
    return weights and {name: weight for name, weight in weights.items() if weight}


def test_norm_needs_normal_wording_and_nothing_else() -> None:
    assert nonzero("Sinus rhythm", "Normal ECG") == {"NORM": 1.0}
    assert nonzero("Sinus bradycardia", "Normal ECG except for rate") == {"NORM": 1.0}
    assert nonzero("Sinus rhythm") == {}
    assert nonzero("Normal sinus rhythm") == {}
    assert nonzero("Left bundle branch block", "Otherwise normal ECG") == {"CD": 1.0}
    assert nonzero("Possible inferior infarct", "Normal ECG") == {}, "doubt is enough to withhold NORM"
    assert nonzero("No evidence of infarct", "Normal ECG") == {"NORM": 1.0}


def test_doubtful_findings_count_on_request_and_with_their_weight() -> None:
    report = ("Cannot rule out inferior infarct", "Probable LVH", "Possible left anterior fascicular block")
    assert nonzero(*report) == {"HYP": 0.8}
    assert nonzero(*report, include_possible=True) == {"MI": 0.3, "HYP": 0.8, "CD": 0.5}


def test_nothing_can_be_said_of_a_technical_or_unknown_report() -> None:
    assert superclasses(["Missing lead(s): V1,V2", "xyzzy plugh"]) is None
    assert superclasses([]) is None


def test_priority_puts_diagnoses_first_and_technical_lines_last() -> None:
    lines = ["Missing lead(s): V6", "Left axis deviation", "Sinus rhythm", "Inferior infarct, old"]
    assert [priority_of(line) for line in lines] == [3, 2, 1, 0]


def test_coverage_counts_statements_not_findings() -> None:
    counts = coverage(["RBBB and LAFB", "xyzzy plugh", "Sinus rhythm"])
    assert counts == {
        "category/conduction": 1, "category/rhythm": 1, "superclass/CD": 1, "total": 3, "unrecognised": 1,
    }  # fmt: skip
