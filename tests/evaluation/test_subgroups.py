"""Metrics within groups, and gaps between them: what they are, and whether their tests keep what they promise."""

from typing import Any

import numpy as np
import pytest
from scipy.special import expit, softmax
from scipy.stats import binom, norm

from ecgmm.evaluation.bootstrap import point_values
from ecgmm.evaluation.comparison import holm
from ecgmm.evaluation.metrics import TaskKind, compute_metrics
from ecgmm.evaluation.subgroups import Bools, InGroup, Predictions, cases_of, group_scorer, measure_group

CLASSES = ["A", "B", "C"]
TASKS: tuple[TaskKind, ...] = ("single_label", "multi_label")


def predicted(labels: Any, probabilities: Any, task: TaskKind, names: list[str] = CLASSES) -> Predictions:
    """Predictions with sets that hold everything."""
    thresholds = np.full(len(names), 0.5) if task == "multi_label" else None
    one = np.ones((len(labels), len(names) if task == "multi_label" else 1))
    return Predictions(labels, probabilities, names, task, thresholds, one, 2 * one)


def drawn(task: TaskKind, n: int = 120) -> Predictions:
    rng = np.random.default_rng(3)
    kind = rng.integers(0, 3, n)
    score = 1.5 * np.eye(3)[kind] + rng.normal(size=(n, 3))
    if task == "single_label":
        return predicted(kind, softmax(score, axis=1), task)
    return predicted(np.eye(3)[kind], expit(score), task)


@pytest.mark.parametrize("task", TASKS)
def test_a_group_is_measured_as_if_it_were_alone(task: TaskKind) -> None:
    whole, chosen = drawn(task), np.arange(120) % 3 != 0
    found = point_values(group_scorer(whole, chosen, [0, 1, 2]), 120)
    alone = compute_metrics(whole.labels[chosen], whole.probabilities[chosen], CLASSES, task)
    for key in ("auroc_macro", "auprc_macro", "f1_macro", "recall_macro", "specificity_macro", "accuracy", "auroc/B"):
        assert found[key] == pytest.approx(alone[key]), key
    assert found["coverage"] == 1
    assert found["set_size"] == 2


@pytest.mark.parametrize("task", TASKS)
def test_means_are_over_the_chosen_classes_alone(task: TaskKind) -> None:
    whole, everybody = drawn(task), np.ones(120, bool)
    found = point_values(group_scorer(whole, everybody, [0, 2]), 120)
    alone = compute_metrics(whole.labels, whole.probabilities, CLASSES, task)
    assert found["auroc_macro"] == pytest.approx((alone["auroc/A"] + alone["auroc/C"]) / 2)
    assert "auroc/B" not in found


def test_cases_are_patients_of_the_rarer_kind() -> None:
    positive = np.array([[1, 1], [1, 1], [1, 0], [0, 1], [0, 1], [0, 1]], bool)
    patients, chosen = np.array([1, 1, 2, 3, 4, 5]), np.array([1, 1, 1, 1, 1, 0], bool)
    assert cases_of(positive, patients, chosen).tolist() == [2, 1]


def test_a_gap_has_the_other_sign_from_the_other_side() -> None:
    whole, patients = drawn("single_label"), np.arange(120) // 2
    first = np.arange(120) % 4 < 2
    there, back = (
        measure_group([whole], patients, sides, [0, 1, 2], 200, 0).gaps
        for sides in (
            (first, ~first),
            (~first, first),
        )
    )
    assert {"auroc_macro", "brier", "accuracy", "auroc/A"} <= set(there)
    for key, one in there.items():
        assert one.value == pytest.approx(-back[key].value)
        assert (one.low, one.high) == pytest.approx((-back[key].high, -back[key].low))


def test_patients_in_both_groups_are_paired() -> None:
    """Twice the same records of the same patients: no resample sees a difference."""
    half = drawn("single_label", 60)
    whole = predicted(np.tile(half.labels, 2), np.tile(half.probabilities, (2, 1)), "single_label")
    first = np.arange(120) < 60
    paired = measure_group([whole], np.tile(np.arange(60), 2), (first, ~first), [0, 1, 2], 100, 0)
    unpaired = measure_group([whole], np.arange(120), (first, ~first), [0, 1, 2], 100, 0)
    gap = paired.gaps["auroc_macro"]
    assert (gap.value, gap.low, gap.high, gap.p_value) == (0, 0, 0, 1)
    assert unpaired.gaps["auroc_macro"].low < -0.02


def test_a_calibration_error_has_an_interval_and_no_gap() -> None:
    first = np.arange(120) < 60
    found = measure_group([drawn("multi_label")], np.arange(120), (first, ~first), [0, 1, 2], 100, 0)
    assert "ece" not in found.gaps
    assert 0 <= found.values["ece"].low <= found.values["ece"].value <= found.values["ece"].high


