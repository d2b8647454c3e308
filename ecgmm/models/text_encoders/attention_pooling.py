"""The paper's report encoder: word embedding with attention pooling."""

import torch
from torch import Tensor, nn

from ecgmm.types import PADDING_ID


class AttentionPooling(nn.Module):
    """Weighted mean of word embeddings, in which a learned query decides which words count; then norm and linear layer.

    ``u_i = tanh(W e_i + b)``, ``a = softmax(q^T u_i)``, ``s = sum_i a_i e_i`` (Yang et al., "Hierarchical attention
    networks for document classification", NAACL 2016, equations 5 to 7), ``h_t = W_o LayerNorm(s) + b_o``. The paper
    names the kind of network only. Without the norm a mean of many words is so short that a few hundred steps do not
    suffice (docs/understand/models.md).

    Args:
        vocabulary_size: Number of token ids, padding and unknown included.
        dim: Width D of word embeddings and of the report's embedding.
        dropout: Dropout on the word embeddings.
    """

    def __init__(self, vocabulary_size: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.dim = self.width = dim
        self.embedding = nn.Embedding(vocabulary_size, dim, padding_idx=PADDING_ID)
        with torch.no_grad():
            self.embedding.weight.mul_(dim**-0.5)  # short at first, so that learning soon outweighs chance
        self.dropout = nn.Dropout(dropout)
        self.key = nn.Linear(dim, dim)
        self.query = nn.Parameter(torch.randn(dim) * dim**-0.5)
        self.norm = nn.LayerNorm(dim)
        self.linear = nn.Linear(dim, dim)

    def layer_prefixes(self) -> list[list[str]]:
        """What the names of the weights of each layer begin with, from the input on."""
        return [["embedding"], ["key", "query", "norm", "linear"]]

    @property
    def word_table(self) -> nn.Module:
        """The embedding that ``embed`` asks."""
        return self.embedding

    def embed(self, token_ids: Tensor) -> Tensor:
        """Look words up: ids ``[B, N] -> [B, N, width]``."""
        words: Tensor = self.embedding(token_ids)
        return words

    def token_states(self, token_ids: Tensor, token_mask: Tensor) -> Tensor:
        """Word embeddings ``[B, N] -> [B, N, width]``; they know nothing of their neighbours."""
        words: Tensor = self.dropout(self.embed(token_ids))
        return words

    def pool(self, words: Tensor, token_mask: Tensor) -> Tensor:
        """Average words ``[B, N, width]`` by attention: ``[B, width]``, zeros where all is masked."""
        scores = (torch.tanh(self.key(words)) @ self.query).float()
        weights = scores.masked_fill(~token_mask, torch.finfo(scores.dtype).min).softmax(dim=-1) * token_mask
        pooled: Tensor = (weights.unsqueeze(1) @ words).squeeze(1)
        return pooled

    def summarise(self, states: Tensor, token_mask: Tensor) -> Tensor:
        """Embed a report from its ``token_states`` ``[B, N, width]``: ``[B, D]``, zeros where all is masked."""
        embedding: Tensor = self.linear(self.norm(self.pool(states, token_mask)))
        return embedding * token_mask.any(dim=-1, keepdim=True)

    def encode(self, words: Tensor, token_mask: Tensor) -> Tensor:
        """Encode word embeddings ``[B, N, width]``, which need not come from the vocabulary: ``[B, D]``."""
        return self.summarise(self.dropout(words), token_mask)

    def forward(self, token_ids: Tensor, token_mask: Tensor) -> Tensor:
        """Encode reports.

        Args:
            token_ids: int64 ``[B, N]``.
            token_mask: bool ``[B, N]``, True at real tokens.

        Returns:
            ``[B, D]``; exact zeros for a report without tokens.
        """
        return self.encode(self.embed(token_ids), token_mask)
