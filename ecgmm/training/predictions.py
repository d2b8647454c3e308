"""From a trained task to a table of predictions, and from that table to metrics."""

from collections.abc import Sequence
from typing import Any

import lightning
import numpy as np
import polars as pl
import torch
from torch import Tensor

from ecgmm.data.datamodule import EcgReportDataModule
from ecgmm.evaluation.metrics import TaskKind
from ecgmm.evaluation.results import average_windows, evaluate_predictions
from ecgmm.evaluation.thresholds import Thresholds, choose_thresholds
from ecgmm.training.task import DiagnosisTask, Prediction


def predict(
    trainer: lightning.Trainer, task: DiagnosisTask, datamodule: EcgReportDataModule, splits: Sequence[str]
) -> Prediction:
    """Predict all records of some splits, one split after the other; tensors on the CPU."""
    batches = trainer.predict(task, dataloaders=datamodule.split_dataloader(*splits), return_predictions=True)
    assert batches is not None

    def together(parts: list[Any]) -> Any:
        return None if parts[0] is None else torch.cat(parts).cpu()

    rows, probabilities, *others = zip(*batches, strict=True)
    by_name = {name: together([found[name] for found in probabilities]) for name in probabilities[0]}
    return Prediction(together(list(rows)), by_name, *(together(list(parts)) for parts in others))


def predict_frame(
    trainer: lightning.Trainer, task: DiagnosisTask, datamodule: EcgReportDataModule, splits: Sequence[str]
) -> pl.DataFrame:
    """Predict all records of some splits.

    Returns:
        One row a window: record, patient, window, split, label (or label.<class>), probability.<class>,
        <readout>.probability.<class>, gate, has_report, row.
    """
    found = predict(trainer, task, datamodule, splits)
    rows, targets = found.rows.numpy(), datamodule.targets
    frame = datamodule.store.records[rows].select("record", "patient", "window", "split")
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
        for k, column in enumerate(_columns(readout, class_names))
    ]


def _columns(readout: str, class_names: Sequence[str]) -> list[str]:
    prefix = f"{readout}." if readout else ""
    return [f"{prefix}probability.{name}" for name in class_names]


def readouts_in(frame: pl.DataFrame) -> list[str]:
    """Names of the readouts that a frame of predictions holds."""
    return list(dict.fromkeys(name.split(".")[0] for name in frame.columns if ".probability." in name))


def without_readouts(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The frame without the columns of some readouts."""
    return frame.drop(name for name in frame.columns if name.split(".")[0] in names)


def thresholds_of(frame: pl.DataFrame, class_names: Sequence[str], task_name: TaskKind) -> dict[str, Thresholds | None]:
    """Thresholds of a multi-label task from the validation rows by name of the readout; None for a single-label one."""
    names = ["", *readouts_in(frame)]
    if task_name == "single_label":
        return dict.fromkeys(names)
    validation = average_windows(frame.filter(pl.col("split") == "val"))
    return {
        name: choose_thresholds(*labels_and_probabilities(validation, class_names, task_name, name)) for name in names
    }


def evaluate(
    frame: pl.DataFrame,
    class_names: Sequence[str],
    task_name: TaskKind,
    thresholds: dict[str, Thresholds | None],
    n_resamples: int,
    seed: int,
    split: str = "test",
) -> dict[str, Any]:
    """Metrics of one split with intervals, those of each readout under ``readouts``.

    Args:
        frame: As ``predict_frame`` returns it.
        class_names: The K classes.
        task_name: ``single_label`` or ``multi_label``.
        thresholds: As ``thresholds_of`` returns them.
        n_resamples: Bootstrap resamples of patients.
        seed: Seed of the resampling.
        split: The split.

    Returns:
        The content of ``metrics.json``.
    """
    chosen = average_windows(frame.filter(pl.col("split") == split))
    patients = chosen["patient"].to_numpy()

    def measured(readout: str) -> dict[str, Any]:
        labels, probabilities = labels_and_probabilities(chosen, class_names, task_name, readout)
        of_task = (class_names, task_name, thresholds[readout])
        return evaluate_predictions(labels, probabilities, patients, *of_task, n_resamples, seed, prefix=f"{split}/")

    return measured("") | {"readouts": {name: measured(name) for name in readouts_in(frame)}}


def labels_and_probabilities(
    frame: pl.DataFrame, class_names: Sequence[str], task_name: TaskKind, readout: str = ""
) -> tuple[Any, Any]:
    """Arrays ``[n]`` or ``[n, K]`` of labels and ``[n, K]`` of probabilities from a frame of predictions."""
    probabilities = frame.select(_columns(readout, class_names)).to_numpy().astype(np.float64)
    if task_name == "single_label":
        return frame["label"].to_numpy(), probabilities
    return frame.select([f"label.{name}" for name in class_names]).to_numpy(), probabilities
