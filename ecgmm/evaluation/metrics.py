"""The eight metrics of the paper's Table 2, for any number of record weightings at once.

A scorer is made once for a set of predictions and then called with weights ``[n, R]``: all ones for the value itself,
patient counts for bootstrap resamples. The paper does not say how its columns are averaged; docs/understand/metrics.md
says what each key means here. Letters: n records, K classes, R weightings.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ecgmm.evaluation.ranking import Floats, auroc_and_average_precision, rank_segments, ratio

TaskKind: TypeAlias = Literal["single_label", "multi_label"]
Scorer: TypeAlias = Callable[[Floats], dict[str, Floats]]
"""Weights ``[n, R]`` in, metric key to values ``[R]`` out. NaN where a weighting leaves a metric undefined."""

TABLE2_METRICS = {
    "auroc_macro": "AUROC",
    "auprc_macro": "AUPRC",
    "accuracy": "Acc.",
    "f1_macro": "F1",
    "precision_macro": "Prec.",
    "recall_macro": "Recall",
    "specificity_macro": "Spec.",
    "mcc": "MCC",
}
"""Columns of Table 2 by key, with their heads: the paper's, and behind them those that were added here."""
HEADLINE = "auroc_macro"
_RATES = {"sensitivity": "recall_macro"}
"""Names of macro means that are not ``<rate>_macro``."""
NORMAL_CLASS = "NORM"
_SHARES = (
    *TABLE2_METRICS,
    "exact_match",
    "auroc_abnormal",
    "ece",
    "ece_calibrated",
    "classwise_ece",
    "classwise_ece_calibrated",
)
_PER_CLASS = ("auroc", "auprc", "sensitivity", "specificity", "precision", "f1")
_RANGES = dict.fromkeys((*_SHARES, *_PER_CLASS), (0.0, 1.0)) | {"mcc": (-1.0, 1.0)}


def compute_metrics(
    labels: NDArray[Any],
    probabilities: NDArray[np.floating],
    class_names: Sequence[str],
    task: TaskKind,
    thresholds: Floats | None = None,
) -> dict[str, float]:
    """Every metric with each record counted once, without intervals; NaN where undefined.

    Args:
        labels: Class numbers ``[n]``, or for multi-label ``[n, K]`` in [0, 1].
        probabilities: ``[n, K]``.
        class_names: K names.
        task: ``single_label`` or ``multi_label``.
        thresholds: ``[K]`` for multi-label; one half each while none were chosen yet, as during training.
    """
    if task == "multi_label" and thresholds is None:
        thresholds = np.full(len(class_names), 0.5)
    scorer = make_scorer(labels, probabilities, class_names, task, thresholds)
    return {key: float(values[0]) for key, values in scorer(np.ones((len(labels), 1))).items()}


def make_scorer(
    labels: NDArray[Any],
    probabilities: NDArray[np.floating],
    class_names: Sequence[str],
    task: TaskKind,
    thresholds: Floats | None = None,
) -> Scorer:
    """Scorer for either task; ``thresholds [K]`` belong to multi-label and only to it."""
    assert len(labels) == len(probabilities) > 0
    assert probabilities.shape[1] == len(class_names)
    if task == "single_label":
        assert thresholds is None
        return single_label_scorer(labels, probabilities, class_names)
    assert thresholds is not None
    return multi_label_scorer(labels, probabilities, thresholds, class_names)


def single_label_scorer(
    labels: NDArray[np.integer], probabilities: NDArray[np.floating], class_names: Sequence[str]
) -> Scorer:
    """Scorer of a softmax task: the class with the highest probability is the prediction (the first one in a tie).

    Args:
        labels: Class numbers ``[n]``.
        probabilities: ``[n, K]``, finite.
        class_names: K names, used in keys such as ``auroc/NORM``.
    """
    n_classes = len(class_names)
    cells = labels * n_classes + probabilities.argmax(axis=1)
    confusion = csr_array((np.ones(len(cells)), (cells, np.arange(len(cells)))), shape=(n_classes**2, len(cells)))
    positive = labels[:, None] == np.arange(n_classes)
    segments = [rank_segments(positive[:, k], probabilities[:, k]) for k in range(n_classes)]

    def score(weights: Floats) -> dict[str, Floats]:
        matrix = (confusion @ weights).reshape(n_classes, n_classes, -1)  # [true, predicted, R]
        hits = np.einsum("kkr->kr", matrix)
        n_true, n_predicted, total = matrix.sum(axis=1), matrix.sum(axis=0), weights.sum(axis=0)
        per_class = _per_class(hits, n_predicted - hits, n_true - hits, total - n_true - n_predicted + hits)
        per_class |= _areas(segments, weights)
        overall = {"accuracy": ratio(hits.sum(axis=0), total, np.nan), "mcc": _gorodkin_mcc(hits, n_true, n_predicted)}
        return _assemble(per_class, overall, class_names, scored_classes(positive))

    return score


