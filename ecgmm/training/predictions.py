"""From a trained task to a table of predictions."""

from collections.abc import Sequence
from typing import Any

import lightning
import polars as pl
import torch
from torch import Tensor

from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.data.batches.loader import BatchLoader
from ecgmm.runs.predictions import OF_THE_RECORD, probability_names, readouts_in, without_readouts
from ecgmm.training.task import DiagnosisTask, Prediction


def predict(
    trainer: lightning.Trainer, task: DiagnosisTask, datamodule: EcgReportDataModule, splits: Sequence[str]
) -> Prediction:
    """Predict all records of some splits, one split after the other; tensors on the CPU.

    Raises:
        UserError: If a prediction or an embedding is not finite.
    """
    return predict_from(trainer, task, datamodule.split_dataloader(*splits))


def predict_from(trainer: lightning.Trainer, task: DiagnosisTask, loader: BatchLoader) -> Prediction:
    """Predict the records of a loader, as ``predict`` does."""
    batches = trainer.predict(task, dataloaders=loader, return_predictions=True)
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
        The columns of ``ecgmm.runs.predictions``, one row per window.
    """
    return _frame_of(predict(trainer, task, datamodule, splits), datamodule)


def held_out_frame(trainer: lightning.Trainer, task: DiagnosisTask, datamodule: EcgReportDataModule) -> pl.DataFrame:
    """Predict the training records that were left out, as ``predict_frame`` does, without readouts.

    Where labels were made wrong on purpose, ``disturbed`` or ``disturbed.<class>`` says which.
    """
    frame = _frame_of(predict_from(trainer, task, datamodule.held_out_dataloader()), datamodule)
    frame = without_readouts(frame, readouts_in(frame))
    if datamodule.disturbed is None:
        return frame
    disturbed, classes = datamodule.disturbed[frame["row"].to_numpy()], datamodule.targets.class_names
    if disturbed.ndim == 1:
        return frame.with_columns(pl.Series("disturbed", disturbed))
    return frame.with_columns(pl.Series(f"disturbed.{name}", disturbed[:, k]) for k, name in enumerate(classes))


def _frame_of(found: Prediction, datamodule: EcgReportDataModule) -> pl.DataFrame:
    rows, targets = found.rows.numpy(), datamodule.targets
    frame = datamodule.store.records[rows].select(*OF_THE_RECORD)
    labels = targets.values[rows]
    label_columns = (
        [pl.Series("label", labels)]
        if labels.ndim == 1
        else [pl.Series(f"label.{name}", labels[:, k]) for k, name in enumerate(targets.class_names)]
    )
    return frame.with_columns(
        *label_columns,
        *probability_columns(found.probabilities, targets.class_names),
        *(_column(name, getattr(found, name)) for name in ("gate", "inconsistency")),
        pl.Series("has_report", datamodule.tokens.lengths[datamodule.report_of_row[rows]] > 0),
        pl.Series("row", rows),
    )


def _column(name: str, values: Tensor | None) -> pl.Series | pl.Expr:
    """A column of float32, null where the method has no such values."""
    return pl.lit(None, pl.Float32).alias(name) if values is None else pl.Series(name, values.numpy(), nan_to_null=True)


def probability_columns(probabilities: dict[str, Tensor], class_names: Sequence[str]) -> list[pl.Series]:
    """One column a readout and class, from probabilities ``[n, K]`` by name of the readout."""
    return [
        pl.Series(column, values[:, k].numpy())
        for readout, values in probabilities.items()
        for k, column in enumerate(probability_names(readout, class_names))
    ]
