"""Tokens of every lead and stretch of time, of which any part can be encoded alone: an encoder for masked learning."""

import torch
from torch import Tensor, nn

from ecgmm.leads import N_LEADS
from ecgmm.models.transformer_shape import TransformerShape, sinusoids


class PatchTokens(nn.Module):
    """Transformer over patches of single leads, each marked with its lead and its time, and one separator a lead.

    Source: ST-MEM (Na et al., "Guiding masked representation learning to capture spatio-temporal relationship of
    electrocardiogram", ICLR 2024, arXiv 2402.09450) and its public code. A lead without signal, exactly 0 throughout,
    gets no attention.

    Args:
        tokeniser: Cuts leads into tokens, float ``[B, L, n_samples] -> [B, L, 1, width]`` where a lead is one patch,
            whose length is its ``n_samples``.
        width: Width D of the tokens, and of the embedding.
        n_layers: Layers of the transformer.
        n_heads: Attention heads of each layer; divides ``width``.
        feedforward_width: Width inside the layers' feed-forward networks.
        dropout: Dropout in the transformer.
    """

    def __init__(
        self, tokeniser: nn.Module, width: int, n_layers: int, n_heads: int, feedforward_width: int, dropout: float
    ) -> None:
        super().__init__()
        self.dim = self.width = width
        self.n_samples: int = tokeniser.n_samples  # type: ignore[assignment]  # an nn.Module may hold anything
        self.tokeniser = tokeniser
        self.lead = nn.Parameter(torch.randn(N_LEADS, 1, width) * 0.02)
        self.separator = nn.Parameter(torch.randn(width) * 0.02)
        self.transformer = TransformerShape(width, n_layers, n_heads, dropout).encoder(feedforward_width)

    def layer_prefixes(self) -> list[list[str]]:
        """What the names of the weights of each layer begin with, from the input on."""
        n_layers = len(self.transformer.layers)
        first = ["tokeniser", "lead", "separator"]
        return [first, *([f"transformer.layers.{place}"] for place in range(n_layers))]

    def cut(self, waveforms: Tensor) -> Tensor:
        """Cut ``[B, 12, T]`` into patches ``[B, 12, M, n_samples]``; what is left at the end is not used."""
        return waveforms.unfold(-1, self.n_samples, self.n_samples)

    def tokens(self, patches: Tensor) -> Tensor:
        """Make a token of each patch ``[B, 12, M, n_samples]``, seeing no other: ``[B, 12, M, width]``."""
        one_each: Tensor = self.tokeniser(patches.flatten(1, 2))[:, :, 0].unflatten(1, patches.shape[1:3])
        return one_each + sinusoids(patches.shape[2], self.width, patches.device)

    def forward(self, tokens: Tensor, present: Tensor) -> Tensor:
        """Let tokens see each other.

        Args:
            tokens: All tokens of each lead or some, ``[B, 12, m, width]``.
            present: bool ``[B, 12]``, leads that are there. Where none is, the first stands in.

        Returns:
            States ``[B, 12, 1 + m, width]``, the separator of each lead before its tokens.
        """
        separators = self.separator.to(tokens.dtype).expand(*tokens.shape[:2], 1, -1)
        sequence = torch.cat([separators, tokens], dim=2) + self.lead
        none = ~present.any(dim=1, keepdim=True)
        seen = torch.cat([present[:, :1] | none, present[:, 1:]], dim=1).repeat_interleave(sequence.shape[2], dim=1)
        states: Tensor = self.transformer(sequence.flatten(1, 2), src_key_padding_mask=~seen).unflatten(
            1, sequence.shape[1:3]
        )
        return states


def pooled(states: Tensor, present: Tensor) -> Tensor:
    """Average the states of the tokens of present leads, separators left out.

    Args:
        states: ``[B, 12, 1 + m, width]`` of ``PatchTokens``.
        present: bool ``[B, 12]``.

    Returns:
        float32 ``[B, width]``; zeros where no lead is there.
    """
    shares = present / present.sum(dim=1, keepdim=True).clamp(min=1)
    mean: Tensor = (shares.unsqueeze(1) @ states[:, :, 1:].float().mean(dim=2)).squeeze(1)
    return mean
