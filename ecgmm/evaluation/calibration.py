"""Calibration of probabilities: calibration error, Brier score, likelihood, and temperature scaling.

Of the records that a calibrated method is 80 % sure of, it is right on eight in ten. Scorers have the form of
``ecgmm.evaluation.metrics``: weights ``[n, R]`` in, values ``[R]`` out. Letters: n records, K classes, R weightings.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_array
from scipy.special import expit, logit, softmax

from ecgmm.evaluation.metrics import Scorer, TaskKind, scored_classes
from ecgmm.evaluation.ranking import Floats, ratio

CALIBRATION_METRICS = ("ece", "classwise_ece", "brier", "nll")
RAISED_BY_CHANCE = ("ece", "ece_calibrated", "classwise_ece", "classwise_ece_calibrated")
"""A distance cannot be negative, so chance in every bin adds to the error instead of cancelling."""
CHANCE_OF = "chance of "
"""Put before the key of such an error: what its interval needs to know (``error_interval``); no metric itself."""
SHARES_OF_GAPS = np.linspace(0, 1, 11)
"""Parts of the measured gaps that are tried as the true ones."""
N_BINS = 15
EDGES = np.linspace(0, 1, N_BINS + 1)
"""Of the bins of confidence; an edge belongs to the bin below it."""
LEAST = float(np.finfo(np.float32).epsneg)
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
    labels: NDArray[Any],
    probabilities: NDArray[np.floating],
    task: TaskKind,
    suffix: str = "",
    with_chance: bool = False,
) -> Scorer:
    """Scorer of ``ece``, ``classwise_ece``, ``brier`` and ``nll``.

    - ECE: expected calibration error, the distance of confidence from share correct in each bin, weighted by the
      bin's records (Guo et al., On Calibration of Modern Neural Networks, ICML 2017). Confidence is the highest
      probability; for multi-label each class has an error of its own and this is their mean.
    - Class-wise ECE: each class's own probability in the same bins against how often the class was there, mean over
      classes (Kull et al., Beyond Temperature Scaling, NeurIPS 2019; the static error of Nixon et al., Measuring
      Calibration in Deep Learning, 2019). For multi-label that is what ECE is.
    - Brier: squared distance of the probabilities from the truth (Brier, Monthly Weather Review 78, 1950), summed
      over classes, so in [0, 2]; for multi-label the mean over classes, so in [0, 1].
    - NLL: negative log likelihood in nats; for multi-label the mean over classes.

    Means over classes leave out a class that is not there, as all macro means do.

    Args:
        labels: Class numbers ``[n]``, or for multi-label ``[n, K]`` in [0, 1]; positive from one half on.
        probabilities: ``[n, K]``.
        task: ``single_label`` or ``multi_label``.
        suffix: Put behind every key.
        with_chance: Whether ``chance of ece`` is there too, without which ``ece`` has no interval, and that of
            ``classwise_ece``.
    """
    truth = _truth(labels, probabilities, task)
    distance = (probabilities.astype(np.float64) - truth) ** 2
    loss = _negative_log_likelihood(truth, probabilities, task)
    there = scored_classes(truth)
    of_class = 1 / int(there.sum()) if there.any() else np.nan
    by_class = _gaps_by_bin(probabilities[:, there].astype(np.float64), truth[:, there].astype(np.float64))
    if task == "multi_label":
        distance, loss, share = distance[:, there], loss[:, there], of_class
        errors: dict[tuple[str, ...], tuple[csr_array, float]] = {("ece", "classwise_ece"): (by_class, of_class)}
    else:
        gaps, share = _gaps_by_bin(*_confidence_and_correct(truth, probabilities, task)), 1.0
        errors = {("ece",): (gaps, share), ("classwise_ece",): (by_class, of_class)}
    penalties = np.stack([distance.sum(axis=1), loss.sum(axis=1)])

    def score(weights: Floats) -> dict[str, Floats]:
        total = weights.sum(axis=0)
        values: dict[str, Floats] = {}
        for keys, (gaps, mean) in errors.items():
            sums, measured = gaps @ weights, gaps.sum(axis=1)[:, None] / len(truth)
            error = mean * ratio(np.abs(sums).sum(axis=0), total, np.nan)
            values |= {f"{key}{suffix}": error for key in keys}
            if with_chance:
                chance = mean * _chance(measured, sums / total)
                values |= {f"{CHANCE_OF}{key}{suffix}": chance for key in keys}
        brier, nll = penalties @ weights
        return values | {
            f"brier{suffix}": share * ratio(brier, total, np.nan),
            f"nll{suffix}": share * ratio(nll, total, np.nan),
        }

    return score


def _chance(measured: Floats, gaps: Floats) -> Floats:
    """Error in each weighting if only a part of the measured gaps were true.

    Args:
        measured: ``[bins, 1]``, gap of each bin with every record counted once.
        gaps: ``[bins, R]``, in each weighting; its distance from ``measured`` is chance.

    Returns:
        ``[12, R]``: the error for each of ``SHARES_OF_GAPS``, and last the change of the error to first order, in which
        chance cancels between bins instead of adding up.
    """
    chance = gaps - measured
    errors = [np.abs(part * measured + chance).sum(axis=0) for part in SHARES_OF_GAPS]
    return np.stack([*errors, (np.sign(measured) * chance).sum(axis=0)])


def error_interval(value: float, chance: Floats, confidence: float) -> tuple[float, float]:
    """Interval of a calibration error, which chance raises: a distance cannot be negative, so bins do not cancel.

    The usual percentiles would hold the true error of a well calibrated method hardly ever: its measured error is too
    high by some bias, and its resamples, which add the same chance once more, by twice that. So the lower bound asks
    which errors could have led to this one (a test turned round; Davison and Hinkley 1997, chapter 5): the smallest
    part of the measured gaps with which chance still reaches the measured error. The upper bound does not count on the
    bias, which never makes an error too low. Both bounds lie on their own side of the value.

    Args:
        value: The error, with each record counted once.
        chance: ``[12, R]``, see ``calibration_scorer``.
        confidence: Such as 0.95.

    Returns:
        Bounds; NaN where no resample is defined.
    """
    chance = chance[:, np.isfinite(chance).all(axis=0)]
    if not chance.shape[1]:
        return np.nan, np.nan
    reached = np.maximum.accumulate(np.quantile(chance[:-1], (1 + confidence) / 2, axis=1))
    low = value * float(np.interp(value, reached, SHARES_OF_GAPS))
    return low, min(1.0, value + max(0.0, -float(np.quantile(chance[-1], (1 - confidence) / 2))))


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

    fitted = minimize_scalar(loss, bounds=_LOG_TEMPERATURES, method="bounded")
    gains = fitted.fun < loss(0.0) - 1e-9  # rounding alone tells temperatures of equal probabilities apart
    return float(np.exp(fitted.x)) if gains else 1.0


def apply_temperature(probabilities: NDArray[np.floating], temperature: float, task: TaskKind) -> Floats:
    """Probabilities ``[n, K]`` with their logits divided by ``temperature``."""
    clipped = bounded(probabilities)
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
    clipped = bounded(probabilities)
    if task == "single_label":
        return -np.log(clipped[truth])[:, None]
    return -np.log(np.where(truth, clipped, 1 - clipped))


def bounded(probabilities: NDArray[np.floating]) -> Floats:
    """Probabilities none of which is surer than a saved one can be (``LEAST``)."""
    return np.clip(probabilities.astype(np.float64), LEAST, 1 - LEAST)


def _bins(confidence: Floats) -> NDArray[np.int64]:
    return np.searchsorted(EDGES[1:-1], confidence)


def _gaps_by_bin(confidence: Floats, correct: Floats) -> csr_array:
    """Confidence minus correct, gathered by column and bin: ``[15 * columns, n]``."""
    n, n_columns = confidence.shape
    rows = N_BINS * np.arange(n_columns) + _bins(confidence)
    records = np.repeat(np.arange(n), n_columns)
    gaps = (confidence - correct).ravel()
    return csr_array((gaps, (rows.ravel(), records)), shape=(N_BINS * n_columns, n))
