"""What turns the probabilities of a trained method into answers: temperature, thresholds and sets, from validation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from ecgmm.evaluation.conformal import least_probabilities
from ecgmm.evaluation.metrics import TaskKind
from ecgmm.files import inside
from ecgmm.runs.facts import RUN, read_facts
from ecgmm.runs.measuring import Fitted, fit_on_validation
from ecgmm.runs.predictions import PREDICTIONS, labels_and_probabilities, read_predictions, records_of
from ecgmm.runs.reading import AS_GIVEN, Count, Name, Names, Number, Schema, Share

COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99)
"""Coverages for which a model keeps sets: a few numbers, where any coverage would take the scores of all patients."""


class ConformalSets(Schema):
    """Sets of answers that hold the right one with a probability of ``coverage`` at least.

    Attributes:
        coverage: The probability.
        least: Probability from which on each class belongs to the set ``[K]``.
        least_absent: For multi-label the same of "not this class" ``[K]``, where each class is a question of its own.
    """

    coverage: Share
    least: list[Share]
    least_absent: list[Share] | None = None


class Calibration(Schema):
    """Choices made on the validation records of a run.

    Attributes:
        precision: Lightning's name of the precision in which these were predicted.
        n_records: Their number.
        temperature: Of the logits.
        thresholds: For multi-label the decision threshold of each class, of probabilities before temperature.
        default_thresholds: Classes whose threshold is one half, for want of a positive record.
        conformal: Sets, one entry for each of ``COVERAGES``.
    """

    precision: Name
    n_records: Count
    temperature: Annotated[Number, Field(gt=0)]
    thresholds: list[Annotated[float, Field(ge=0, le=1), AS_GIVEN]] | None = None
    default_thresholds: Names = Field(default_factory=list)
    conformal: list[ConformalSets]

    def sets_at(self, coverage: float) -> ConformalSets:
        """Sets of one of ``COVERAGES``."""
        return next(sets for sets in self.conformal if sets.coverage == coverage)

    def fits(self, n_classes: int) -> bool:
        """Whether it is of so many classes, and of all coverages."""
        lists = [self.thresholds, *(part for sets in self.conformal for part in (sets.least, sets.least_absent))]
        complete = [sets.coverage for sets in self.conformal] == list(COVERAGES)
        return complete and all(part is None or len(part) == n_classes for part in lists)


def calibrate(
    frame: pl.DataFrame, class_names: Sequence[str], task: TaskKind, fitted: Fitted, precision: str
) -> Calibration:
    """Gather the choices for the method's own probabilities.

    Args:
        frame: Table of predictions with the validation records.
        class_names: The K classes.
        task: ``single_label`` or ``multi_label``.
        fitted: Thresholds and temperature, as ``fit_on_validation`` chooses them.
        precision: In which the records were predicted.
    """
    validation = records_of(frame, "val")
    assert fitted.temperature is not None
    chosen = fitted.thresholds
    thresholds = {}
    if chosen is not None:
        defaulted = [class_names[k] for k in np.flatnonzero(chosen.defaulted).tolist()]
        thresholds = {"thresholds": chosen.values.tolist(), "default_thresholds": defaulted}
    return Calibration(
        precision=precision,
        n_records=len(validation),
        temperature=fitted.temperature,
        **thresholds,
        conformal=[_sets(validation, class_names, task, coverage) for coverage in COVERAGES],
    )


def calibration_of_run(run: Path) -> Calibration | None:
    """The same of a run of an earlier version, whose model does not keep it, from the predictions beside the model.

    Returns:
        None for a model without its run.

    Raises:
        DataError: If the predictions are damaged.
    """
    if not all(inside(run, name).exists() for name in (RUN, PREDICTIONS)):
        return None
    facts = read_facts(run)
    if facts is None:
        return None
    frame, classes = read_predictions(run, facts), facts.labels.classes
    return calibrate(frame, classes, facts.task, fit_on_validation(frame, classes, facts.task)[""], facts.precision)


def _sets(validation: pl.DataFrame, class_names: Sequence[str], task: TaskKind, coverage: float) -> ConformalSets:
    labels, probabilities = labels_and_probabilities(validation, class_names, task)
    if task == "single_label":
        least = least_probabilities(labels, probabilities, coverage)
        return ConformalSets(coverage=coverage, least=np.maximum(least, 0).tolist())
    answers = [
        least_probabilities(
            (labels[:, k] >= 0.5).astype(np.int64), np.stack([1 - column, column], axis=1), coverage
        ).clip(0)
        for k, column in enumerate(probabilities.T)
    ]
    absent, present = np.stack(answers, axis=1)
    return ConformalSets(coverage=coverage, least=present.tolist(), least_absent=absent.tolist())
