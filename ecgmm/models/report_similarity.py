"""Similarity of the reports of a batch: soft targets in place of "only its own report is right"."""

import torch
from torch import Tensor, nn

from ecgmm.models.contrastive import cosine, same_report
from ecgmm.models.text_encoders.transformer import Transformer
from ecgmm.types import UNKNOWN_ID, Batch


class StatementOverlap(nn.Module):
    """Cosine of statement counts; statements without an id of their own do not count, equal reports are always 1.

    Args:
        n_statements: Number of statement ids, padding and unknown included.
    """

    def __init__(self, n_statements: int) -> None:
        super().__init__()
        self.n_statements = n_statements

    def forward(self, batch: Batch) -> Tensor:
        """Compare all reports of a batch: float32 ``[B, B]`` in [0, 1]."""
        ids = batch.statement_ids
        counts = torch.zeros(len(ids), self.n_statements, device=ids.device)
        counts.scatter_add_(1, ids, (ids > UNKNOWN_ID).float())
        return torch.maximum(cosine(counts, counts), same_report(batch.token_ids, batch.token_mask).float())


class FrozenEmbeddings(nn.Module):
    """Cosine, not below 0, of mean token states of a transformer that never learns.

    Args:
        text_encoder: A pre-trained encoder of its own; its last linear layer is not used.
    """

    def __init__(self, text_encoder: Transformer) -> None:
        super().__init__()
        self.model = text_encoder.model.requires_grad_(False)

    def train(self, mode: bool = True) -> "FrozenEmbeddings":
        """Stay in evaluation mode."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, batch: Batch) -> Tensor:
        """Compare all reports of a batch: float32 ``[B, B]`` in [0, 1]."""
        attended = batch.token_mask | ~batch.token_mask.any(dim=-1, keepdim=True)  # over nothing, kernels give NaN
        states = self.model(input_ids=batch.token_ids, attention_mask=attended.long()).last_hidden_state
        means = (states * batch.token_mask.unsqueeze(-1)).sum(dim=1)  # a cosine does not ask for the length
        return torch.maximum(cosine(means, means), same_report(batch.token_ids, batch.token_mask).float())
