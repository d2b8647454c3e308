"""Comparison of methods: paired differences, correction for many comparisons, and DeLong's test.

The paired patient bootstrap is what tables report: it works for every metric and respects that records of one patient
hang together. DeLong's test knows only the area under the ROC curve and takes all records as independent; it needs no
resampling and serves as a cross-check.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from ecgmm.evaluation.bootstrap import bootstrap, interval_around, point_values
from ecgmm.evaluation.metrics import Scorer
from ecgmm.evaluation.ranking import Floats


@dataclass(frozen=True)
class Difference:
    """First minus second on the same records; ``p_value`` is two-sided, against a difference of 0."""

    value: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class DeLong:
    """Two correlated areas under the ROC curve.

    Attributes:
        first: Area of the first score.
        second: Area of the second score.
        covariance: ``[2, 2]``, of the two areas.
        z: Their difference in standard errors of the difference.
        p_value: Two-sided, from the normal distribution.
    """

    first: float
    second: float
    covariance: Floats
    z: float
    p_value: float


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
    return Difference(first - second, *interval_around(first - second, differences), p_value)


def holm(p_values: Sequence[float]) -> Floats:
    """Step-down adjusted p-values (Holm, Scandinavian Journal of Statistics 6, 1979).

    The smallest of m is multiplied by m, the next by m - 1 and so on, never below the one before and at most 1.
    Calling significant what stays below a level keeps the chance of any false call among the m below that level,
    however the tests depend on each other.

    Args:
        p_values: m p-values in any order.

    Returns:
        ``[m]`` in the same order.
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    adjusted = np.empty_like(values)
    adjusted[order] = np.maximum.accumulate(np.minimum(values[order] * np.arange(len(values), 0, -1), 1.0))
    return adjusted


def delong(positive: NDArray[np.bool_], first: NDArray[np.floating], second: NDArray[np.floating]) -> DeLong:
    """Compare the areas under two ROC curves of the same records.

    E. DeLong, D. DeLong and Clarke-Pearson, Biometrics 44 (1988), by the mid-ranks of Sun and Xu, IEEE Signal
    Processing Letters 21 (2014): n log n instead of a comparison of every positive with every negative.

    Args:
        positive: bool ``[n]``, at least two records of either kind.
        first: ``[n]``, score of one method; higher means more likely positive.
        second: ``[n]``, score of the other.
    """
    parts = [_placements(positive, score) for score in (first, second)]
    won = np.stack([of_positives for of_positives, _ in parts])
    lost = np.stack([of_negatives for _, of_negatives in parts])
    areas = won.mean(axis=1)
    covariance = np.cov(won) / won.shape[1] + np.cov(lost) / lost.shape[1]
    variance = max(0.0, float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]))
    difference = float(areas[0] - areas[1])
    z = 0.0 if difference == 0 else difference / math.sqrt(variance)
    return DeLong(float(areas[0]), float(areas[1]), covariance, z, math.erfc(abs(z) / math.sqrt(2)))


def _placements(positive: NDArray[np.bool_], score: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """Share of negatives below each positive, and of positives above each negative; a tie counts one half."""
    ranks, n_positives = rankdata(score), int(positive.sum())
    n_negatives = len(score) - n_positives
    below_positives = (ranks[positive] - rankdata(score[positive])) / n_negatives
    below_negatives = (ranks[~positive] - rankdata(score[~positive])) / n_positives
    return below_positives, 1 - below_negatives
