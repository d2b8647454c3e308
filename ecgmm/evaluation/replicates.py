"""Estimates and differences that cover retraining and patients: another seed and other patients, both by chance.

A resample of patients alone asks what the same trained models would do on other patients. One method against itself
with another seed then differs far too often, because training again changes the number too. Here a metric of seed s
on patients P is mu + seed(s) + patients(P) + interaction(s, P), and the mean over n seeds has the variance

    var(patients) + (var(seed) + var(interaction)) / n.

The second term is the variance between the seeds' values on the test set over n, with n - 1 degrees of freedom. The
first is what resampled patients make of the mean less the part that is due to the interaction, which the seeds hold
already. Both together have the degrees of freedom of Satterthwaite (Biometrics Bulletin 2, 1946), and of a difference,
whose two methods have seeds of their own, those of Welch (Biometrika 34, 1947). An interval's arms may differ in
length, as percentiles do: each has the variance that its percentile stands for (Zou and Donner, Statistics in Medicine
27, 2008). Letters: S seeds, R resamples.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from ecgmm.evaluation.bootstrap import CONFIDENCE, Estimate, bootstrap, estimate_of, point_values
from ecgmm.evaluation.calibration import CHANCE_OF
from ecgmm.evaluation.comparison import Difference, difference_of
from ecgmm.evaluation.metrics import Scorer, range_of
from ecgmm.evaluation.ranking import Floats

_UPPER = (1 + CONFIDENCE) / 2


@dataclass(frozen=True)
class Replicates:
    """One method trained with several seeds and tested on the same patients.

    Attributes:
        by_seed: ``[S]`` for each metric, with each record counted once.
        resampled: ``[S, R]`` for each metric in every resample of patients, the same for all methods; what an error
            that chance raises needs beside it is ``[S, 12, R]``.
    """

    by_seed: dict[str, Floats]
    resampled: dict[str, Floats]

    @property
    def n_seeds(self) -> int:
        """S; what is said of one seed covers patients alone."""
        return len(next(iter(self.by_seed.values())))


@dataclass(frozen=True)
class _Retraining:
    """What another seed does to a mean over n seeds.

    Attributes:
        variance: Variance between seeds over n, on these patients.
        of_patients: Part of it that other patients change as well, which their resamples hold too.
        degrees: n - 1.
    """

    variance: float
    of_patients: float
    degrees: int


def replicated_estimates(
    scorers: Sequence[Scorer], patients: NDArray[np.integer], n_resamples: int, seed: int
) -> dict[str, Estimate]:
    """Mean of every metric over seeds with its 95 % interval over retraining and patients.

    Args:
        scorers: One for each seed's predictions of the same records; of a single one the interval covers patients
            alone, as that of ``ecgmm.evaluation.bootstrap.estimates``.
        patients: ``[n]``, patient of each record.
        n_resamples: Number of patient resamples.
        seed: Seed of the resamples.
    """
    replicates = replicate(scorers, patients, n_resamples, seed)
    return {key: replicated_estimate(key, replicates) for key in replicates.by_seed}


def replicated_difference(
    first: Sequence[Scorer],
    second: Sequence[Scorer],
    patients: NDArray[np.integer],
    n_resamples: int,
    seed: int,
) -> dict[str, Difference]:
    """Difference first - second of every metric that both have, over retraining and patients.

    Patients are paired, seeds are not: seed 1 of one method has nothing but its number from seed 1 of another.

    Args:
        first: One scorer for each seed of one method.
        second: Those of the other, not necessarily as many. Where either has a single one, the difference covers
            patients alone, as that of ``ecgmm.evaluation.comparison.paired_difference``.
        patients: ``[n]``, patient of each record.
        n_resamples: Number of patient resamples, the same for both.
        seed: Seed of the resamples.
    """
    one, other = (replicate(scorers, patients, n_resamples, seed) for scorers in (first, second))
    shared = [key for key in one.by_seed if key in other.by_seed]
    return {key: replicated_difference_of(key, one, other) for key in shared}


def replicate(
    scorers: Sequence[Scorer],
    patients: NDArray[np.integer],
    n_resamples: int,
    seed: int,
    keys: Collection[str] | None = None,
) -> Replicates:
    """Score each seed once and in every resample; all comparisons of a table share it.

    Args:
        scorers: One for each seed.
        patients: ``[n]``, patient of each record.
        n_resamples: Number of patient resamples.
        seed: Seed of the resamples.
        keys: Metrics to keep; by default all.
    """

    def score(weights: Floats) -> dict[str, Floats]:
        results = [scorer(weights) for scorer in scorers]
        kept = [key for key in results[0] if keys is None or key.removeprefix(CHANCE_OF) in keys]
        return {key: np.stack([result[key] for result in results]) for key in kept}

    values = [point_values(scorer, len(patients)) for scorer in scorers]
    return Replicates(
        by_seed={key: np.array([value[key] for value in values]) for key in values[0] if keys is None or key in keys},
        resampled=bootstrap(score, patients, n_resamples, seed),
    )


def replicated_estimate(key: str, replicates: Replicates) -> Estimate:
    """A metric's mean over seeds with its interval, which stays within what the metric can be."""
    resampled = {
        name: replicates.resampled[name].mean(axis=0) for name in (key, CHANCE_OF + key) if name in replicates.resampled
    }
    mean = estimate_of(key, float(replicates.by_seed[key].mean()), resampled)
    if replicates.n_seeds == 1:
        return mean
    retraining = [_retraining(key, replicates)]
    lowest, highest = range_of(key)
    low = mean.value - _arm(mean.value - mean.low, retraining)
    high = mean.value + _arm(mean.high - mean.value, retraining)
    return Estimate(mean.value, max(low, lowest), min(high, highest))


