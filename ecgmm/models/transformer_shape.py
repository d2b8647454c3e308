"""Sizes of the transformers that methods build for themselves, the layers of these sizes, and places in sequences."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class TransformerShape:
    """Sizes of a transformer.

    Its norms stand before the layers' parts (Xiong et al., "On layer normalization in the transformer architecture",
    ICML 2020), which trains without a long warm-up.

    Attributes:
        width: Width of the tokens.
        n_layers: Number of layers.
        n_heads: Attention heads of each layer; divides ``width``.
        dropout: Dropout in the layers.
    """

    width: int
    n_layers: int
    n_heads: int
    dropout: float

    def encoder(self, feedforward_width: int | None = None) -> nn.TransformerEncoder:
        """Build layers of self-attention; inside their feed-forward networks four times the width unless told."""
        layer = nn.TransformerEncoderLayer(
            *(self.width, self.n_heads, feedforward_width or 4 * self.width, self.dropout),
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        norm = nn.LayerNorm(self.width)
        return nn.TransformerEncoder(layer, self.n_layers, norm=norm, enable_nested_tensor=False)

    def decoder(self, feedforward_width: int | None = None) -> nn.TransformerDecoder:
        """Build layers of self-attention and cross-attention; feed-forward networks as those of ``encoder``."""
        layer = nn.TransformerDecoderLayer(
            *(self.width, self.n_heads, feedforward_width or 4 * self.width, self.dropout),
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        return nn.TransformerDecoder(layer, self.n_layers, norm=nn.LayerNorm(self.width))


def sinusoids(n: int, width: int, device: torch.device) -> Tensor:
    """Sines and cosines of places 0 to n - 1: ``[n, width]``.

    Source: Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3.5, all sines before all cosines.
    """
    rates = 10_000.0 ** -torch.arange(0, 1, 2 / width, device=device)
    angles = torch.arange(n, device=device).unsqueeze(1) * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)
