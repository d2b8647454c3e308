"""Estimates and differences over seeds and patients: by hand, invariances, and the level of the test."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import t

from ecgmm.evaluation.bootstrap import estimates
from ecgmm.evaluation.calibration import calibration_scorer
from ecgmm.evaluation.comparison import paired_difference
from ecgmm.evaluation.metrics import Scorer, joint_scorer, mean_scorer, single_label_scorer
from ecgmm.evaluation.ranking import Floats
from ecgmm.evaluation.replicates import replicated_difference, replicated_estimates
from ecgmm.evaluation.seeds import t_interval

N, CLASSES = 120, ("NORM", "MI", "CD")
PATIENTS = np.arange(N) // 2


def constant(value: float) -> Scorer:
    """A metric that patients do not change."""
    return lambda weights: {"metric": np.full(weights.shape[1], value)}


def mean_of(values: Floats) -> Scorer:
    """The mean of a number that each record has."""
    return lambda weights: {"metric": values @ weights / weights.sum(axis=0)}


def trained(rng: np.random.Generator, n_seeds: int, labels: np.ndarray, skill: float = 1.5) -> list[Scorer]:
    """Runs of one method that differ in how well they were trained and in what they say of each record."""
    scorers: list[Scorer] = []
    for _ in range(n_seeds):
        logits = (skill + 0.1 * rng.normal()) * np.eye(len(CLASSES))[labels]
        logits = logits + np.random.default_rng(5).normal(size=logits.shape) + 0.3 * rng.normal(size=logits.shape)
        probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        scorer = single_label_scorer(labels, probabilities, CLASSES)
        calibration = calibration_scorer(labels, probabilities, "single_label", with_chance=True)
        scorers.append(joint_scorer([scorer, calibration]))
    return scorers


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return np.random.default_rng(0).integers(len(CLASSES), size=N)


@pytest.fixture(scope="module")
def runs(labels: np.ndarray) -> tuple[list[Scorer], list[Scorer]]:
    rng = np.random.default_rng(1)
    return trained(rng, 3, labels), trained(rng, 4, labels, skill=1.3)


def test_where_patients_change_nothing_the_interval_is_student_s() -> None:
    values = [1.0, 2.0, 3.0]
    found = replicated_estimates([constant(value) for value in values], PATIENTS, 20, 0)["metric"]
    assert vars(found) == pytest.approx(vars(t_interval(values)))


def test_where_patients_change_nothing_the_difference_has_welch_s_variance() -> None:
    """Means 1 and 2, variances 1 and 8 / 3 over 3 and 4 seeds; degrees of freedom by hand."""
    first, second = [0.0, 1.0, 2.0], [0.0, 2.0, 2.0, 4.0]
    found = replicated_difference(
        [constant(value) for value in first], [constant(value) for value in second], PATIENTS, 20, 0
    )["metric"]
    of_first, of_second = 1 / 3, (8 / 3) / 4
    degrees = (of_first + of_second) ** 2 / (of_first**2 / 4 + of_second**2 / 5) - 2
    half = t.ppf(0.975, degrees) * math.sqrt(of_first + of_second)
    assert (found.low, found.high) == pytest.approx((-1 - half, -1 + half))
    assert found.p_value == pytest.approx(2 * t.sf(1 / math.sqrt(of_first + of_second), degrees))


def test_where_seeds_change_nothing_percentiles_over_patients_remain(labels: np.ndarray) -> None:
    (scorer,), (other,) = (trained(np.random.default_rng(seed), 1, labels) for seed in (1, 2))
    found = replicated_estimates([scorer] * 3, PATIENTS, 200, 0)
    expected = estimates(scorer, PATIENTS, 200, 0)
    for key, one in expected.items():
        assert vars(found[key]) == pytest.approx(vars(one)), key
    gaps = replicated_difference([scorer] * 3, [other] * 2, PATIENTS, 200, 0)
    for key, gap in paired_difference(scorer, other, PATIENTS, 200, 0).items():
        assert (gaps[key].low, gaps[key].high) == pytest.approx((gap.low, gap.high)), key


def test_what_other_patients_change_in_every_seed_alike_counts_once() -> None:
    """Seeds 0.1 apart on every record: variance of the mean is that of patients plus 0.1 ** 2 / 3."""
    values = np.random.default_rng(3).normal(size=N)
    found = replicated_estimates([mean_of(values + 0.1 * seed) for seed in range(3)], PATIENTS, 4000, 0)["metric"]
    by_patient = values.reshape(-1, 2).mean(axis=1)
    of_patients, of_seeds = by_patient.var() / len(by_patient), 0.1**2 / 3
    variance = of_patients + of_seeds
    half = t.ppf(0.975, variance**2 / (of_seeds**2 / 4) - 2) * math.sqrt(variance)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.04)


def test_one_seed_covers_patients_alone(runs: tuple[list[Scorer], list[Scorer]]) -> None:
    scorer = runs[0][0]
    assert replicated_estimates([scorer], PATIENTS, 100, 0) == estimates(scorer, PATIENTS, 100, 0)
    found = replicated_difference([scorer], runs[1], PATIENTS, 400, 0)
    expected = paired_difference(scorer, mean_scorer(runs[1]), PATIENTS, 400, 0)
    for key, one in expected.items():
        assert (found[key].low, found[key].high) == pytest.approx((one.low, one.high)), key
        assert (found[key].p_value < 0.05) == (one.low > 0 or one.high < 0), key


def test_turned_round_the_difference_changes_its_sign(runs: tuple[list[Scorer], list[Scorer]]) -> None:
    first, second = runs
    there, back = (replicated_difference(*pair, PATIENTS, 200, 0) for pair in ((first, second), (second, first)))
    for key, one in there.items():
        other = back[key]
        assert (one.value, one.low, one.high, one.p_value) == pytest.approx(
            (-other.value, -other.high, -other.low, other.p_value)
        ), key


def test_p_is_below_5_percent_exactly_where_the_interval_leaves_out_0(
    runs: tuple[list[Scorer], list[Scorer]],
) -> None:
    decided = set()
    for first, second in (runs, (runs[0], runs[0][:2]), (runs[0][:1], runs[1])):
        for one in replicated_difference(first, second, PATIENTS, 200, 0).values():
            assert (one.p_value < 0.05) == (one.low > 0 or one.high < 0)
            decided.add(one.p_value < 0.05)
    assert decided == {True, False}


def test_intervals_stay_within_what_a_metric_can_be(labels: np.ndarray) -> None:
    """Nearly perfect runs that differ much: Student's t alone would go beyond 1."""
    rng = np.random.default_rng(2)
    scorers = [trained(rng, 1, labels, skill=skill)[0] for skill in (4, 6, 12)]
    found = replicated_estimates(scorers, PATIENTS, 100, 0)
    assert found["auroc_macro"].high == found["accuracy"].high == found["mcc"].high == 1
    for key, one in found.items():
        assert one.low <= one.value <= one.high, key


