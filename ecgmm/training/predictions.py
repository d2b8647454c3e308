"""From a trained task to a table of predictions, and from that table to metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightning
import numpy as np
import polars as pl
import torch
from torch import Tensor

from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.data.batches.split_checks import require_both_answers
from ecgmm.errors import DataError, printable
from ecgmm.evaluation.calibration import fit_temperature
from ecgmm.evaluation.metrics import TaskKind, compute_metrics
from ecgmm.evaluation.results import average_windows, evaluate_predictions, labels_and_probabilities, probability_names
from ecgmm.evaluation.thresholds import Thresholds, choose_thresholds
from ecgmm.training.task import DiagnosisTask, Prediction

_OF_THE_RECORD = ("record", "patient", "window", "split", "missing_share", "flat_leads")


@dataclass(frozen=True)
class Fitted:
    """What was chosen on validation: ``thresholds`` of a multi-label task, and the ``temperature`` of the logits.

    The temperature is None where a saved run has none.
    """

    thresholds: Thresholds | None
    temperature: float | None


def predict(
    trainer: lightning.Trainer, task: DiagnosisTask, datamodule: EcgReportDataModule, splits: Sequence[str]
) -> Prediction:
    """Predict all records of some splits, one split after the other; tensors on the CPU.

    Raises:
        UserError: If a prediction or an embedding is not finite.
    """
    batches = trainer.predict(task, dataloaders=datamodule.split_dataloader(*splits), return_predictions=True)
    assert batches is not None

    def together(parts: list[Any]) -> Any:
        return None if parts[0] is None else torch.cat(parts).cpu()

    rows, probabilities, *others = zip(*batches, strict=True)
    by_name = {name: together([found[name] for found in probabilities]) for name in probabilities[0]}
    found = Prediction(together(list(rows)), by_name, *(together(list(parts)) for parts in others))
    numbers = (*found.probabilities.values(), found.gate, found.ecg_embedding, found.text_embedding)
    if not all(values is None or values.isfinite().all() for values in numbers):
        raise task.diverged("predictions are no numbers any more")
    return found


def predict_frame(
    trainer: lightning.Trainer, task: DiagnosisTask, datamodule: EcgReportDataModule, splits: Sequence[str]
) -> pl.DataFrame:
    """Predict all records of some splits.

    Returns:
        One row a window: record, patient, window, split, missing_share and flat_leads of the recording, label (or
        label.<class>), probability.<class>, <readout>.probability.<class>, gate, has_report, row.
    """
    found = predict(trainer, task, datamodule, splits)
    rows, targets = found.rows.numpy(), datamodule.targets
    frame = datamodule.store.records[rows].select(*_OF_THE_RECORD)
    labels = targets.values[rows]
    label_columns = (
        [pl.Series("label", labels)]
        if labels.ndim == 1
        else [pl.Series(f"label.{name}", labels[:, k]) for k, name in enumerate(targets.class_names)]
    )
    gate = pl.lit(None, pl.Float32).alias("gate") if found.gate is None else pl.Series("gate", found.gate.numpy())
    return frame.with_columns(
        *label_columns,
        *probability_columns(found.probabilities, targets.class_names),
        gate,
        pl.Series("has_report", datamodule.tokens.lengths[datamodule.report_of_row[rows]] > 0),
        pl.Series("row", rows),
    )


def probability_columns(probabilities: dict[str, Tensor], class_names: Sequence[str]) -> list[pl.Series]:
    """One column a readout and class, from probabilities ``[n, K]`` by name of the readout."""
    return [
        pl.Series(column, values[:, k].numpy())
        for readout, values in probabilities.items()
        for k, column in enumerate(probability_names(readout, class_names))
    ]


def readouts_in(frame: pl.DataFrame) -> list[str]:
    """Names of the readouts that a frame of predictions holds."""
    return list(dict.fromkeys(name.split(".")[0] for name in frame.columns if ".probability." in name))


def refuse_not_finite(frame: pl.DataFrame, cure: str) -> None:
    """Refuse predictions that are no numbers.

    Raises:
        DataError: Ending with the cure, if a probability or a gate is not finite.
    """
    for name in frame.columns:
        if (name == "gate" or "probability." in name) and not frame[name].cast(
            pl.Float64
        ).drop_nulls().is_finite().all():
            raise DataError(f"the model predicts values that are not finite (column {printable(name)}); {cure}")


def without_readouts(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The frame without the columns of some readouts."""
    return frame.drop(name for name in frame.columns if name.split(".")[0] in names)


def fit_on_validation(frame: pl.DataFrame, class_names: Sequence[str], task_name: TaskKind) -> dict[str, Fitted]:
    """Thresholds (of a multi-label task) and temperature from the validation rows, by name of the readout."""
    validation = average_windows(frame.filter(pl.col("split") == "val"))
    fitted = {}
    for name in ("", *readouts_in(frame)):
        found = labels_and_probabilities(validation, class_names, task_name, name)
        thresholds = choose_thresholds(*found) if task_name == "multi_label" else None
        fitted[name] = Fitted(thresholds, fit_temperature(*found, task_name))
    return fitted


def evaluate(
    frame: pl.DataFrame,
    class_names: Sequence[str],
    task_name: TaskKind,
    fitted: dict[str, Fitted],
    n_resamples: int,
    seed: int,
    split: str = "test",
) -> dict[str, Any]:
    """Metrics of one split with intervals, those of each readout under ``readouts``.

    Args:
        frame: As ``predict_frame`` returns it.
        class_names: The K classes.
        task_name: ``single_label`` or ``multi_label``.
        fitted: As ``fit_on_validation`` returns it.
        n_resamples: Bootstrap resamples of patients.
        seed: Seed of the resampling.
        split: The split.

    Returns:
        The content of ``metrics.json``. Where the frame holds validation rows beside the split, ``val/auroc_macro``
        is their value, without an interval: what a search over settings may look at.

    Raises:
        ConfigError: If no metric of the split is defined.
    """
    chosen = average_windows(frame.filter(pl.col("split") == split))
    validation = average_windows(frame.filter((pl.col("split") == "val") & (split != "val")))
    patients = chosen["patient"].to_numpy()
    require_both_answers(labels_and_probabilities(chosen, class_names, task_name)[0], split, class_names)

    def measured(readout: str) -> dict[str, Any]:
        labels, probabilities = labels_and_probabilities(chosen, class_names, task_name, readout)
        of_task = (class_names, task_name, fitted[readout].thresholds, fitted[readout].temperature)
        found = evaluate_predictions(labels, probabilities, patients, *of_task, n_resamples, seed, prefix=f"{split}/")
        if len(validation):
            labels, probabilities = labels_and_probabilities(validation, class_names, task_name, readout)
            value = compute_metrics(labels, probabilities, class_names, task_name)["auroc_macro"]
            found["val/auroc_macro"] = {"value": value if np.isfinite(value) else None}
        return found

    return measured("") | {"readouts": {name: measured(name) for name in readouts_in(frame)}}


def with_origins(
    metrics: dict[str, Any], found: dict[str, Any], readouts: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    """The metrics, and beside them and those of each readout what ``ecgmm.data.sources.leakage.origins`` says."""
    of_readouts = {name: {**part, "origins": readouts[name]} for name, part in metrics["readouts"].items()}
    return {**metrics, "readouts": of_readouts, "origins": found}
