"""Parts that the waveform encoders share.

Convolution over time is done as two-dimensional convolution of height one: the same numbers, but it allows the
``channels_last`` memory layout, which is faster on a CPU.
"""

import torch
from torch import Tensor, nn


def as_image(waveforms: Tensor) -> Tensor:
    """Lay ``[B, C, T]`` out as ``[B, C, 1, T]`` with the channels of one instant side by side in memory."""
    return waveforms.unsqueeze(2).contiguous(memory_format=torch.channels_last)


def convolution(n_in: int, n_out: int, kernel_size: int, stride: int = 1) -> nn.Conv2d:
    """Build a convolution over time without bias (a norm follows), padded with zeros so that stride 1 keeps the length.

    Weights stay contiguous ``[n_out, n_in, 1, kernel_size]``: safetensors refuses other layouts.
    """
    return nn.Conv2d(n_in, n_out, (1, kernel_size), (1, stride), (0, kernel_size // 2), bias=False)


class GlobalPooling(nn.Module):
    """Mean and maximum over time, dropout, one linear layer: ``[B, C, T] -> [B, D]``."""

    def __init__(self, n_channels: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(2 * n_channels, dim)

    def forward(self, features: Tensor) -> Tensor:
        """Pool ``[B, C, T]`` to ``[B, D]``."""
        pooled = torch.cat([features.mean(dim=-1), features.amax(dim=-1)], dim=-1)
        embedding: Tensor = self.linear(self.dropout(pooled))
        return embedding


class MeanPooling(nn.Module):
    """Mean over time, dropout, one linear layer: ``[B, C, T] -> [B, D]``."""

    def __init__(self, n_channels: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(n_channels, dim)

    def forward(self, features: Tensor) -> Tensor:
        """Pool ``[B, C, T]`` to ``[B, D]``."""
        embedding: Tensor = self.linear(self.dropout(features.mean(dim=-1)))
        return embedding
