"""Classification loss of methods that learn from the labels of some classes and recognise the others by words."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ecgmm.errors import ConfigError
from ecgmm.models.criteria import Criterion, ForwardCorrection


class SeenClassLoss(nn.Module):
    """A classification loss to which unseen classes do not exist: neither their logits nor their labels count.

    With one class per record, records of an unseen class are left out; soft targets count by their most probable class,
    and what they give to seen classes is scaled to sum to 1.

    Args:
        criterion: ``CrossEntropyLoss``, ``BCEWithLogitsLoss`` or one of ``ecgmm.models.criteria``.
    """

    seen: Tensor

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
        self.all_seen = all(seen)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Compare logits ``[B, K]`` with labels; 0 with zero gradient if no record is left."""
        if not self.all_seen and self._one_class_a_record():
            shares = labels if labels.is_floating_point() else one_hot(labels, len(self.seen)).float()
            kept = self.seen[shares.argmax(dim=1)]
            logits, shares = logits[kept][:, self.seen], shares[kept][:, self.seen]
            labels = shares / shares.sum(dim=1, keepdim=True)
        elif not self.all_seen:
            logits, labels = logits[:, self.seen], labels[:, self.seen]
        loss: Tensor = self.criterion(logits, labels) if len(logits) else logits.sum()
        return loss

    def _one_class_a_record(self) -> bool:
        criterion = self.criterion
        if isinstance(criterion, Criterion):
            return criterion.task == "single_label"
        return isinstance(criterion, nn.CrossEntropyLoss)
