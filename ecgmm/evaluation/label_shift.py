"""Label shift: classes occur at another rate than in training, and look as they did. Rates are found without labels.

Probabilities must be calibrated for the place where ``source_prior`` holds (``ecgmm.evaluation.scaling``): of an
overconfident model the rates come out too extreme (Alexandari, Kundaje and Shrikumar, Maximum Likelihood with
Bias-Corrected Calibration is Hard-To-Beat at Label Shift Adaptation, ICML 2020).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgmm.evaluation.metrics import TaskKind
from ecgmm.evaluation.ranking import Floats

_MOST_STEPS, _STILL = 10_000, 1e-9


def prior_of(labels: NDArray[Any], n_classes: int, task: TaskKind) -> Floats:
    """Share of the records that have each class ``[K]``: those of a single-label task sum to 1.

    Args:
        labels: Class numbers ``[n]``, or for multi-label ``[n, K]`` in [0, 1]; positive from one half on.
        n_classes: K.
        task: ``single_label`` or ``multi_label``.
    """
    truth = labels[:, None] == np.arange(n_classes) if task == "single_label" else labels >= 0.5
    return np.asarray(truth.mean(axis=0))


def em_prior(probabilities: NDArray[np.floating], source_prior: Floats, task: TaskKind) -> Floats:
    """Estimate how often each class occurs among unlabelled records ``[K]``, by expectation maximisation.

    Saerens, Latinne and Decaestecker, Adjusting the Outputs of a Classifier to New a Priori Probabilities, Neural
    Computation 14, 2002, equation 2.9. For multi-label each class is a task of its own, yes against no. A class that
    the source does not have stays at 0.

    Args:
        probabilities: ``[n, K]`` under the source's prior.
        source_prior: ``[K]``, see ``prior_of``.
        task: ``single_label`` or ``multi_label``.
    """
    prior = source_prior
    for _ in range(_MOST_STEPS):
        adapted = with_prior(probabilities, source_prior, prior, task).mean(axis=0)
        moved = np.abs(adapted - prior).max()
        prior = adapted
        if moved < _STILL:
            break
    return prior


def with_prior(
    probabilities: NDArray[np.floating], source_prior: Floats, target_prior: Floats, task: TaskKind
) -> Floats:
    """Bring probabilities ``[n, K]`` from one prior to another (equation 2.4 of the same)."""
    yes = probabilities * _ratio(target_prior, source_prior)
    if task == "single_label":
        return np.asarray(yes / np.maximum(yes.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny))
    no = (1 - probabilities) * _ratio(1 - target_prior, 1 - source_prior)
    return np.asarray(yes / np.maximum(yes + no, np.finfo(np.float64).tiny))


def _ratio(target: Floats, source: Floats) -> Floats:
    return np.divide(target, source, out=np.zeros_like(source), where=source > 0)
