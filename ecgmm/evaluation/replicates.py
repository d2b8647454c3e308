"""Estimates and differences that cover retraining and patients: another seed and other patients, both by chance.

A resample of patients alone asks what the same trained models would do on other patients. One method against itself
with another seed then differs far too often, because training again changes the number too. Here a metric of seed s
on patients P is mu + seed(s) + patients(P) + interaction(s, P), and the mean over n seeds has the variance

    var(patients) + (var(seed) + var(interaction)) / n.

The second term is the variance between the seeds' values on the test set over n. The first is what resampled patients
make of the mean less the part that is due to the interaction, which the seeds hold already. The degrees of freedom of
the sum are Welch's (Biometrika 34, 1947; Satterthwaite, Biometrics Bulletin 2, 1946) with unbiased estimates of the
squared variances, v ** 2 / (n + 1), and 2 taken off: with v ** 2 / (n - 1), three seeds of a method differ from three
others of it in 3.5 % of tests at 5 %, so in 5.0 %. The two arms of an interval may differ in length as percentiles do,
since each has the variance that its percentile stands for (Zou and Donner, Statistics in Medicine 27, 2008).
Letters: S seeds, R resamples.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

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
            patients alone, with the interval of ``ecgmm.evaluation.comparison.paired_difference``.
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
    kept = {name: replicates.resampled[name] for name in (key, CHANCE_OF + key) if name in replicates.resampled}
    resampled = {name: values.mean(axis=0) for name, values in kept.items()}
    mean = estimate_of(key, float(replicates.by_seed[key].mean()), resampled)
    if replicates.n_seeds == 1:
        return mean
    spread = _spread(key, resampled[key], [replicates])
    lowest, highest = range_of(key)
    low = mean.value - spread.reach(mean.value - mean.low)
    high = mean.value + spread.reach(mean.high - mean.value)
    return Estimate(mean.value, max(low, lowest), min(high, highest))


def replicated_difference_of(key: str, first: Replicates, second: Replicates) -> Difference:
    """A metric's mean of one method minus that of another, with a two-sided p-value against 0.

    The p-value is that of Student's t (of the normal distribution, where patients alone are covered) with the variance
    of the arm towards 0: below 0.05 exactly where the interval leaves out 0, and not bounded by the number of
    resamples, which a correction for many comparisons would multiply.
    """
    sides = (first, second)
    one, other = (replicates.resampled[key].mean(axis=0) for replicates in sides)
    mean = difference_of(float(first.by_seed[key].mean()), float(second.by_seed[key].mean()), one, other)
    is_covered = all(replicates.n_seeds > 1 for replicates in sides)
    return _widened(mean, _spread(key, one - other, sides) if is_covered else _Spread(1.0, 0.0, 0.0))


def within_seed_difference(key: str, first: Replicates, second: Replicates, units: tuple[int, int]) -> Difference:
    """A metric's mean on some records minus that on others, of the same trained models.

    Unlike two methods, seed 1 of one side is seed 1 of the other: the gap of each seed is one number, and its spread
    over seeds is that of the gap. Both sides come from the same resamples of patients.

    A dozen patients who are all right by chance vary in no resample, and would differ significantly from others. So
    the arms of the interval are those of percentiles, or longer where the variance would be larger if a patient varied
    as much on either side (Student's pooled variance; that of resamples is Welch's). And either variance is only as
    sure as its patients are many, who give it their degrees of freedom.

    Args:
        key: Of the metric.
        first: Measured on some records.
        second: Measured on others.
        units: Patients that the metric of either side rests on; of a rate or an area those of the rarer kind.
    """
    sides = (first, second)
    values = first.by_seed[key] - second.by_seed[key]
    resampled = first.resampled[key] - second.resampled[key]
    of_mean = resampled.mean(axis=0)
    difference = difference_of(float(values.mean()), 0.0, of_mean, np.zeros_like(of_mean))
    gaps = Replicates({key: values}, {key: resampled})
    spread = _spread(key, of_mean, [gaps]) if gaps.n_seeds > 1 else _Spread(1.0, 0.0, 0.0)
    variances = np.array([np.nanvar(side.resampled[key].mean(axis=0)) for side in sides])
    n = np.array(units)
    pooled = (variances * n**2).sum() / n.sum() * (1 / n).sum()
    longer = math.sqrt(max(1.0, pooled / variances.sum())) if variances.any() else 1.0
    sureness = variances.sum() ** 2 / (variances**2 / (n + 1)).sum() if variances.any() else math.inf
    return _widened(difference, replace(spread, of_patients=float(sureness)), longer)


def _widened(mean: Difference, spread: "_Spread", longer: float = 1.0) -> Difference:
    """A difference over patients alone as one that covers more, its arms longer before by a factor."""
    below, above = longer * (mean.value - mean.low), longer * (mean.high - mean.value)
    p_value = spread.p_value(mean.value, below if mean.value > 0 else above)
    low, high = mean.value - spread.reach(below), mean.value + spread.reach(above)
    return Difference(mean.value, low, high, mean.p_value if p_value is None else p_value)


@dataclass(frozen=True)
class _Spread:
    """How an interval over patients becomes one over patients and retraining.

    Attributes:
        common: Part of the patients' variance that all seeds have in common, in [0, 1]; the rest is in ``of_seeds``.
        of_seeds: Variance of the mean by retraining, on these patients; the sum of both methods' in a difference.
        doubt: Sum of ``of_seeds ** 2 / (n + 1)`` over methods, for the degrees of freedom.
        of_patients: Degrees of freedom of the patients' variance, and 2; infinite where patients are taken to be many.
    """

    common: float
    of_seeds: float
    doubt: float
    of_patients: float = math.inf

    def reach(self, arm: float) -> float:
        """Length of an arm of the new interval, for its length over patients."""
        variance, degrees = self._of(arm)
        return float(t.ppf(_UPPER, degrees)) * math.sqrt(variance)

    def p_value(self, difference: float, arm: float) -> float | None:
        """Two-sided, for the arm towards 0; None where nothing varies."""
        variance, degrees = self._of(arm)
        return float(2 * t.sf(abs(difference) / math.sqrt(variance), degrees)) if variance > 0 else None

    def _of(self, arm: float) -> tuple[float, float]:
        by_patients = self.common * (arm / norm.ppf(_UPPER)) ** 2
        variance, doubt = by_patients + self.of_seeds, self.doubt + by_patients**2 / self.of_patients
        return variance, variance**2 / doubt - 2 if doubt else math.inf


def _spread(key: str, of_mean: Floats, sides: Sequence[Replicates]) -> _Spread:
    """Components of variance of what was resampled as ``of_mean [R]``: a mean over seeds, or a difference of two."""
    between = [float(one.by_seed[key].var(ddof=1)) / one.n_seeds for one in sides]
    in_all = float(of_mean[np.isfinite(of_mean)].var()) if np.isfinite(of_mean).any() else 0.0
    interaction = sum(_interaction(one.resampled[key]) for one in sides)
    return _Spread(
        common=max(0.0, 1 - interaction / in_all) if in_all else 1.0,
        of_seeds=sum(between),
        doubt=sum(one**2 / (side.n_seeds + 1) for one, side in zip(between, sides, strict=True)),
    )


def _interaction(resampled: Floats) -> float:
    """Variance of a mean over seeds by what other patients change in one seed and not in another."""
    defined = resampled[:, np.isfinite(resampled).all(axis=0)]
    if not defined.size:
        return 0.0
    of_one, of_mean = defined.var(axis=1).mean(), defined.mean(axis=0).var()
    return float((of_one - of_mean) / (len(resampled) - 1))