def test_a_dozen_who_are_all_right_by_chance_are_no_proof() -> None:
    """12 of 12 found beside 170 of 200: so many or more by chance in 14 % of cases (0.85 ** 12)."""
    positive = np.r_[np.ones(12), np.zeros(40), np.ones(200), np.zeros(400)][:, None]
    found = np.r_[np.ones(12), np.zeros(40), np.ones(170), np.zeros(430)][:, None]
    group = np.arange(652) < 52
    one = predicted(positive, 0.2 + 0.6 * found, "multi_label", ["A"])
    gap = measure_group([one], np.arange(652), (group, ~group), [0], 500, 0).gaps["recall_macro"]
    assert gap.value == pytest.approx(0.15)
    assert gap.p_value > 0.05
    assert gap.low < 0 < gap.high


def test_seeds_of_one_method_are_paired_by_seed() -> None:
    """Seeds that differ by the same amount in both groups leave the gap as sure as one seed does."""
    rng = np.random.default_rng(1)
    group, labels = np.arange(200) < 100, np.arange(200) % 2
    score, change = rng.normal(size=200) + labels, rng.normal(size=100)
    changed = [score + 0.5 * np.tile(change * sign, 2) for sign in (-1, 0, 1)]
    seeds = [predicted(labels, softmax(np.stack([-s, s], axis=1), axis=1), "single_label", ["A", "B"]) for s in changed]
    both = measure_group(seeds, np.arange(200), (group, ~group), [0, 1], 300, 0)
    assert both.gaps["auroc_macro"].value == pytest.approx(
        both.values["auroc_macro"].value - both.rest["auroc_macro"].value
    )
    assert np.isfinite([both.gaps["auroc_macro"].low, both.gaps["auroc_macro"].p_value]).all()


REPETITIONS, RESAMPLES, N_PATIENTS, LEVEL = 200, 200, 240, 0.05
SKILL, SKILL_OF_PLANTED = 2.4, 1.0
TRUE_GAP = norm.cdf(SKILL_OF_PLANTED / np.sqrt(2)) - norm.cdf(SKILL / np.sqrt(2))


def repetition(number: int) -> dict[str, InGroup]:
    """Patients of two planted and two fair groups; in one of the planted ones both classes are ranked worse.

    Scores of a class are normal around the skill and around 0, so AUROC is Phi(skill / sqrt 2).
    """
    rng = np.random.default_rng([15, number])
    patients = np.repeat(np.arange(N_PATIENTS), 1 + (rng.random(N_PATIENTS) < 0.3))
    planted, fair = (rng.random(N_PATIENTS) < 0.4)[patients], (rng.random(N_PATIENTS) < 0.4)[patients]
    labels = (rng.random((N_PATIENTS, 2)) < 0.4)[patients].astype(float)
    shared, own = rng.normal(size=(N_PATIENTS, 2))[patients], rng.normal(size=(len(patients), 2))
    skill = np.where(planted, SKILL_OF_PLANTED, SKILL)[:, None]
    score = skill * (labels - 0.5) + np.sqrt(0.5) * (shared + own)
    one = predicted(labels, expit(score), "multi_label", ["A", "B"])
    # the fair groups are compared where nothing was planted
    groups: dict[str, tuple[Bools, Bools]] = {
        "planted": (planted, ~planted),
        "fair": (fair & ~planted, ~fair & ~planted),
    }
    return {name: measure_group([one], patients, sides, [0, 1], RESAMPLES, number) for name, sides in groups.items()}


@pytest.mark.slow
def test_a_planted_gap_is_found_with_its_interval_and_none_where_there_is_none() -> None:
    """200 cohorts, Holm over all metrics and groups of each; ``pytest -s`` shows the shares."""
    found, held, false = [], [], []
    for number in range(REPETITIONS):
        groups = repetition(number)
        places = [(name, key) for name, group in groups.items() for key in group.gaps]
        p_holm = dict(zip(places, holm([groups[name].gaps[key].p_value for name, key in places]), strict=True))
        gap = groups["planted"].gaps["auroc_macro"]
        found.append(p_holm["planted", "auroc_macro"] < LEVEL)
        held.append(gap.low <= TRUE_GAP <= gap.high)
        false.append(min(p for (name, _), p in p_holm.items() if name == "fair") < LEVEL)
    print(f"gap {TRUE_GAP:.3f} found {np.mean(found):.1%}, held {np.mean(held):.1%}, false {np.mean(false):.1%}")
    assert np.mean(found) >= 0.95
    assert sum(held) >= binom.ppf(0.001, REPETITIONS, 1 - LEVEL)
    assert sum(false) <= binom.ppf(0.999, REPETITIONS, LEVEL)


def test_every_repetition_is_another_one_and_the_same_each_time() -> None:
    first, second, again = (repetition(number)["fair"].values["auroc_macro"].value for number in (0, 1, 0))
    assert first != second
    assert first == again
