"""Classification loss of methods that learn from the labels of some classes and recognise the others by words."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ecgmm.errors import ConfigError
from ecgmm.models.criteria import Criterion, ForwardCorrection, shares_of
from ecgmm.models.method import loss_of

_LEAST = 1e-6
"""Share of the seen classes below any of a record that counts: those of others are divided by it in place of 0."""


class SeenClassLoss(nn.Module):
    """A classification loss to which unseen classes do not exist: neither their logits nor their labels count.

    With one class per record, records of an unseen class are left out; soft targets count by their most probable class,
    and what they give to seen classes is scaled to sum to 1.

    Args:
        criterion: ``CrossEntropyLoss``, ``BCEWithLogitsLoss`` or one of ``ecgmm.models.criteria``.
    """

    seen: Tensor
    columns: Tensor

    def __init__(self, criterion: nn.Module) -> None:
        super().__init__()
        self.criterion = criterion

    def bind(self, seen: Sequence[bool]) -> None:
        """Say which of the K classes are seen.

        Raises:
            ConfigError: If the criterion asks how all classes are mislabelled, and some are unseen.
        """
        if not all(seen) and isinstance(self.criterion, ForwardCorrection):
            raise ConfigError(
                "criterion=forward_correction estimates how all classes are mislabelled, and method.unseen_classes"
                " leaves some out; choose another criterion"
            )
        self.register_buffer("seen", torch.tensor(seen), persistent=False)
        self.register_buffer("columns", self.seen.nonzero().squeeze(1), persistent=False)
        self.all_seen = all(seen)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Compare logits ``[B, K]`` with labels; 0 with zero gradient if no record is left."""
        if not self.all_seen and self._one_class_a_record():
            shares = shares_of(labels, len(self.seen))
            kept = self.seen[shares.argmax(dim=1)]
            shares = shares[:, self.columns]
            labels = shares / shares.sum(dim=1, keepdim=True).clamp(min=_LEAST)
            return loss_of(self.criterion, logits[:, self.columns], labels, kept)
        if not self.all_seen:
            logits, labels = logits[:, self.columns], labels[:, self.columns]
        loss: Tensor = self.criterion(logits, labels)
        return loss

    def _one_class_a_record(self) -> bool:
        criterion = self.criterion
        if isinstance(criterion, Criterion):
            return criterion.task == "single_label"
        return isinstance(criterion, nn.CrossEntropyLoss)
