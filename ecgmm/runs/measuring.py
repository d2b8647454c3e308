"""Measuring of predictions: thresholds and temperature from validation, metrics of a split with intervals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.batches.split_checks import require_both_answers
from ecgmm.data.sources.leakage import Origins
from ecgmm.evaluation.bootstrap import CONFIDENCE, Estimate, estimates
from ecgmm.evaluation.calibration import apply_temperature, calibration_scorer, fit_temperature
from ecgmm.evaluation.confusion import confusion_counts
from ecgmm.evaluation.cox_calibration import cox_scorer
from ecgmm.evaluation.metrics import TaskKind, compute_metrics, joint_scorer, make_scorer, scored_classes
from ecgmm.evaluation.thresholds import Thresholds, choose_thresholds
from ecgmm.runs.metrics import Bootstrap, ClassMetrics, Metric, Metrics
from ecgmm.runs.predictions import labels_and_probabilities, readouts_in, records_of

DOUBTFUL_SHARE = 0.05
"""Share of the pairs of validation whose report is said to disagree with the waveform."""
CHALLENGE = "cinc_2021"
"""The label set that is also measured by the challenge's own metric."""


@dataclass(frozen=True)
class Fitted:
    """Choices made on validation: ``thresholds`` of a multi-label task, and the ``temperature`` of the logits.

    The temperature is None where a saved run has none.
    """

    thresholds: Thresholds | None
    temperature: float | None

    @staticmethod
    def of(metrics: Metrics) -> "Fitted":
        """Choices that the metrics of a run hold."""
        if metrics.thresholds is None:
            return Fitted(None, metrics.temperature)
        defaulted = np.array([name in metrics.default_thresholds for name in metrics.classes])
        return Fitted(Thresholds(np.array(metrics.thresholds), defaulted), metrics.temperature)

    def of_classes(self, columns: Sequence[int]) -> "Fitted":
        """The same for some of the classes."""
        if self.thresholds is None:
            return self
        chosen = list(columns)
        thresholds = Thresholds(self.thresholds.values[chosen], self.thresholds.defaulted[chosen])
        return Fitted(thresholds, self.temperature)


def doubtful_above(frame: pl.DataFrame) -> float | None:
    """Inconsistency that few of validation's own pairs exceed (``DOUBTFUL_SHARE``); None where there is none."""
    known = records_of(frame, "val")["inconsistency"].drop_nulls()
    return None if known.is_empty() else known.quantile(1 - DOUBTFUL_SHARE, "linear")


def fit_on_validation(frame: pl.DataFrame, class_names: Sequence[str], task: TaskKind) -> dict[str, Fitted]:
    """Thresholds (of a multi-label task) and temperature from the validation rows, by name of the readout."""
    validation = records_of(frame, "val")
    fitted = {}
    for readout in ("", *readouts_in(frame)):
        arrays = labels_and_probabilities(validation, class_names, task, readout)
        thresholds = choose_thresholds(*arrays) if task == "multi_label" else None
        fitted[readout] = Fitted(thresholds, fit_temperature(*arrays, task))
    return fitted


def measure(
    frame: pl.DataFrame,
    class_names: Sequence[str],
    task: TaskKind,
    fitted: Mapping[str, Fitted],
    n_resamples: int,
    seed: int,
    origins: Origins,
    readouts: Mapping[str, Origins],
    split: str = "test",
) -> Metrics:
    """Metrics of one split with intervals, those of each readout under ``readouts``.

    Args:
        frame: The table of predictions.
        class_names: The K classes.
        task: ``single_label`` or ``multi_label``.
        fitted: As ``fit_on_validation`` returns it.
        n_resamples: Bootstrap resamples of patients.
        seed: Seed of the resampling.
        origins: Where labels and text come from.
        readouts: The same for each readout of the table.
        split: The split.

    Returns:
        Where the table holds validation rows beside the split, ``val/auroc_macro`` is their value, without an interval:
        what a search over settings may look at.

    Raises:
        ConfigError: If no metric of the split is defined.
    """
    records = records_of(frame, split)
    validation = records_of(frame.filter(pl.lit(split != "val")), "val")
    patients = records["patient"].to_numpy()
    require_both_answers(labels_and_probabilities(records, class_names, task)[0], split, class_names)

    def measured(readout: str) -> dict[str, Any]:
        """Fields of one readout's metrics."""
        arrays = labels_and_probabilities(records, class_names, task, readout)
        metrics = measure_predictions(
            *arrays,
            patients,
            class_names,
            task,
            fitted[readout].thresholds,
            fitted[readout].temperature,
            n_resamples,
            seed,
            prefix=f"{split}/",
            label_set=origins.labels,
        )
        fields = {name: getattr(metrics, name) for name in metrics.model_fields_set}
        if len(validation):
            arrays = labels_and_probabilities(validation, class_names, task, readout)
            value = compute_metrics(*arrays, class_names, task)["auroc_macro"]
            fields["validation"] = {"val/auroc_macro": Metric(value=_number(value))}
        return fields

    parts = {name: Metrics(**measured(name), origins=readouts[name]) for name in readouts_in(frame)}
    return Metrics(**measured(""), readouts=parts, origins=origins)


