"""From a trained task to a table of predictions, and from that table to metrics."""

from collections.abc import Sequence
from typing import Any

import lightning
import numpy as np
import polars as pl
import torch

from ecgmm.data.datamodule import EcgReportDataModule
from ecgmm.evaluation.metrics import TaskKind
from ecgmm.evaluation.results import average_windows, evaluate_predictions
from ecgmm.evaluation.thresholds import Thresholds, choose_thresholds
from ecgmm.training.task import DiagnosisTask


def predict(
    trainer: lightning.Trainer, task: DiagnosisTask, datamodule: EcgReportDataModule, splits: Sequence[str]
) -> pl.DataFrame:
    """Predict all records of some splits.

    Returns:
        One row a window: row, record, patient, window, split, label (or label.<class>), probability.<class>, gate,
        has_report.
    """
    batches = trainer.predict(task, dataloaders=datamodule.split_dataloader(*splits), return_predictions=True)
    assert batches is not None
    rows = torch.cat([batch[0] for batch in batches]).cpu().numpy()
    probabilities = torch.cat([batch[1] for batch in batches]).cpu().numpy()
    gates = None if batches[0][2] is None else torch.cat([batch[2] for batch in batches]).cpu().numpy()
    targets = datamodule.targets
    frame = datamodule.store.records[rows].select("record", "patient", "window", "split")
    labels = targets.values[rows]
    label_columns = (
        [pl.Series("label", labels)]
        if labels.ndim == 1
        else [pl.Series(f"label.{name}", labels[:, k]) for k, name in enumerate(targets.class_names)]
    )
    return frame.with_columns(
        *label_columns,
        *[pl.Series(f"probability.{name}", probabilities[:, k]) for k, name in enumerate(targets.class_names)],
        pl.Series("gate", gates, dtype=pl.Float32) if gates is not None else pl.lit(None, pl.Float32).alias("gate"),
        pl.Series("has_report", datamodule.tokens.lengths[datamodule.report_of_row[rows]] > 0),
        pl.Series("row", rows),
    )


def thresholds_of(frame: pl.DataFrame, class_names: Sequence[str], task_name: TaskKind) -> Thresholds | None:
    """Thresholds of a multi-label task from the validation rows of ``predict``; None for a single-label task."""
    if task_name == "single_label":
        return None
    validation = average_windows(frame.filter(pl.col("split") == "val"))
    return choose_thresholds(*labels_and_probabilities(validation, class_names, task_name))


def evaluate(
    frame: pl.DataFrame,
    class_names: Sequence[str],
    task_name: TaskKind,
    thresholds: Thresholds | None,
    n_resamples: int,
    seed: int,
    split: str = "test",
) -> dict[str, Any]:
    """Metrics of one split with intervals.

    Args:
        frame: As ``predict`` returns it.
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
    labels, probabilities = labels_and_probabilities(chosen, class_names, task_name)
    patients = chosen["patient"].to_numpy()
    return evaluate_predictions(
        labels, probabilities, patients, class_names, task_name, thresholds, n_resamples, seed, prefix=f"{split}/"
    )


def labels_and_probabilities(frame: pl.DataFrame, class_names: Sequence[str], task_name: TaskKind) -> tuple[Any, Any]:
    """Arrays ``[n]`` or ``[n, K]`` of labels and ``[n, K]`` of probabilities from a frame of predictions."""
    probabilities = frame.select([f"probability.{name}" for name in class_names]).to_numpy().astype(np.float64)
    if task_name == "single_label":
        return frame["label"].to_numpy(), probabilities
    return frame.select([f"label.{name}" for name in class_names]).to_numpy(), probabilities
