"""Predictions beside a method's own: what its pairs alone have taught, and what its report tower adds at test."""

from collections.abc import Sequence

import lightning
import polars as pl
import torch

from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.models.method import Embeddings
from ecgmm.training.predictions import predict, predict_from, probability_columns
from ecgmm.training.task import DiagnosisTask
from ecgmm.types import Batch

LABEL_FREE: dict[str, tuple[str, ...]] = {"zero_shot": ("ecg",), "linear_probe": ("ecg",)}
"""Inputs at test of the readouts that pre-training alone may allow: class prompts, a linear head on frozen features."""


class TrainedSplit:
    """The training split after training: what ``Method.after_training`` may look at.

    Args:
        trainer: Runs the prediction.
        task: Holds the trained method.
        datamodule: The data.
    """

    def __init__(self, trainer: lightning.Trainer, task: DiagnosisTask, datamodule: EcgReportDataModule) -> None:
        self.trainer = trainer
        self.task = task
        self.datamodule = datamodule

    def records(self) -> Batch:
        """All training records whose labels are seen as one batch, without waveforms."""
        return self.datamodule.dataset(self.datamodule.labelled).without_waveforms()

    def embeddings(self) -> Embeddings:
        """Embeddings of both towers and labels of the training records whose labels are seen, without augmentation."""
        predicted = predict_from(self.trainer, self.task, self.datamodule.labelled_dataloader())
        assert predicted.ecg_embedding is not None
        assert predicted.text_embedding is not None
        labels = torch.from_numpy(self.datamodule.targets.values[predicted.rows.numpy()])
        return Embeddings(predicted.ecg_embedding, predicted.text_embedding, labels)


def label_free_columns(
    trainer: lightning.Trainer, task: DiagnosisTask, datamodule: EcgReportDataModule, splits: Sequence[str]
) -> pl.DataFrame:
    """Predict some splits after pre-training, before any label was seen by the towers.

    Returns:
        Columns ``zero_shot.probability.<class>`` (the method's own logits) and ``linear_probe.probability.<class>``
        (logistic regression on the waveform's embedding, solved on the training records whose labels are seen), those
        of ``Method.label_free``, in order of the splits.
    """
    from ecgmm.models.logistic_regression import LinearReadout  # for runs of two stages only

    predicted = predict(trainer, task, datamodule, splits)
    train = predict_from(trainer, task, datamodule.labelled_dataloader())
    assert train.ecg_embedding is not None
    assert predicted.ecg_embedding is not None
    probe = LinearReadout(train.ecg_embedding.shape[1], len(task.class_names))
    probe.fit(train.ecg_embedding, torch.from_numpy(datamodule.targets.values[train.rows.numpy()]))
    probabilities = {
        "zero_shot": predicted.probabilities[""],
        "linear_probe": task.probabilities(probe(predicted.ecg_embedding)),
    }
    allowed = {name: probabilities[name] for name in task.method.label_free}
    return pl.DataFrame(probability_columns(allowed, task.class_names))
