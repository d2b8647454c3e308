"""The paper's report encoder: word embedding with attention pooling."""

import torch
from torch import Tensor, nn

from ecgmm.types import PADDING_ID


class AttentionPooling(nn.Module):
    """Weighted mean of word embeddings; a learned query decides which words count.

    ``u_i = tanh(W e_i + b)``, ``a = softmax(q^T u_i)``, ``h_t = sum_i a_i e_i`` (Yang et al., "Hierarchical attention
    networks for document classification", NAACL 2016, equations 5 to 7; the paper names the kind of network only).

    Args:
        vocabulary_size: Number of token ids, padding and unknown included.
        dim: Width D of word embeddings and of the report's embedding.
        dropout: Dropout on the word embeddings.
    """

    def __init__(self, vocabulary_size: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.dim = dim
        self.embedding = nn.Embedding(vocabulary_size, dim, padding_idx=PADDING_ID)
        self.key = nn.Linear(dim, dim)
        self.query = nn.Parameter(torch.randn(dim) / dim**0.5)
        self.dropout = nn.Dropout(dropout)

    def forward(self, token_ids: Tensor, token_mask: Tensor) -> Tensor:
        """Encode reports.

        Args:
            token_ids: int64 ``[B, N]``.
            token_mask: bool ``[B, N]``, True at real tokens.

        Returns:
            ``[B, D]``; exact zeros for a report without tokens.
        """
        words = self.dropout(self.embedding(token_ids))
        scores = (torch.tanh(self.key(words)) @ self.query).float()
        weights = scores.masked_fill(~token_mask, torch.finfo(scores.dtype).min).softmax(dim=-1) * token_mask
        embedding: Tensor = (weights.unsqueeze(1) @ words).squeeze(1)
        return embedding