def measure_predictions(
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
    label_set: str = "",
) -> Metrics:
    """Compute all metrics of one split with 95 % patient-bootstrap intervals.

    Args:
        labels: Class numbers ``[n]``, or for multi-label ``[n, K]`` in [0, 1].
        probabilities: ``[n, K]``, one row per record (see ``average_windows``).
        patients: ``[n]``, the unit of resampling.
        class_names: K names.
        task: ``single_label`` (softmax) or ``multi_label`` (sigmoid).
        thresholds: For multi-label, chosen on validation; None for single-label.
        temperature: Fitted on validation; without it there are no ``_calibrated`` keys.
        n_resamples: Patient resamples.
        seed: Seed of the resamples.
        prefix: Put before every metric key.
        label_set: Name of the label set; one that has a metric of its own gets it.
    """
    assert np.isfinite(probabilities).all()
    values = None if thresholds is None else thresholds.values
    scorers = [make_scorer(labels, probabilities, class_names, task, values)]
    scorers.append(calibration_scorer(labels, probabilities, task, with_chance=True))
    scorers.append(cox_scorer(labels, probabilities, task, class_names))
    if label_set == CHALLENGE and values is not None:
        from ecgmm.evaluation.challenge_score import challenge_scorer  # only for this label set

        scorers.append(challenge_scorer(labels, probabilities, values, class_names))
    if temperature is not None:
        calibrated = apply_temperature(probabilities, temperature, task)
        scorers.append(calibration_scorer(labels, calibrated, task, "_calibrated", with_chance=True))
        scorers.append(cox_scorer(labels, calibrated, task, suffix="_calibrated"))
    estimated = estimates(joint_scorer(scorers), patients, n_resamples, seed)
    positive = labels[:, None] == np.arange(len(class_names)) if task == "single_label" else labels >= 0.5
    return Metrics(
        measured={f"{prefix}{key}": _metric(estimate) for key, estimate in estimated.items()},
        task=task,
        classes=list(class_names),
        per_class=_per_class(estimated, positive, class_names),
        confusion_matrix=confusion_counts(labels, probabilities, values).tolist(),
        absent_classes=_names_where(~scored_classes(positive), class_names),
        thresholds=None if values is None else values.tolist(),
        default_thresholds=[] if thresholds is None else _names_where(thresholds.defaulted, class_names),
        temperature=temperature,
        n_records=len(labels),
        n_patients=len(np.unique(patients)),
        bootstrap=Bootstrap(unit="patient", n_resamples=n_resamples, seed=seed, confidence=CONFIDENCE),
    )


def _per_class(
    estimated: Mapping[str, Estimate], positive: NDArray[np.bool_], class_names: Sequence[str]
) -> list[ClassMetrics]:
    keys = [key for key in ClassMetrics.model_fields if key not in ("name", "n")]
    return [
        ClassMetrics.model_validate(
            {"class": name, "n": int(positive[:, k].sum())}
            | {key: _number(estimated[f"{key}/{name}"].value) for key in keys}
        )
        for k, name in enumerate(class_names)
    ]


def _names_where(chosen: NDArray[np.bool_], class_names: Sequence[str]) -> list[str]:
    return [class_names[k] for k in np.flatnonzero(chosen).tolist()]


def _metric(estimate: Estimate) -> Metric:
    return Metric(**{name: _number(value) for name, value in asdict(estimate).items()})


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
