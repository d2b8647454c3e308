"""Base of the contrastive rows of Table 2: two stages, and a linear readout of both embeddings."""

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from ecgmm.models.logistic_regression import LinearReadout
from ecgmm.models.method import Method, TrainingSplit
from ecgmm.types import Batch, ModelOutput


class ContrastiveMethod(Method):
    """Learns from pairs of waveform and report, and classifies the waveform alone.

    Stage ``pretrain`` learns from pairs and never sees a label: its logits are zero-shot. Stage ``classify`` learns
    from labels alone, stage ``joint`` from both. A linear readout of both embeddings, solved after training, says
    what the report adds at test (late fusion of the method's own two towers).

    Args:
        criterion: Loss of logits and labels.
        n_classes: K.
        dim: Width D of each of the two embeddings in ``ModelOutput``.
    """

    two_stages: ClassVar[bool] = True
    inputs_at_test = ("ecg",)
    readouts: ClassVar[dict[str, tuple[str, ...]]] = {"report": ("ecg", "text")}

    def __init__(self, criterion: nn.Module, n_classes: int, dim: int) -> None:
        super().__init__(criterion)
        self.report_readout = LinearReadout(2 * dim, n_classes)

    @abstractmethod
    def pair_losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Name the loss terms that need no label; records that lack a modality take no part."""

    def losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Name the terms of the present stage: pairs, labels (``cls``), or both."""
        pairs = {} if self.stage == "classify" else self.pair_losses(output, batch)
        labels = {} if self.stage == "pretrain" else super().losses(output, batch)
        return pairs | labels

    def output(self, logits: Tensor, h_e: Tensor, h_t: Tensor, **extra: Tensor) -> ModelOutput:
        """Put an output together: embeddings ``[B, D]`` (zeros for what is missing) and their readout."""
        readouts = {"report": self.report_readout(torch.cat([h_e, h_t], dim=-1).detach())}
        return ModelOutput(logits.float(), None, h_e, h_t, readouts, extra)

    def after_training(self, train: TrainingSplit) -> None:
        """Solve the readout on the embeddings and labels of the training split."""
        embeddings = train.embeddings()
        self.report_readout.fit(torch.cat([embeddings.ecg, embeddings.text], dim=-1), embeddings.labels)
