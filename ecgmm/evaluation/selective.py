"""Prediction that may abstain: risk of those that are answered, against the share of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgmm.evaluation.ranking import Floats


def risk_coverage(labels: NDArray[Any], probabilities: NDArray[np.floating]) -> Floats:
    """Share of wrong answers among the k surest records, for k from 1 to n.

    Confidence is the highest probability of a single-label task; of a multi-label task it is the mean over classes of
    how sure each decision at one half is, and the risk the share of wrong decisions.

    Args:
        labels: Class numbers ``[n]``, or ``[n, K]`` in [0, 1].
        probabilities: ``[n, K]``.

    Returns:
        ``[n]``; records of one confidence share the mean of their risks.
    """
    if labels.ndim == 1:
        confidence, wrong = probabilities.max(axis=1), (probabilities.argmax(axis=1) != labels).astype(np.float64)
    else:
        confidence = np.abs(probabilities - 0.5).mean(axis=1)
        wrong = ((probabilities >= 0.5) != (labels >= 0.5)).mean(axis=1)
    levels, group = np.unique(-confidence, return_inverse=True)
    mean = np.bincount(group, weights=wrong, minlength=len(levels)) / np.bincount(group, minlength=len(levels))
    return np.asarray(np.cumsum(mean[np.sort(group)]) / np.arange(1, len(labels) + 1))


def area_under_risk_coverage(labels: NDArray[Any], probabilities: NDArray[np.floating]) -> float:
    """Mean of ``risk_coverage`` over coverages (Geifman, Uziel and El-Yaniv, ICLR 2019): lower is better."""
    return float(risk_coverage(labels, probabilities).mean())
