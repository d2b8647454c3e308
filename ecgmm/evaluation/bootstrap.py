"""Patient-clustered bootstrap: intervals and paired differences that respect that a patient's records hang together.

A resample draws patients with replacement; a record's weight is how often its patient was drawn. Two calls with the
same patients, number of resamples and seed see the same resamples, which is what makes differences paired.
Percentile intervals and two-sided p-values follow Efron and Tibshirani, An Introduction to the Bootstrap (1993).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgmm.evaluation.metrics import Scorer
from ecgmm.evaluation.ranking import Floats

CONFIDENCE = 0.95
_WEIGHTS_AT_ONCE = 4_000_000
"""Weights held at a time: 32 MB, small enough to stay near the cache and large enough to hide Python's cost."""


@dataclass(frozen=True)
class Estimate:
    """A metric with its interval; ``low`` and ``high`` are NaN if every resample is degenerate for the metric."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """First minus second on the same records; ``p_value`` is two-sided, against a difference of 0."""

    value: float
    low: float
    high: float
    p_value: float


def patient_weights(
    patients: NDArray[np.integer], n_resamples: int, seed: int, at_once: int | None = None
) -> Iterator[Floats]:
    """Draw resamples of patients, in blocks that fit into memory.

    Args:
        patients: ``[n]``, patient of each record.
        n_resamples: Number of resamples in all.
        seed: Seed of the draw. The resamples do not depend on the size of the blocks.
        at_once: Resamples in a block; by default as many as keep a block at 32 MB.

    Yields:
        Weights ``[n, r]``: how often each record's patient is in each of the next r resamples.
    """
    _, patient_of_record = np.unique(patients, return_inverse=True)
    n_patients = int(patient_of_record.max()) + 1
    at_once = at_once or max(1, _WEIGHTS_AT_ONCE // len(patients))
    generator = np.random.default_rng(seed)
    for start in range(0, n_resamples, at_once):
        counts = [
            np.bincount(generator.integers(n_patients, size=n_patients), minlength=n_patients)
            for _ in range(min(at_once, n_resamples - start))
        ]
        yield np.stack(counts, axis=1).astype(np.float64)[patient_of_record]


def point_values(scorer: Scorer, n_records: int) -> dict[str, float]:
    """Every metric with each record counted once."""
    return {key: float(values[0]) for key, values in scorer(np.ones((n_records, 1))).items()}


def bootstrap(scorer: Scorer, patients: NDArray[np.integer], n_resamples: int, seed: int) -> dict[str, Floats]:
    """Every metric in every resample, ``[n_resamples]`` each; NaN where a resample leaves it undefined."""
    blocks = [scorer(weights) for weights in patient_weights(patients, n_resamples, seed)]
    return {key: np.concatenate([block[key] for block in blocks]) for key in blocks[0]}


def estimates(scorer: Scorer, patients: NDArray[np.integer], n_resamples: int, seed: int) -> dict[str, Estimate]:
    """Every metric with its 95 % percentile interval; resamples without one are left out for that metric."""
    resampled = bootstrap(scorer, patients, n_resamples, seed)
    return {
        key: Estimate(value, *percentile_interval(resampled[key]))
        for key, value in point_values(scorer, len(patients)).items()
    }


def percentile_interval(resampled: Floats) -> tuple[float, float]:
    """The central 95 % of the defined values, or NaN twice when there are none."""
    defined = resampled[np.isfinite(resampled)]
    if not len(defined):
        return np.nan, np.nan
    low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def paired_difference(
    first: Scorer, second: Scorer, patients: NDArray[np.integer], n_resamples: int, seed: int
) -> dict[str, Difference]:
    """Difference first - second of every metric that both have, on the same records in the same order.

    Args:
        first: Scorer of one method's predictions.
        second: Scorer of the other's.
        patients: ``[n]``, patient of each record.
        n_resamples: Number of patient resamples, the same for both.
        seed: Seed of the resamples.
    """
    values = [point_values(scorer, len(patients)) for scorer in (first, second)]
    resampled = [bootstrap(scorer, patients, n_resamples, seed) for scorer in (first, second)]
    return {
        key: difference_of(values[0][key], values[1][key], resampled[0][key], resampled[1][key])
        for key in values[0].keys() & values[1].keys()
    }


def difference_of(first: float, second: float, first_resampled: Floats, second_resampled: Floats) -> Difference:
    """Difference of two metrics from their values in the same resamples ``[R]``.

    The p-value is twice the smaller share of resamples on either side of 0 (0 itself counts to both), with one
    added to counts and total so that it is never 0 (Davison and Hinkley 1997, section 4.2).
    """
    differences = first_resampled - second_resampled
    defined = differences[np.isfinite(differences)]
    tail = min((defined <= 0).sum(), (defined >= 0).sum())
    p_value = min(1.0, 2 * (float(tail) + 1) / (len(defined) + 1))
    return Difference(first - second, *percentile_interval(differences), p_value)
