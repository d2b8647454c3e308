"""Labels that training corrects by its own answers: self-adaptive training."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.types import Batch


class SelfAdaptiveLabels(nn.Module):
    """Label of each training record as an average of what was given and of what the model has answered since.

    From some epoch on, each time that a record is seen, ``t <- m t + (1 - m) p``; the loss compares with ``t``. A model
    learns what is common before it memorises what is wrong (Huang, Zhang and Zhang, "Self-adaptive training: beyond
    empirical risk minimization", NeurIPS 2020, algorithm 1, without its weights of records).

    Args:
        labels: Labels of all rows of the store, int64 ``[N]`` class numbers or float ``[N, K]``.
        n_classes: K.
        from_epoch: First epoch, from 0, whose answers count.
        momentum: The m: what is kept each time.

    Attributes:
        targets: float32 ``[N, K]``, the t. Part of every checkpoint, and so of every resumption.
    """

    targets: Tensor

    def __init__(self, labels: Tensor, n_classes: int, from_epoch: int, momentum: float) -> None:
        super().__init__()
        self.from_epoch = from_epoch
        self.momentum = momentum
        given = labels if labels.is_floating_point() else one_hot(labels, n_classes)
        self.register_buffer("targets", given.float().clone())

    def forward(self, batch: Batch, probabilities: Tensor, epoch: int) -> Batch:
        """Move the labels of a batch towards answers ``[B, K]``, and put them into it."""
        if epoch >= self.from_epoch:
            moved = (1 - self.momentum) * (probabilities.detach() - self.targets[batch.rows])
            self.targets.index_add_(0, batch.rows, moved)
        return batch._replace(labels=self.targets[batch.rows])


def self_adaptive(settings: Mapping[str, Any], datamodule: EcgReportDataModule) -> SelfAdaptiveLabels:
    """Build it as the setting ``self_adaptive`` asks for."""
    labels = torch.from_numpy(datamodule.targets.training)
    n_classes = len(datamodule.targets.class_names)
    return SelfAdaptiveLabels(labels, n_classes, settings["from_epoch"], settings["momentum"])
