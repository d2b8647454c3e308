"""What each text policy leaves of a report, by label set."""

import numpy as np
import pytest

from ecgmm.data.sources.labels.registry import definition_of
from ecgmm.errors import ConfigError
from ecgmm.text.policy import apply_policy, shuffle_reports

REPORT = [
    "sinus rhythm",
    "sinus rhythm with 1st degree a-v block",
    "atrial fibrillation with rapid ventricular response",
    "ventricular pacing",
    "possible inferior infarct",
    "no evidence of infarct",
    "left axis deviation",
    "pacs",
    "abnormal ecg",
]
RHYTHM_ALONE = [REPORT[0], *REPORT[2:4]]
SUPERCLASS_ALONE = REPORT[4:6]
NEITHER = REPORT[6:8]


@pytest.mark.parametrize(
    ("label_set", "left"),
    [
        ("superclass", [*RHYTHM_ALONE, *NEITHER]),
        ("rhythm", [*SUPERCLASS_ALONE, *NEITHER]),
        ("icd_cardiac", NEITHER),
        ("icd_multilabel", NEITHER),
    ],
)
def test_masked_hides_what_states_a_label_of_the_chosen_set(label_set: str, left: list[str]) -> None:
    assert apply_policy([REPORT, []], "masked", definition_of(label_set).masks) == [left, []]


def test_the_other_policies_do_not_ask_for_the_label_set() -> None:
    assert apply_policy([REPORT], "full", ()) == [REPORT] == apply_policy([REPORT], "shuffled", ())
    assert apply_policy([REPORT], "none", ()) == [[]]


def test_an_unknown_policy_and_a_set_that_cannot_be_masked_are_refused() -> None:
    with pytest.raises(ConfigError, match="choose one of full, masked"):
        apply_policy([REPORT], "partly", ["rhythm"])
    with pytest.raises(ConfigError, match="says what to hide"):
        apply_policy([REPORT], "masked", ())


def test_shuffling_keeps_splits_missing_reports_and_the_set_of_reports() -> None:
    reports, splits = np.array([0, 1, 2, -1, 3, 4]), np.array(["train"] * 4 + ["test"] * 2)
    shuffled = shuffle_reports(reports, splits, seed=3)
    assert shuffled[3] == -1
    assert sorted(shuffled[:3]) == [0, 1, 2]
    assert sorted(shuffled[4:]) == [3, 4]
    assert reports.tolist() == [0, 1, 2, -1, 3, 4]