def test_the_same_runs_do_not_differ(runs: tuple[list[Scorer], list[Scorer]]) -> None:
    for one in replicated_difference(runs[0], runs[0], PATIENTS, 50, 0).values():
        assert one.value == 0
        assert one.p_value == 1


def test_a_single_patient_has_no_interval(runs: tuple[list[Scorer], list[Scorer]]) -> None:
    for one in replicated_estimates(runs[0], np.zeros(N, np.int64), 10, 0).values():
        assert math.isnan(one.low)
        assert math.isnan(one.high)


@pytest.mark.slow
@pytest.mark.parametrize("n_seeds", [3, 5, 8])
def test_a_method_against_itself_is_rejected_in_3_to_7_percent(n_seeds: int) -> None:
    """``pytest -s`` shows the share, and what a test over patients alone makes of the same runs."""
    rejected: list[Sequence[bool]] = []
    for repetition in range(500):
        rng = np.random.default_rng([7, n_seeds, repetition])
        shared, skills = rng.normal(size=N), rng.normal(0, 0.05, size=(2, n_seeds, 1))
        values = shared + skills + rng.normal(0, 0.3, size=(2, n_seeds, N))
        first, second = ([mean_of(one) for one in method] for method in values)
        ours = replicated_difference(first, second, np.arange(N), 300, 0)["metric"]
        patients_alone = paired_difference(mean_scorer(first), mean_scorer(second), np.arange(N), 300, 0)["metric"]
        rejected.append((ours.p_value < 0.05, patients_alone.p_value < 0.05))
    ours_share, alone_share = np.mean(rejected, axis=0)
    print(f"{n_seeds} seeds: {ours_share:.1%}, over patients alone {alone_share:.1%}")
    assert 0.03 <= ours_share <= 0.07
    assert alone_share > 0.15
