"""Operating points: the threshold that reaches a sensitivity or a specificity on validation, and what it does after."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecgmm.evaluation.metrics import Scorer
from ecgmm.evaluation.ranking import Floats, ratio


def threshold_at_specificity(
    positive: NDArray[np.bool_], probability: NDArray[np.floating], least: float
) -> float | None:
    """Lowest threshold from which on alarms leave out a share of the negative records; None without a negative.

    It lies half-way between two probabilities that occur (1 above the highest), so that rounding moves no record.

    Args:
        positive: Of validation ``[n]``.
        probability: ``[n]``.
        least: Specificity to reach, such as 0.9.
    """
    negatives = np.sort(probability[~positive])
    if not len(negatives):
        return None
    highest_left_out = negatives[_needed(least, len(negatives)) - 1]
    above = probability[probability > highest_left_out]
    return float((highest_left_out + (above.min() if len(above) else 1.0)) / 2) if highest_left_out < 1 else np.inf


def threshold_at_sensitivity(
    positive: NDArray[np.bool_], probability: NDArray[np.floating], least: float
) -> float | None:
    """Highest threshold with which alarms still find a share of the positive records; None without a positive.

    Args:
        positive: Of validation ``[n]``.
        probability: ``[n]``.
        least: Sensitivity to reach, such as 0.9.
    """
    positives = np.sort(probability[positive])[::-1]
    if not len(positives):
        return None
    lowest_found = positives[_needed(least, len(positives)) - 1]
    below = probability[probability < lowest_found]
    return float((lowest_found + (below.max() if len(below) else 0.0)) / 2)


def operating_scorer(
    positive: NDArray[np.bool_], probability: NDArray[np.floating], thresholds: dict[str, float]
) -> Scorer:
    """Scorer of ``sensitivity/<name>`` and ``specificity/<name>`` at fixed thresholds.

    Args:
        positive: Of the test records ``[n]``.
        probability: ``[n]``.
        thresholds: By name of the point; an alarm is a probability that reaches it.
    """
    called = probability >= np.array(list(thresholds.values()))[:, None]

    def score(weights: Floats) -> dict[str, Floats]:
        sensitivity = _share(called, weights, positive)
        specificity = _share(~called, weights, ~positive)
        return {
            f"{rate}/{name}": values[place]
            for rate, values in (("sensitivity", sensitivity), ("specificity", specificity))
            for place, name in enumerate(thresholds)
        }

    return score


def _needed(least: float, n: int) -> int:
    return max(1, int(np.ceil(least * n - 1e-9)))  # 0.9 of 10 records are 9


def _share(right: NDArray[np.bool_], weights: Floats, chosen: NDArray[np.bool_]) -> Floats:
    of_chosen = weights[chosen]
    total: Sequence[float] | Floats = of_chosen.sum(axis=0)
    return ratio(right[:, chosen] @ of_chosen, np.broadcast_to(total, (len(right), of_chosen.shape[1])), np.nan)