def replicated_difference_of(key: str, first: Replicates, second: Replicates) -> Difference:
    """A metric's mean of one method minus that of another, with a two-sided p-value against 0.

    The p-value is that of Student's t with the variance of the arm towards 0, so it is below 0.05 exactly where the
    interval leaves out 0.
    """
    one, other = (replicates.resampled[key].mean(axis=0) for replicates in (first, second))
    mean = difference_of(float(first.by_seed[key].mean()), float(second.by_seed[key].mean()), one, other)
    if 1 in (first.n_seeds, second.n_seeds):
        return mean
    retraining = [_retraining(key, replicates) for replicates in (first, second)]
    below, above = mean.value - mean.low, mean.high - mean.value
    return Difference(
        mean.value,
        mean.value - _arm(below, retraining),
        mean.value + _arm(above, retraining),
        _p_value(mean.value, below if mean.value > 0 else above, retraining),
    )


def _retraining(key: str, replicates: Replicates) -> _Retraining:
    resampled, n = replicates.resampled[key], replicates.n_seeds
    defined = resampled[:, np.isfinite(resampled).all(axis=0)]
    between = float(replicates.by_seed[key].var(ddof=1)) / n
    if not defined.shape[1]:
        return _Retraining(between, 0.0, n - 1)
    of_mean, of_one = float(defined.mean(axis=0).var()), float(defined.var(axis=1).mean())
    return _Retraining(between, (of_one - of_mean) / (n - 1), n - 1)


def _variance(arm: float, retraining: Sequence[_Retraining]) -> tuple[float, float]:
    """Variance and degrees of freedom behind one arm of an interval over patients."""
    of_seeds = sum(one.variance for one in retraining)
    common = (arm / norm.ppf(_UPPER)) ** 2 - sum(one.of_patients for one in retraining)
    of_patients = 0.0 if common < 0 else common
    doubt = sum(one.variance**2 / one.degrees for one in retraining)
    return of_patients + of_seeds, (of_patients + of_seeds) ** 2 / doubt if doubt else math.inf


def _arm(arm: float, retraining: Sequence[_Retraining]) -> float:
    variance, degrees = _variance(arm, retraining)
    return float(t.ppf(_UPPER, degrees)) * math.sqrt(variance)


def _p_value(difference: float, arm: float, retraining: Sequence[_Retraining]) -> float:
    variance, degrees = _variance(arm, retraining)
    if difference == 0 or math.isnan(variance):
        return 1.0
    return float(2 * t.sf(abs(difference) / math.sqrt(variance), degrees)) if variance else 0.0
