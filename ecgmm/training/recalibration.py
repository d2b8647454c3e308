"""Recalibration: thresholds and temperature fitted anew on a part of the patients of another hospital.

How often a class occurs, and how sure a model is, differ between hospitals. A hospital that has labelled some of its
own patients can choose anew; what that brings is measured on its other patients, and on no one else.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import polars as pl

from ecgmm.data.store.splits import patient_ranks
from ecgmm.errors import ConfigError
from ecgmm.evaluation.metrics import TaskKind
from ecgmm.evaluation.scaling import fit_scaling
from ecgmm.runs.measuring import Fitted, fit_on_validation
from ecgmm.runs.metrics import Metrics, Recalibration
from ecgmm.runs.predictions import (
    labels_and_probabilities,
    probability_names,
    readouts_in,
    records_of,
    with_probabilities,
)

Measuring = Callable[[pl.DataFrame, Mapping[str, Fitted]], Metrics]
"""Measures a table of predictions with choices of thresholds and temperature, by name of the readout."""


def recalibrated(
    frame: pl.DataFrame,
    class_names: Sequence[str],
    task: TaskKind,
    fitted: Mapping[str, Fitted],
    share: float,
    seed: int,
    measuring: Measuring,
    by: Literal["temperature", "vector"] = "temperature",
) -> Recalibration:
    """Fit on some patients, and measure the others with the old choices and with the new ones.

    Args:
        frame: Predictions of all the patients.
        class_names: The K classes.
        task: ``single_label`` or ``multi_label``.
        fitted: The choices of the training run.
        share: Share of the patients that are fitted on, in (0, 1).
        seed: Of the hash that chooses them: a patient's place does not depend on who else is there.
        measuring: See ``Measuring``.
        by: ``vector`` fits a slope and a bias for each class before thresholds and temperature.

    Raises:
        ConfigError: If one of the two parts has no patient, or no metric of the other patients is defined.
    """
    chosen = pl.Series(patient_ranks(frame["patient"].to_numpy(), seed, "recalibration") < share)
    part, rest = frame.filter(chosen), frame.filter(~chosen)
    counts: dict[str, Any] = {
        "n_records": part.select(pl.struct("split", "record").n_unique()).item(),
        "n_patients": part["patient"].n_unique(),
    }
    if part.is_empty() or rest.is_empty():
        raise ConfigError(
            f"recalibrate is {share:g}, which leaves {counts['n_patients']} of {frame['patient'].n_unique()} patients"
            " to fit on; both parts need patients, so choose another share or more records"
        )
    before = measuring(rest, fitted)
    if by == "vector":
        part, rest = _scaled(part, rest, class_names, task)
    anew = fit_on_validation(part.with_columns(split=pl.lit("val")), class_names, task)
    return Recalibration(share=share, by=by, seed=seed, **counts, before=before, after=measuring(rest, anew))


def _scaled(
    part: pl.DataFrame, rest: pl.DataFrame, class_names: Sequence[str], task: TaskKind
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both parts after vector scaling, fitted on the first."""
    records = records_of(part.with_columns(split=pl.lit("val")), "val")
    for readout in ("", *readouts_in(part)):
        scaling = fit_scaling(*labels_and_probabilities(records, class_names, task, readout), task, "vector")
        columns = probability_names(readout, class_names)
        part, rest = (
            with_probabilities(
                one, columns, scaling.apply(labels_and_probabilities(one, class_names, task, readout)[1], task)
            )
            for one in (part, rest)
        )
    return part, rest
