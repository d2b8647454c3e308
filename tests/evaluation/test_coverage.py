"""Do intervals hold what they promise: 500 simulated test sets whose AUROC is known exactly.

A positive record's score is normal around d, a negative one's around 0, both with variance 1, so AUROC is
Phi(d / sqrt 2). The share of 500 intervals that cover has a standard deviation of 1 %. ``pytest -s`` shows the shares.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, softmax
from scipy.stats import norm

from ecgmm.evaluation.bootstrap import bootstrap, estimate_of, estimates, percentile_interval, point_values
from ecgmm.evaluation.calibration import apply_temperature, calibration_scorer, fit_temperature
from ecgmm.evaluation.comparison import delong, paired_difference
from ecgmm.evaluation.metrics import Scorer, TaskKind
from ecgmm.evaluation.ranking import Floats, auroc_and_average_precision, rank_segments
from ecgmm.evaluation.thresholds import choose_thresholds
from ecgmm.runs.measuring import measure_predictions

pytestmark = pytest.mark.slow

REPETITIONS, RESAMPLES = 500, 400
D = 1.2
AUROC = float(norm.cdf(D / np.sqrt(2)))
HELD = pytest.approx(0.95, abs=0.02)
TASKS: tuple[TaskKind, ...] = ("single_label", "multi_label")
Flags = NDArray[np.bool_]


def auroc_scorer(positive: Flags, score: Floats) -> Scorer:
    segments = rank_segments(positive, score)
    return lambda weights: {"auroc": auroc_and_average_precision(segments, weights)[0]}


def simulate(rng: np.random.Generator, patients: NDArray[np.int64], shared: float, n: int = 1) -> tuple[Flags, Floats]:
    """Truth of each record, which is that of its patient, and n scores ``[n, records]``.

    ``shared`` is the part of the variance that all records of a patient have in common. The scores are those of n
    equally good methods, which have half of it all in common as well.
    """
    n_patients = int(patients.max()) + 1
    positive = (rng.random(n_patients) < 0.4)[patients]

    def noise() -> Floats:
        of_patient, of_record = rng.normal(size=n_patients)[patients], rng.normal(size=len(patients))
        mixed: Floats = np.sqrt(shared) * of_patient + np.sqrt(1 - shared) * of_record
        return mixed

    common = noise()
    scores = [D * positive + (common if n == 1 else np.sqrt(0.5) * (common + noise())) for _ in range(n)]
    return positive, np.stack(scores)


def unequal_patients(rng: np.random.Generator) -> NDArray[np.int64]:
    """200 patients with 1 to 12 records, 2.5 in the mean."""
    return np.repeat(np.arange(200), np.minimum(rng.geometric(0.4, 200), 12))


def share(what: str, found: Iterable[bool]) -> float:
    value = float(np.mean(list(found)))
    print(f"{what}: {value:.1%}")
    return value


def covers(positive: Flags, score: Floats, units: NDArray[np.int64], seed: int) -> bool:
    found = estimates(auroc_scorer(positive, score), units, RESAMPLES, seed)["auroc"]
    return found.low <= AUROC <= found.high


def test_intervals_cover_with_independent_records() -> None:
    def repetitions() -> Iterator[bool]:
        for seed in range(REPETITIONS):
            records = np.arange(300)
            positive, (score,) = simulate(np.random.default_rng([1, seed]), records, shared=0)
            yield covers(positive, score, records, seed)

    assert share("independent records", repetitions()) == HELD


def test_intervals_cover_with_clustered_patients_and_only_if_patients_are_resampled() -> None:
    by_patient, by_record = [], []
    for seed in range(REPETITIONS):
        rng = np.random.default_rng([2, seed])
        patients = unequal_patients(rng)
        positive, (score,) = simulate(rng, patients, shared=0.6)
        by_patient.append(covers(positive, score, patients, seed))
        by_record.append(covers(positive, score, np.arange(len(patients)), seed))
    assert share("clustered, patients resampled", by_patient) == HELD
    assert share("clustered, records resampled", by_record) < 0.85


@pytest.mark.parametrize("clustered", [False, True])
def test_the_paired_test_holds_its_level(clustered: bool) -> None:
    """Two different methods of the same AUROC: about 5 % of p-values are below 0.05."""

    def repetitions() -> Iterator[bool]:
        for seed in range(REPETITIONS):
            rng = np.random.default_rng([30, seed])
            patients = unequal_patients(rng) if clustered else np.arange(300)
            positive, scores = simulate(rng, patients, 0.6 if clustered else 0, n=2)
            first, second = (auroc_scorer(positive, score) for score in scores)
            yield paired_difference(first, second, patients, RESAMPLES, seed)["auroc"].p_value < 0.05

    assert 0.03 <= share(f"paired test rejects, {clustered=}", repetitions()) <= 0.07


def test_delong_agrees_with_the_paired_bootstrap_where_records_are_independent() -> None:
    """And holds its level; of clustered records, which it takes for independent, it makes too much."""
    rejected: dict[str, list[bool]] = {"independent": [], "clustered": []}
    for seed in range(REPETITIONS):
        rng = np.random.default_rng([4, seed])
        for name, patients in (("independent", np.arange(200)), ("clustered", unequal_patients(rng))):
            positive, scores = simulate(rng, patients, 0.6 if name == "clustered" else 0, n=2)
            rejected[name].append(delong(positive, *scores).p_value < 0.05)
    assert 0.03 <= share("DeLong rejects, independent", rejected["independent"]) <= 0.07
    assert share("DeLong rejects, clustered", rejected["clustered"]) > 0.1
    records = np.arange(300)
    positive, scores = simulate(np.random.default_rng(5), records, 0, n=2)
    first, second = (auroc_scorer(positive, score) for score in scores)
    found = paired_difference(first, second, records, 4000, 0)["auroc"]
    assert found.p_value == pytest.approx(delong(positive, *scores).p_value, abs=0.03)


K = 5


def predictions(
    rng: np.random.Generator, patients: NDArray[np.int64], task: TaskKind, sharpness: float
) -> tuple[NDArray[Any], Floats]:
    """Labels and probabilities of a method that is ``sharpness`` times too sure; records of a patient are alike."""
    n_patients, shape = int(patients.max()) + 1, (len(patients), K)
    score = np.sqrt(0.5) * (rng.normal(size=(n_patients, K))[patients] + rng.normal(size=shape))
    logits = 1.5 * score - (task == "multi_label")
    if task == "multi_label":
        probabilities = expit(logits)
        return (rng.random(shape) < probabilities).astype(float), apply_temperature(probabilities, 1 / sharpness, task)
    probabilities = softmax(logits, axis=1)
    labels = (probabilities.cumsum(axis=1) < rng.random((len(patients), 1))).sum(axis=1).clip(0, K - 1)
    return labels, apply_temperature(probabilities, 1 / sharpness, task)


@pytest.mark.parametrize("sharpness", [1.0, 1.2, 2.5])
@pytest.mark.parametrize("n", [100, 600])
@pytest.mark.parametrize("task", TASKS)
def test_intervals_of_the_calibration_error_cover(task: TaskKind, n: int, sharpness: float) -> None:
    """Of a calibrated method, one that is somewhat too sure, and one that is far too sure; few records and many.

    The true error is that of 400,000 records. It can be near 0, below which no bound lies, so more than 95 % may cover.
    """
    everyone = predictions(np.random.default_rng(6), np.arange(400_000), task, sharpness)
    truth = point_values(calibration_scorer(*everyone, task), 400_000)["ece"]
    covered, by_percentiles = [], []
    for seed in range(REPETITIONS):
        drawn = predictions(np.random.default_rng([7, seed]), np.arange(n), task, sharpness)
        scorer = calibration_scorer(*drawn, task, with_chance=True)
        value, resampled = point_values(scorer, n)["ece"], bootstrap(scorer, np.arange(n), RESAMPLES, seed)
        found, (low, high) = estimate_of("ece", value, resampled), percentile_interval(resampled["ece"])
        covered.append(found.low <= truth <= found.high)
        by_percentiles.append(low <= truth <= high)
    # Of 100 records and as many bins a resample knows too little: its bins of one record hide what chance would do.
    assert share(f"ECE {truth:.3f}, {task}, {n} records", covered) >= (0.88 if n == 100 else 0.93)
    if sharpness == 1.0:
        assert share("the same by percentiles", by_percentiles) < 0.1


@pytest.mark.parametrize("task", TASKS)
def test_every_printed_interval_covers(task: TaskKind) -> None:
    """All that a run prints, of 300 patients with 1 to 12 records, given the thresholds and the temperature.

    Both are chosen once on 400 records of validation and are part of what is measured, as they are in a saved model.
    """
    validation = predictions(np.random.default_rng(8), np.arange(400), task, 1.3)
    chosen = (
        choose_thresholds(*validation) if task == "multi_label" else None,
        fit_temperature(*validation, task),
    )
    classes = ["NORM", "MI", "STTC", "CD", "HYP"]

    def measured(patients: NDArray[np.int64], seed: Any, n_resamples: int) -> dict[str, Any]:
        labels, probabilities = predictions(np.random.default_rng(seed), patients, task, 1.3)
        found = measure_predictions(
            labels, probabilities, patients, classes, task, *chosen, n_resamples=n_resamples
        ).plain()
        return {key: entry for key, entry in found.items() if key.startswith("test/")}

    truth = {key: entry["value"] for key, entry in measured(np.arange(200_000), 9, 1).items()}
    covered: dict[str, list[bool]] = {key: [] for key in truth}
    for seed in range(REPETITIONS):
        rng = np.random.default_rng([10, seed])
        patients = np.repeat(np.arange(300), np.minimum(rng.geometric(0.4, 300), 12))
        for key, entry in measured(patients, [11, seed], RESAMPLES).items():
            covered[key].append(entry["low"] <= truth[key] <= entry["high"])
            assert entry["low"] <= entry["value"] <= entry["high"], key
    shares = {key: share(f"{task}, {key} {truth[key]:.3f}", found) for key, found in covered.items()}
    assert np.mean(list(shares.values())) >= 0.93
    assert {key: value for key, value in shares.items() if value < 0.9} == {}
    assert {key: value for key, value in shares.items() if value > 0.98 and "ece" not in key} == {}
