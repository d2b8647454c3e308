"""Verdicts from numbers."""

from typing import Any

import pytest

from ecgmm.auditing.verdicts import Verdict, verdicts


def probe(name: str, policy: str | None, value: float, **per_class: float) -> dict[str, Any]:
    area = {"value": value, "low": value - 0.02, "high": min(1.0, value + 0.02)}
    return {"input": name, "text_policy": policy, "auroc_macro": area, "auroc": per_class or {"NORM": value}}


def judged(
    full: float = 0.8, masked: float = 0.6, shuffled: float = 0.5, source: str = "annotation", **changed: Any
) -> dict[str, Verdict]:
    policies = {"full": full, "masked": masked, "shuffled": shuffled, "none": 0.5}
    numbers: dict[str, Any] = {
        "labels": {"source": source},
        "classes": {"NORM": {"train": 100, "val": 20, "test": 20}},
        "patients": {"all": 100, "in_several_splits": 0},
        "waveforms": {"in_several_splits": 0, "test_in_train": 0},
        "look_up": {"test": 20, "seen": 10, "seen_with_label": 5, "right": 5},
        "probes": [probe("bag_of_words", policy, value) for policy, value in policies.items()],
    }
    return {verdict.about: verdict for verdict in verdicts(numbers | changed)}


def test_labels_from_the_statements_and_text_from_notes_are_judged_by_their_numbers() -> None:
    assert judged(source="report", text_origin="machine_statements")["text.policy=full"].level == "LEAK"
    assert judged(source="report", text_origin="notes")["text.policy=full"].level == "PASS"
    assert judged(source="report", text_origin="notes", full=0.995)["text.policy=full"].level == "LEAK"


def test_a_sound_store_passes_and_leaves_nothing_to_do() -> None:
    found = judged()
    assert {verdict.level for verdict in found.values()} == {"PASS"}
    assert not any(verdict.action for verdict in found.values())


@pytest.mark.parametrize(
    ("about", "level", "changed"),
    [
        ("patients", "LEAK", {"patients": {"all": 9, "in_several_splits": 1}}),
        ("waveforms", "LEAK", {"waveforms": {"in_several_splits": 2, "test_in_train": 1}}),
        ("classes", "WARN", {"classes": {"HYP": {"train": 100, "val": 20, "test": 9}}}),
        ("reports", "WARN", {"look_up": {"test": 20, "seen": 15, "seen_with_label": 11, "right": 9}}),
        ("reports", "LEAK", {"look_up": {"test": 20, "seen": 8, "seen_with_label": 8, "right": 8}}),
        ("text.policy=full", "WARN", {"full": 0.93}),
        ("text.policy=full", "LEAK", {"full": 0.995}),
        ("text.policy=full", "LEAK", {"full": 0.7, "source": "report"}),
        ("text.policy=masked", "WARN", {"masked": 0.93, "source": "report"}),
        ("text.policy=masked", "LEAK", {"masked": 0.995}),
        ("text.policy=shuffled", "WARN", {"shuffled": 0.7}),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(about: str, level: str, changed: dict[str, Any]) -> None:
    verdict = judged(**changed)[about]
    assert verdict.level == level
    assert verdict.action


def test_the_better_of_two_probes_decides() -> None:
    probes = [probe("bag_of_words", policy, 0.6) for policy in ("full", "masked", "shuffled")]
    found = judged(probes=[*probes, probe("bag_of_statements", "full", 0.995)])
    assert found["text.policy=full"].level == "LEAK"
    assert "bag of statements alone: macro AUROC 0.995" in found["text.policy=full"].reason


def test_measurements_name_the_class_that_they_give_away() -> None:
    text = [probe("bag_of_words", policy, 0.5) for policy in ("full", "masked", "shuffled")]
    found = judged(probes=[*text, probe("missing_measurements", None, 0.7, AFIB=0.97, NORM=0.6)])
    verdict = found["missing measurements"]
    assert verdict.level == "WARN"
    assert "AFIB 0.970" in verdict.reason
    assert "NORM 0.6" not in verdict.reason
