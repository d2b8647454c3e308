"""Net benefit of deciding by a probability, against treating everybody and nobody.

Who treats from a probability p on takes (1 - p) / p false alarms for one case found. So the net benefit in cases per
record is TP / n - FP / n * p / (1 - p); treating nobody has 0 (Vickers and Elkin, Medical Decision Making 26, 2006).
dcurves has the same formula behind two libraries for survival and regression, and no patients.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecgmm.evaluation.metrics import Scorer
from ecgmm.evaluation.ranking import Floats, ratio

MODEL, ALL, GAIN = "model", "all", "gain"


def net_benefit_scorer(
    positive: NDArray[np.bool_], probability: NDArray[np.floating], thresholds: Sequence[float]
) -> Scorer:
    """Scorer of decision curves.

    Args:
        positive: ``[n]``.
        probability: ``[n]``, calibrated.
        thresholds: Probabilities in (0, 1) from which on one would treat.

    Returns:
        Scorer of ``model/<p>``, ``all/<p>``, and ``gain/<p>``: the model minus the better of treating all and nobody,
        which one that is being decided with each record counted once.
    """
    odds = np.array([p / (1 - p) for p in thresholds])[:, None]
    of_all = np.where(positive, 1.0, -odds)
    of_model = of_all * (probability >= np.asarray(thresholds)[:, None])
    better = np.where(of_all.mean(axis=1, keepdims=True) > 0, of_all, 0.0)
    names = [f"{what}/{p:.2f}" for what in (MODEL, ALL, GAIN) for p in thresholds]
    benefits = np.concatenate([of_model, of_all, of_model - better])

    def score(weights: Floats) -> dict[str, Floats]:
        means = ratio(benefits @ weights, np.broadcast_to(weights.sum(axis=0), (len(names), weights.shape[1])), np.nan)
        return dict(zip(names, means, strict=True))

    return score