def multi_label_scorer(
    labels: NDArray[np.floating],
    probabilities: NDArray[np.floating],
    thresholds: Floats,
    class_names: Sequence[str],
) -> Scorer:
    """Scorer of a sigmoid task: class k is predicted where its probability reaches ``thresholds[k]``.

    Args:
        labels: ``[n, K]`` in [0, 1]; positive from one half on.
        probabilities: ``[n, K]``, finite.
        thresholds: ``[K]``, chosen on validation.
        class_names: K names.
    """
    positive, predicted = labels >= 0.5, probabilities >= thresholds
    n, n_classes = positive.shape
    cells = 4 * np.arange(n_classes) + 2 * positive + predicted
    records = np.repeat(np.arange(n), n_classes)
    counts = csr_array((np.ones(cells.size), (cells.ravel(), records)), shape=(4 * n_classes, n))
    exact = (positive == predicted).all(axis=1).astype(np.float64)
    segments = [rank_segments(positive[:, k], probabilities[:, k]) for k in range(n_classes)]
    scored = scored_classes(positive)

    def score(weights: Floats) -> dict[str, Floats]:
        tn, fp, fn, tp = (counts @ weights).reshape(n_classes, 4, -1).swapaxes(0, 1)  # each [K, R]
        per_class = _per_class(tp, fp, fn, tn) | _areas(segments, weights) | {"mcc": _binary_mcc(tp, fp, fn, tn)}
        total = weights.sum(axis=0)
        overall = {
            "accuracy": _macro(ratio(tp + tn, np.broadcast_to(total, tp.shape), np.nan), scored),
            "exact_match": ratio(exact @ weights, total, np.nan),
            "mcc": _macro(per_class["mcc"], scored),
        }
        return _assemble(per_class, overall, class_names, scored)

    return score


def mean_scorer(scorers: Sequence[Scorer]) -> Scorer:
    """Scorer whose every metric is the mean over several scorers of the same records, for instance over seeds."""

    def score(weights: Floats) -> dict[str, Floats]:
        results = [scorer(weights) for scorer in scorers]
        return {key: np.mean([result[key] for result in results], axis=0) for key in results[0]}

    return score


def joint_scorer(scorers: Sequence[Scorer]) -> Scorer:
    """Scorer that brings the metrics of several scorers of the same records together."""

    def score(weights: Floats) -> dict[str, Floats]:
        return {key: values for scorer in scorers for key, values in scorer(weights).items()}

    return score


def range_of(key: str) -> tuple[float, float]:
    """Least and greatest value that a metric can have; infinite where nothing is known about the key."""
    return _RANGES.get(key.partition("/")[0], (-math.inf, math.inf))


def positives(labels: NDArray[Any], n_classes: int) -> NDArray[np.bool_]:
    """Whether each record ``[n, K]`` has each class, of class numbers ``[n]`` or labels ``[n, K]`` in [0, 1]."""
    return np.asarray(labels[:, None] == np.arange(n_classes) if labels.ndim == 1 else labels >= 0.5)


def scored_classes(positive: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Classes ``[K]`` with both a positive and a negative record in ``positive [n, K]``; the rest has no ranking."""
    return np.asarray(positive.any(axis=0) & ~positive.all(axis=0))


def _per_class(tp: Floats, fp: Floats, fn: Floats, tn: Floats) -> dict[str, Floats]:
    """One-vs-rest rates ``[K, R]``. A class that is there but never predicted has precision 0 (0 of 0 is no credit)."""
    there = tp + fn > 0
    return {
        "sensitivity": ratio(tp, tp + fn, np.nan),
        "specificity": ratio(tn, tn + fp, np.nan),
        "precision": np.where(there, ratio(tp, tp + fp, 0.0), np.nan),
        "f1": ratio(np.where(there, 2 * tp, np.nan), 2 * tp + fp + fn, np.nan),
    }


def _areas(segments: list[csr_array], weights: Floats) -> dict[str, Floats]:
    areas = [auroc_and_average_precision(one, weights) for one in segments]
    return {"auroc": np.stack([auroc for auroc, _ in areas]), "auprc": np.stack([auprc for _, auprc in areas])}


def _gorodkin_mcc(hits: Floats, n_true: Floats, n_predicted: Floats) -> Floats:
    """Matthews correlation for K classes (Gorodkin 2004); 0 where prediction or truth is one constant class."""
    total = n_true.sum(axis=0)
    covariance = hits.sum(axis=0) * total - (n_true * n_predicted).sum(axis=0)
    spread = (total**2 - (n_predicted**2).sum(axis=0)) * (total**2 - (n_true**2).sum(axis=0))
    return ratio(covariance, np.sqrt(spread), 0.0)


def _binary_mcc(tp: Floats, fp: Floats, fn: Floats, tn: Floats) -> Floats:
    return ratio(tp * tn - fp * fn, np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)), 0.0)


def _macro(per_class: Floats, scored: NDArray[np.bool_]) -> Floats:
    """Mean over the scored classes; NaN in a weighting where one of them is undefined, or when none is scored."""
    return per_class[scored].mean(axis=0) if scored.any() else np.full(per_class.shape[1], np.nan)


def _assemble(
    per_class: dict[str, Floats], overall: dict[str, Floats], class_names: Sequence[str], scored: NDArray[np.bool_]
) -> dict[str, Floats]:
    """All keys in the order of Table 2, then the rest of ``overall``, then per class ``metric/<class>``."""
    macros = {_RATES.get(rate, f"{rate}_macro"): _macro(values, scored) for rate, values in per_class.items()}
    values = {key: (macros | overall)[key] for key in TABLE2_METRICS} | overall
    if NORMAL_CLASS in class_names:  # ranking by 1 - p(NORM) against "not NORM" is the same area, mirrored
        values["auroc_abnormal"] = per_class["auroc"][list(class_names).index(NORMAL_CLASS)]
    for rate, of_class in per_class.items():
        shown = np.where(scored[:, None], of_class, np.nan)
        values |= {f"{rate}/{name}": shown[k] for k, name in enumerate(class_names)}
    return values
