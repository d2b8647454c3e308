"""Control: how often each class occurs, and nothing else. What any method must beat."""

import torch
from torch import Tensor, nn

from ecgmm.models.method import ClosedFormMethod, require_every_class
from ecgmm.types import Batch, ModelOutput


class Majority(ClosedFormMethod):
    """The same logits for every record: log priors for single-label, log odds of the prevalences for multi-label.

    Args:
        criterion: Loss of logits and labels, reported but not optimised.
        n_classes: K.
    """

    name = "majority"
    inputs_at_test = ()
    reference = "Control: class frequencies of the training split"
    fidelity = "control"

    logits: Tensor

    def __init__(self, criterion: nn.Module, n_classes: int) -> None:
        super().__init__(criterion)
        self.register_buffer("logits", torch.zeros(n_classes))

    def fit(self, train: Batch) -> None:
        """Count the classes of the training split (see base class)."""
        n_classes = len(self.logits)
        require_every_class(train.labels, n_classes)
        if train.labels.is_floating_point():
            logits = train.labels.double().mean(dim=0).logit()
        else:
            logits = (train.labels.bincount(minlength=n_classes) / len(train.labels)).log()
        self.logits.copy_(logits)

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch."""
        return ModelOutput(logits=self.logits.expand(batch.rows.shape[0], -1).clone())
