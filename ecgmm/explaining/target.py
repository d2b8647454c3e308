"""What is explained: the log-odds of one class as a function of the waveform and of the report's tokens."""

import torch
from torch import Tensor, nn

from ecgmm.models.method import Method
from ecgmm.runs.facts import Task
from ecgmm.runs.loading import SavedModel
from ecgmm.types import Batch


def log_odds(logits: Tensor, task: Task) -> Tensor:
    """Log-odds ``log(p / (1 - p))`` of each class, ``[B, K] -> [B, K]``.

    Of a single-label task that is the logit less ``logsumexp`` of the others: a softmax knows logits but for a
    constant, and an explanation of one logit alone would explain that constant too.
    """
    if task == "multi_label":
        return logits
    own = torch.eye(logits.shape[1], dtype=torch.bool, device=logits.device)
    others = logits.unsqueeze(1).masked_fill(own, -torch.inf).logsumexp(dim=2)
    return logits - others


def probabilities(logits: Tensor, task: Task) -> Tensor:
    """Probability of each class, ``[B, K] -> [B, K]``."""
    return logits.sigmoid() if task == "multi_label" else logits.softmax(dim=1)


def repeated(batch: Batch, n: int) -> Batch:
    """A batch of one record as n times the same record, without copies."""
    return Batch(*(part.expand(n, *part.shape[1:]) for part in batch))


class ClassLogOdds(nn.Module):
    """Log-odds of one class for one record whose waveform and tokens are varied; all else of it stays.

    Attributes:
        waveform: Passes waveforms on: a place in the network at which captum can take hold of them.

    Args:
        model: A saved model.
        batch: The record, prepared.
        class_index: The class.
    """

    def __init__(self, model: SavedModel, batch: Batch, class_index: int) -> None:
        super().__init__()
        self.method: Method = model.method
        self.task: Task = model.facts.task
        self.batch = batch
        self.class_index = class_index
        self.waveform = nn.Identity()

    def forward(self, waveforms: Tensor, token_ids: Tensor) -> Tensor:
        """Log-odds ``[n]`` for float waveforms ``[n, 12, T]`` and token ids ``[n, N]``."""
        varied = repeated(self.batch, len(waveforms))._replace(waveforms=self.waveform(waveforms), token_ids=token_ids)
        return log_odds(self.method(varied).logits, self.task)[:, self.class_index]
