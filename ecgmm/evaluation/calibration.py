"""Do probabilities mean what they say: calibration error, Brier score, likelihood, and temperature scaling.

Of the records that a calibrated method is 80 % sure of, it is right on eight in ten. Scorers have the form of
``ecgmm.evaluation.metrics``: weights ``[n, R]`` in, values ``[R]`` out. Letters: n records, K classes, R weightings.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_array, vstack
from scipy.special import expit, logit, softmax

from ecgmm.evaluation.metrics import Scorer, TaskKind, scored_classes
from ecgmm.evaluation.ranking import Floats, ratio

CALIBRATION_METRICS = ("ece", "brier", "nll")
BIASED_UPWARD = ("ece", "ece_calibrated")
"""A distance cannot be negative, so chance in every bin adds to the error instead of cancelling."""
N_BINS = 15
EDGES = np.linspace(0, 1, N_BINS + 1)
"""Of the bins of confidence; an edge belongs to the bin below it."""
_LEAST = float(np.finfo(np.float32).epsneg)
"""6e-8. Predictions are saved as float32, which has no number between 1 - 6e-8 and 1: none is taken to be surer than
that, so that a wrong prediction of exactly 0 or 1 has a finite logit and likelihood."""
_LOG_TEMPERATURES = (-3.0, 3.0)  # from 0.05 to 20


@dataclass(frozen=True)
class ReliabilityCurve:
    """Predictions binned by confidence (see ``EDGES``); means are NaN in an empty bin.

    Attributes:
        confidence: ``[15]``, mean confidence.
        correct: ``[15]``, share that was right.
        count: ``[15]``, number of predictions.
    """

    confidence: Floats
    correct: Floats
    count: NDArray[np.int64]


def calibration_scorer(
    labels: NDArray[Any], probabilities: NDArray[np.floating], task: TaskKind, suffix: str = ""
) -> Scorer:
    """Scorer of ``ece``, ``brier`` and ``nll``.

    - ECE: expected calibration error, the distance of confidence from share correct in each bin, weighted by the
      bin's records (Guo et al., On Calibration of Modern Neural Networks, ICML 2017). Confidence is the highest
      probability; for multi-label each class has an error of its own and this is their mean.
    - Brier: squared distance of the probabilities from the truth (Brier, Monthly Weather Review 78, 1950), summed
      over classes, so in [0, 2]; for multi-label the mean over classes, so in [0, 1].
    - NLL: negative log likelihood in nats; for multi-label the mean over classes.

    Means over classes leave out a class that is not there, as all macro means do.

    Args:
        labels: Class numbers ``[n]``, or for multi-label ``[n, K]`` in [0, 1]; positive from one half on.
        probabilities: ``[n, K]``.
        task: ``single_label`` or ``multi_label``.
        suffix: Put behind every key.
    """
    truth = _truth(labels, probabilities, task)
    confidence, correct = _confidence_and_correct(truth, probabilities, task)
    distance = (probabilities.astype(np.float64) - truth) ** 2
    loss = _negative_log_likelihood(truth, probabilities, task)
    share = 1.0
    if task == "multi_label":
        there = scored_classes(truth)
        confidence, correct, distance, loss = (one[:, there] for one in (confidence, correct, distance, loss))
        share = 1 / int(there.sum()) if there.any() else np.nan
    gaps = _gaps_by_bin(confidence, correct)
    sums_of = vstack([gaps, csr_array(np.stack([distance.sum(axis=1), loss.sum(axis=1)]))], format="csr")

    def score(weights: Floats) -> dict[str, Floats]:
        sums, total = sums_of @ weights, weights.sum(axis=0)
        parts = (np.abs(sums[:-2]).sum(axis=0), sums[-2], sums[-1])
        return {
            f"{key}{suffix}": share * ratio(part, total, np.nan)
            for key, part in zip(CALIBRATION_METRICS, parts, strict=True)
        }

    return score


def reliability_curve(labels: NDArray[Any], probabilities: NDArray[np.floating], task: TaskKind) -> ReliabilityCurve:
    """Confidence against share correct, bin by bin.

    Args:
        labels: Class numbers ``[n]``, or for multi-label ``[n, K]`` in [0, 1].
        probabilities: ``[n, K]``.
        task: For ``single_label`` a prediction is a record, its confidence the highest probability. For
            ``multi_label`` it is a yes/no decision, its confidence the probability of yes, and all classes are pooled.
    """
    confidence, correct = (
        one.ravel() for one in _confidence_and_correct(_truth(labels, probabilities, task), probabilities, task)
    )
    of_bin = _bins(confidence)

    def per_bin(values: Floats | None = None) -> Any:
        return np.bincount(of_bin, weights=values, minlength=N_BINS)

    count = per_bin()
    return ReliabilityCurve(ratio(per_bin(confidence), count, np.nan), ratio(per_bin(correct), count, np.nan), count)


def fit_temperature(labels: NDArray[Any], probabilities: NDArray[np.floating], task: TaskKind) -> float:
    """Take the one temperature T > 0 with the highest likelihood when all logits are divided by it (Guo et al. 2017).

    T > 1 means that the method was too sure of itself. A record's classes stay in their order.

    Fitted on the validation split: on the test split T would be chosen by the very labels that calibration is then
    measured on, and the error after it would come out too small. On the training split the method is surer than on
    new patients, so T would be too small.

    Args:
        labels: Of the validation split, class numbers ``[n]``, or for multi-label ``[n, K]`` in [0, 1].
        probabilities: ``[n, K]``.
        task: ``single_label`` (logits are log p) or ``multi_label`` (logits are log p / (1 - p)).

    Returns:
        T in [0.05, 20]; 1 where no other does better.
    """
    truth = _truth(labels, probabilities, task)

    def loss(log_temperature: float) -> float:
        scaled = apply_temperature(probabilities, np.exp(log_temperature), task)
        return float(_negative_log_likelihood(truth, scaled, task).mean())

    found = minimize_scalar(loss, bounds=_LOG_TEMPERATURES, method="bounded")
    gains = found.fun < loss(0.0) - 1e-9  # rounding alone tells temperatures of equal probabilities apart
    return float(np.exp(found.x)) if gains else 1.0


def apply_temperature(probabilities: NDArray[np.floating], temperature: float, task: TaskKind) -> Floats:
    """Probabilities ``[n, K]`` with their logits divided by ``temperature``."""
    clipped = _clipped(probabilities)
    scaled = (
        softmax(np.log(clipped) / temperature, axis=1)
        if task == "single_label"
        else expit(logit(clipped) / temperature)
    )
    return np.asarray(scaled)


def _truth(labels: NDArray[Any], probabilities: NDArray[np.floating], task: TaskKind) -> NDArray[np.bool_]:
    if task == "single_label":
        return np.asarray(labels[:, None] == np.arange(probabilities.shape[1]))
    return np.asarray(labels >= 0.5)


def _confidence_and_correct(
    truth: NDArray[np.bool_], probabilities: NDArray[np.floating], task: TaskKind
) -> tuple[Floats, Floats]:
    """Both ``[n, 1]`` for the highest class of each record, or ``[n, K]`` for each decision of a multi-label task."""
    if task == "multi_label":
        return probabilities.astype(np.float64), truth.astype(np.float64)
    highest = probabilities.argmax(axis=1)[:, None]
    return (
        np.take_along_axis(probabilities, highest, axis=1).astype(np.float64),
        np.take_along_axis(truth, highest, axis=1).astype(np.float64),
    )


def _negative_log_likelihood(truth: NDArray[np.bool_], probabilities: NDArray[np.floating], task: TaskKind) -> Floats:
    """``[n, 1]`` for class numbers, ``[n, K]`` for yes/no decisions."""
    clipped = _clipped(probabilities)
    if task == "single_label":
        return -np.log(clipped[truth])[:, None]
    return -np.log(np.where(truth, clipped, 1 - clipped))


def _clipped(probabilities: NDArray[np.floating]) -> Floats:
    return np.clip(probabilities.astype(np.float64), _LEAST, 1 - _LEAST)


def _bins(confidence: Floats) -> NDArray[np.int64]:
    return np.searchsorted(EDGES[1:-1], confidence)


def _gaps_by_bin(confidence: Floats, correct: Floats) -> csr_array:
    """Confidence minus correct, gathered by column and bin: ``[15 * columns, n]``."""
    n, n_columns = confidence.shape
    rows = N_BINS * np.arange(n_columns) + _bins(confidence)
    records = np.repeat(np.arange(n), n_columns)
    gaps = (confidence - correct).ravel()
    return csr_array((gaps, (rows.ravel(), records)), shape=(N_BINS * n_columns, n))
