"""The rule dictionary of waveform features: only findings that the statement rules know, in the wording of carts."""

import csv
import re
from collections import Counter
from pathlib import Path

import ecgmm.text

FOLDER = Path(ecgmm.text.__file__).parent


def rows_of(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


FEATURES = rows_of("waveform_features.csv")


def test_every_finding_is_one_of_the_statement_rules_and_about_the_heart() -> None:
    categories = {rule["finding"]: rule["category"] for rule in rows_of("statement_rules.csv")}
    unknown = {row["finding"] for row in FEATURES} - set(categories)
    assert unknown == set()
    assert {categories[row["finding"]] for row in FEATURES} & {
        "technical",
        "comment",
        "comparison",
        "measurement",
    } == set()


def test_about_sixty_findings_or_more_have_features() -> None:
    assert len({row["finding"] for row in FEATURES}) >= 60


def test_no_row_stands_twice() -> None:
    counts = Counter((row["finding"], row["feature"]) for row in FEATURES)
    assert [row for row, n in counts.items() if n > 1] == []


def test_features_are_lower_case_words_as_in_reports() -> None:
    odd = [row["feature"] for row in FEATURES if not re.fullmatch(r"[a-z0-9']+( [a-z0-9']+)*", row["feature"])]
    assert odd == []


def test_no_feature_repeats_the_name_of_its_finding() -> None:
    assert [row for row in FEATURES if row["feature"] == row["finding"].replace("_", " ")] == []


def test_findings_of_one_family_share_their_features() -> None:
    of = {
        row["finding"]: {other["feature"] for other in FEATURES if other["finding"] == row["finding"]}
        for row in FEATURES
    }
    assert "wide qrs" in of["left_bundle_branch_block"] & of["right_bundle_branch_block"] & of["preexcitation"]
    assert "wide qrs" not in of["incomplete_right_bundle_branch_block"] | of["supraventricular_tachycardia"]
    assert "no p waves" in of["atrial_fibrillation"]
    assert "no p waves" not in of["sinus_rhythm"]
