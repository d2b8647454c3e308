"""Calibration with one bias for each class, and a slope that they share or that each has."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit, log_softmax, logit, softmax

from ecgmm.evaluation.metrics import TaskKind
from ecgmm.evaluation.ranking import Floats

ScalingKind = Literal["bias_corrected_temperature", "vector"]
_LEAST = float(np.finfo(np.float32).epsneg)
"""Predictions are saved as float32, see ``ecgmm.evaluation.calibration``."""
_SLOPES, _BIASES = (0.05, 20.0), (-10.0, 10.0)
"""Ranges of what is fitted, so that a class without a mistake does not run to infinity."""


@dataclass(frozen=True)
class Scaling:
    """Logits are multiplied by ``slopes`` and shifted by ``biases``, ``[K]`` each."""

    slopes: Floats
    biases: Floats

    def apply(self, probabilities: NDArray[np.floating], task: TaskKind) -> Floats:
        """Scaled probabilities ``[n, K]``."""
        scaled = self.slopes * _logits(probabilities, task) + self.biases
        return np.asarray(softmax(scaled, axis=1) if task == "single_label" else expit(scaled))


def fit_scaling(
    labels: NDArray[Any], probabilities: NDArray[np.floating], task: TaskKind, kind: ScalingKind
) -> Scaling:
    """Take the scaling with the highest likelihood.

    ``bias_corrected_temperature`` has one slope and a bias for each class (Alexandari et al. 2020), ``vector`` a slope
    for each class too (Guo et al. 2017); for multi-label the latter is Platt's scaling of each class.

    Args:
        labels: Class numbers ``[n]``, or for multi-label ``[n, K]`` in [0, 1]; positive from one half on.
        probabilities: ``[n, K]``.
        task: ``single_label`` or ``multi_label``.
        kind: Which.
    """
    n, n_classes = probabilities.shape
    logits = _logits(probabilities, task)
    truth = (labels[:, None] == np.arange(n_classes) if task == "single_label" else labels >= 0.5).astype(np.float64)
    n_slopes = n_classes if kind == "vector" else 1

    def loss(values: Floats) -> tuple[float, Floats]:
        slopes, biases = values[:n_slopes], values[n_slopes:]
        scaled = slopes * logits + biases
        if task == "single_label":
            log_likelihood, found = (truth * log_softmax(scaled, axis=1)).sum(), softmax(scaled, axis=1)
        else:
            log_likelihood = (truth * log_expit(scaled) + (1 - truth) * log_expit(-scaled)).sum()
            found = expit(scaled)
        gap = (found - truth) / n
        of_slopes = (gap * logits).sum(axis=0)
        gradient = np.concatenate([of_slopes if n_slopes > 1 else [of_slopes.sum()], gap.sum(axis=0)])
        return -log_likelihood / n, gradient

    start = np.concatenate([np.ones(n_slopes), np.zeros(n_classes)])
    bounds = [_SLOPES] * n_slopes + [_BIASES] * n_classes
    fitted = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    return Scaling(np.broadcast_to(fitted[:n_slopes], n_classes).copy(), fitted[n_slopes:])


def _logits(probabilities: NDArray[np.floating], task: TaskKind) -> Floats:
    clipped = np.clip(probabilities.astype(np.float64), _LEAST, 1 - _LEAST)
    return np.asarray(np.log(clipped) if task == "single_label" else logit(clipped))
