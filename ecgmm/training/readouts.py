"""Predictions beside a method's own: what its pairs alone have taught, and what its report tower adds at test."""

import lightning
import polars as pl
import torch
from torch import Tensor

from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.models.contrastive_method import ContrastiveMethod
from ecgmm.models.logistic_regression import LinearReadout
from ecgmm.training.predictions import predict, probability_columns
from ecgmm.training.task import DiagnosisTask

LABEL_FREE: dict[str, tuple[str, ...]] = {"zero_shot": ("ecg",), "linear_probe": ("ecg",)}
"""Inputs at test of the readouts that pre-training alone allows: class prompts, a linear head on frozen features."""


def label_free_columns(
    trainer: lightning.Trainer, task: DiagnosisTask, datamodule: EcgReportDataModule
) -> pl.DataFrame:
    """Predict validation and test after pre-training, before any label was seen by the towers.

    Returns:
        Columns ``zero_shot.probability.<class>`` (the method's own logits) and ``linear_probe.probability.<class>``
        (logistic regression on the waveform's embedding, solved on the training split), in order of the two splits.
    """
    found = predict(trainer, task, datamodule, ("val", "test"))
    embeddings, labels = _training_embeddings(trainer, task, datamodule)
    probe = LinearReadout(embeddings[0].shape[1], len(task.class_names))
    probe.fit(embeddings[0], labels)
    assert found.ecg_embedding is not None
    probabilities = {
        "zero_shot": found.probabilities[""],
        "linear_probe": task.probabilities(probe(found.ecg_embedding)),
    }
    return pl.DataFrame(probability_columns(probabilities, task.class_names))


def fit_report_readout(trainer: lightning.Trainer, task: DiagnosisTask, datamodule: EcgReportDataModule) -> None:
    """Solve the readout of both towers on the training split."""
    assert isinstance(task.method, ContrastiveMethod)
    embeddings, labels = _training_embeddings(trainer, task, datamodule)
    task.method.fit_report_readout(*embeddings, labels)


def _training_embeddings(
    trainer: lightning.Trainer, task: DiagnosisTask, datamodule: EcgReportDataModule
) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Embeddings of both towers and labels of the training split, without augmentation."""
    found = predict(trainer, task, datamodule, ("train",))
    assert found.ecg_embedding is not None
    assert found.text_embedding is not None
    labels = torch.from_numpy(datamodule.targets.values[found.rows.numpy()])
    return (found.ecg_embedding, found.text_embedding), labels
