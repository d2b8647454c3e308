"""Do intervals hold what they promise: 500 simulated test sets whose AUROC is known exactly.

A positive record's score is normal around d, a negative one's around 0, both with variance 1, so AUROC is
Phi(d / sqrt 2). The share of 500 intervals that cover has a standard deviation of 1 %. ``pytest -s`` shows the shares.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from ecgmm.evaluation.bootstrap import bootstrap, estimate_of, estimates, percentile_interval, point_values
from ecgmm.evaluation.calibration import apply_temperature, calibration_scorer
from ecgmm.evaluation.comparison import delong, paired_difference
from ecgmm.evaluation.metrics import Scorer
from ecgmm.evaluation.ranking import Floats, auroc_and_average_precision, rank_segments

pytestmark = pytest.mark.slow

REPETITIONS, RESAMPLES = 500, 400
D = 1.2
AUROC = float(norm.cdf(D / np.sqrt(2)))
HELD = pytest.approx(0.95, abs=0.02)
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


def test_intervals_of_the_calibration_error_cover_only_without_its_bias() -> None:
    """600 records of a method that is somewhat too sure; its true error is that of 400,000 records."""

    def simulated(rng: np.random.Generator, n: int) -> Scorer:
        logits = 1.5 * rng.normal(size=(n, 5))
        probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        labels = (probabilities.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(0, 4)
        return calibration_scorer(labels, apply_temperature(probabilities, 1 / 1.2, "single_label"), "single_label")

    truth = point_values(simulated(np.random.default_rng(6), 400_000), 400_000)["ece"]
    plain, moved = [], []
    for seed in range(REPETITIONS):
        scorer, records = simulated(np.random.default_rng([7, seed]), 600), np.arange(600)
        value, resampled = point_values(scorer, 600)["ece"], bootstrap(scorer, records, RESAMPLES, seed)["ece"]
        found, (low, high) = estimate_of("ece", value, resampled), percentile_interval(resampled)
        plain.append(low <= truth <= high)
        moved.append(found.low <= truth <= found.high)
    assert share(f"ECE {truth:.3f}, percentile interval", plain) < 0.6
    assert 0.88 <= share(f"ECE {truth:.3f}, interval without the bias", moved) <= 0.97
