"""Patient-clustered bootstrap: intervals that respect that a patient's records hang together.

A resample draws patients with replacement; a record's weight is how often its patient was drawn. Two calls with the
same patients, number of resamples and seed see the same resamples, which is what makes differences paired
(``ecgmm.evaluation.comparison``). Percentile intervals follow Efron and Tibshirani, An Introduction to the Bootstrap
(1993).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgmm.evaluation.calibration import CHANCE_OF, RAISED_BY_CHANCE, error_interval
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
        n_drawn = min(at_once, n_resamples - start)
        drawn = generator.integers(n_patients, size=(n_drawn, n_patients))
        drawn += n_patients * np.arange(n_drawn)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=n_drawn * n_patients).reshape(n_drawn, n_patients)
        yield counts.T.astype(np.float64, order="C")[patient_of_record]


def point_values(scorer: Scorer, n_records: int) -> dict[str, float]:
    """Every metric with each record counted once."""
    scored = scorer(np.ones((n_records, 1)))
    return {key: float(values[0]) for key, values in scored.items() if not key.startswith(CHANCE_OF)}


def bootstrap(scorer: Scorer, patients: NDArray[np.integer], n_resamples: int, seed: int) -> dict[str, Floats]:
    """Every metric in every resample, ``[n_resamples]`` each; NaN where a resample leaves it undefined.

    Of a single patient all are NaN: there is nothing to draw from, and so no interval.
    """
    blocks = [scorer(weights) for weights in patient_weights(patients, n_resamples, seed)]
    resampled = {key: np.concatenate([block[key] for block in blocks], axis=-1) for key in blocks[0]}
    one_patient = (patients == patients[0]).all()
    return {key: np.full_like(values, np.nan) for key, values in resampled.items()} if one_patient else resampled


def estimates(scorer: Scorer, patients: NDArray[np.integer], n_resamples: int, seed: int) -> dict[str, Estimate]:
    """Every metric with its 95 % interval; resamples without one are left out for that metric."""
    resampled = bootstrap(scorer, patients, n_resamples, seed)
    return {key: estimate_of(key, value, resampled) for key, value in point_values(scorer, len(patients)).items()}


def estimate_of(key: str, value: float, resampled: dict[str, Floats]) -> Estimate:
    """A metric with its interval, which holds the value.

    It is that of the percentiles, but of an error that chance raises it is ``error_interval``, and there is none where
    the resamples do not say what chance does.

    Args:
        key: Name of the metric.
        value: With each record counted once.
        resampled: Every metric in every resample, as ``bootstrap`` returns them.
    """
    if key not in RAISED_BY_CHANCE:
        return Estimate(value, *interval_around(value, resampled[key]))
    chance = resampled.get(CHANCE_OF + key)
    bounds = (np.nan, np.nan) if chance is None else error_interval(value, chance, CONFIDENCE)
    return Estimate(value, *bounds)


def interval_around(value: float, resampled: Floats) -> tuple[float, float]:
    """The percentile interval; a bound beyond the value, as of very few resamples or records, moves to the value."""
    low, high = percentile_interval(resampled)
    return (min(low, value), max(high, value)) if np.isfinite(value) else (low, high)


def percentile_interval(resampled: Floats) -> tuple[float, float]:
    """The central 95 % of the defined values, or NaN twice when there are none."""
    defined = resampled[np.isfinite(resampled)]
    if not len(defined):
        return np.nan, np.nan
    low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
