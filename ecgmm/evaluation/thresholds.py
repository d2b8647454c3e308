"""Decision thresholds of a multi-label task, chosen on the validation split only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgmm.evaluation.ranking import Floats

DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True)
class Thresholds:
    """Thresholds ``values [K]``, and ``defaulted [K]``: the class had no positive record, so it got one half."""

    values: Floats
    defaulted: NDArray[np.bool_]


def choose_thresholds(labels: NDArray[np.floating], probabilities: NDArray[np.floating]) -> Thresholds:
    """Take for each class the threshold with the highest F1 on these records.

    A threshold lies half-way between the lowest probability that it calls and the next lower one (0 below the
    lowest), so that rounding of either cannot move a record across it. Among equal F1 the highest threshold wins:
    the fewest alarms for the same score.

    Args:
        labels: Of the validation split, ``[n, K]`` in [0, 1]; positive from one half on.
        probabilities: ``[n, K]``.
    """
    positive = labels >= 0.5
    defaulted = np.asarray(~positive.any(axis=0))
    values = np.full(positive.shape[1], DEFAULT_THRESHOLD)
    for k in np.flatnonzero(~defaulted):
        values[k] = _best_f1_threshold(positive[:, k], probabilities[:, k].astype(np.float64))
    return Thresholds(values, defaulted)


def _best_f1_threshold(positive: NDArray[np.bool_], score: Floats) -> float:
    order = np.argsort(-score)
    score, positive = score[order], positive[order]
    last_of_tie = np.diff(score, append=-np.inf) != 0
    called = np.arange(1, len(score) + 1)[last_of_tie]
    f1 = 2 * np.cumsum(positive)[last_of_tie] / (called + positive.sum())
    distinct = np.append(score[last_of_tie], 0.0)
    best = int(f1.argmax())  # the first of equals is the highest threshold
    return float((distinct[best] + distinct[best + 1]) / 2)
