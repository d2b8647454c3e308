"""From predictions to the content of metrics.json: every metric with its interval, per class, as strict JSON."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.evaluation.bootstrap import CONFIDENCE, Estimate, estimates
from ecgmm.evaluation.calibration import apply_temperature, calibration_scorer
from ecgmm.evaluation.metrics import TaskKind, joint_scorer, make_scorer, scored_classes
from ecgmm.evaluation.ranking import Floats
from ecgmm.evaluation.thresholds import Thresholds

PER_CLASS_METRICS = ("auroc", "auprc", "sensitivity", "specificity", "precision", "f1")


def average_windows(frame: pl.DataFrame) -> pl.DataFrame:
    """Bring the predictions of sliding windows to one row a record: probabilities and gate are means over windows.

    Probabilities are the columns ``probability.<class>`` of the method and ``<readout>.probability.<class>``.

    Args:
        frame: Columns of predictions.parquet, one row a window.

    Returns:
        The same columns, one row for each record of each split, in order of ``row``; ``row`` and ``window`` are those
        of the record's first window.
    """
    if not frame.select(pl.struct("split", "record").is_duplicated().any()).item():
        return frame.sort("row")
    averaged = [name for name in frame.columns if "probability." in name or name == "gate"]
    rest = [name for name in frame.columns if name not in (*averaged, "split", "record")]
    return (
        frame.sort("row")
        .group_by("split", "record", maintain_order=True)
        .agg(pl.col(rest).first(), pl.col(averaged).mean())
        .select(frame.columns)
    )


def evaluate_predictions(
    labels: NDArray[Any],
    probabilities: NDArray[np.floating],
    patients: NDArray[np.integer],
    class_names: Sequence[str],
    task: TaskKind,
    thresholds: Thresholds | None = None,
    temperature: float | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
    prefix: str = "test/",
) -> dict[str, Any]:
    """Compute all metrics of one split with 95 % patient-bootstrap intervals.

    Args:
        labels: Class numbers ``[n]``, or for multi-label ``[n, K]`` in [0, 1].
        probabilities: ``[n, K]``, one row a record (see ``average_windows``).
        patients: ``[n]``, the unit of resampling.
        class_names: K names.
        task: ``single_label`` (softmax) or ``multi_label`` (sigmoid).
        thresholds: For multi-label, chosen on validation; None for single-label.
        temperature: Fitted on validation; without it there are no ``_calibrated`` keys.
        n_resamples: Patient resamples.
        seed: Seed of the resamples.
        prefix: Put before every metric key.

    Returns:
        Strictly JSON-ready. ``<prefix><metric>`` to ``{"value", "low", "high"}`` with None where undefined, and beside
        them ``task``, ``classes``, ``per_class``, ``confusion_matrix``, ``absent_classes``, ``thresholds``,
        ``default_thresholds`` (classes without a positive in validation), ``temperature``, ``n_records``,
        ``n_patients``, ``bootstrap``.
    """
    assert np.isfinite(probabilities).all()
    values = None if thresholds is None else thresholds.values
    scorers = [make_scorer(labels, probabilities, class_names, task, values)]
    scorers.append(calibration_scorer(labels, probabilities, task, with_chance=True))
    if temperature is not None:
        calibrated = apply_temperature(probabilities, temperature, task)
        scorers.append(calibration_scorer(labels, calibrated, task, "_calibrated", with_chance=True))
    found = estimates(joint_scorer(scorers), patients, n_resamples, seed)
    positive = labels[:, None] == np.arange(len(class_names)) if task == "single_label" else labels >= 0.5
    return {f"{prefix}{key}": _json_numbers(estimate) for key, estimate in found.items()} | {
        "task": task,
        "classes": list(class_names),
        "per_class": _per_class_rows(found, positive, class_names),
        "confusion_matrix": confusion_counts(labels, probabilities, values).tolist(),
        "absent_classes": _names_where(~scored_classes(positive), class_names),
        "thresholds": None if values is None else values.tolist(),
        "default_thresholds": [] if thresholds is None else _names_where(thresholds.defaulted, class_names),
        "temperature": temperature,
        "n_records": len(labels),
        "n_patients": len(np.unique(patients)),
        "bootstrap": {"unit": "patient", "n_resamples": n_resamples, "seed": seed, "confidence": CONFIDENCE},
    }


def confusion_counts(
    labels: NDArray[Any], probabilities: NDArray[np.floating], thresholds: Floats | None = None
) -> NDArray[np.int64]:
    """Records by truth and prediction.

    Returns:
        ``[K, K]``, row = true class, for class numbers; for multi-label (``thresholds`` given) ``[K, 2, 2]``, for each
        class ``[[true negative, false positive], [false negative, true positive]]``.
    """
    n_classes = probabilities.shape[1]
    if thresholds is None:
        cells = labels * n_classes + probabilities.argmax(axis=1)
        return np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes)
    cells = 4 * np.arange(n_classes) + 2 * (labels >= 0.5) + (probabilities >= thresholds)
    return np.bincount(cells.ravel(), minlength=4 * n_classes).reshape(n_classes, 2, 2)


def _per_class_rows(
    found: dict[str, Estimate], positive: NDArray[np.bool_], class_names: Sequence[str]
) -> list[dict[str, Any]]:
    """One row a class: its name, its number of positive records, and the values (intervals stand under the keys)."""
    return [
        {"class": name, "n": int(positive[:, k].sum())}
        | {metric: _number(found[f"{metric}/{name}"].value) for metric in PER_CLASS_METRICS}
        for k, name in enumerate(class_names)
    ]


def _names_where(chosen: NDArray[np.bool_], class_names: Sequence[str]) -> list[str]:
    return [class_names[k] for k in np.flatnonzero(chosen).tolist()]


def _json_numbers(estimate: Estimate) -> dict[str, float | None]:
    return {name: _number(value) for name, value in asdict(estimate).items()}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def probability_names(readout: str, class_names: Sequence[str]) -> list[str]:
    """Columns that hold the probabilities of the classes, of a readout or of the method itself (an empty name)."""
    prefix = f"{readout}." if readout else ""
    return [f"{prefix}probability.{name}" for name in class_names]


def labels_and_probabilities(
    frame: pl.DataFrame, class_names: Sequence[str], task_name: TaskKind, readout: str = ""
) -> tuple[Any, Any]:
    """Arrays ``[n]`` or ``[n, K]`` of labels and ``[n, K]`` of probabilities from a frame of predictions."""
    probabilities = frame.select(probability_names(readout, class_names)).to_numpy().astype(np.float64)
    if task_name == "single_label":
        return frame["label"].to_numpy(), probabilities
    return frame.select([f"label.{name}" for name in class_names]).to_numpy(), probabilities
