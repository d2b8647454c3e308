"""Residual networks over time, 18 and 34 layers deep."""

from typing import Literal

from torch import Tensor, nn

from ecgmm.leads import N_LEADS
from ecgmm.models.ecg_encoders.layers import GlobalPooling, as_image, convolution

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
"""Residual blocks in each of the four stages, by depth (He et al., "Deep residual learning", CVPR 2016, table 1)."""


class ResNet1d(nn.Module):
    """ResNet of basic blocks over time.

    Layout as in MERL (Liu et al., ICML 2024, arXiv 2403.06659): stem of length 7 and stride 2, no pooling behind it,
    filters of length 3, stages of 1, 2, 4 and 8 times ``width`` channels that halve the rate from the second on.
    MERL pools by attention; here mean and maximum over time.

    Args:
        dim: Width D of the embedding.
        depth: 18 or 34.
        width: Channels of the stem and the first stage; 64 in MERL.
        dropout: Dropout before the last linear layer.
    """

    def __init__(self, dim: int, depth: Literal[18, 34], width: int, dropout: float) -> None:
        super().__init__()
        self.dim = dim
        self.stem, self.blocks = stem_and_blocks(depth, width)
        self.n_channels = 8 * width
        self.pooling = GlobalPooling(self.n_channels, dim, dropout)

    def layer_prefixes(self) -> list[list[str]]:
        """What the names of the weights of each layer begin with, from the input on."""
        return [["stem"], *([f"blocks.{place}"] for place in range(len(self.blocks))), ["pooling"]]

    def features(self, waveforms: Tensor) -> Tensor:
        """Compute features over time: float ``[B, 12, T] -> [B, 8 * width, T / 16]``."""
        features: Tensor = self.blocks(self.stem(as_image(waveforms)))
        return features.squeeze(2)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Encode float waveforms ``[B, 12, T]`` as ``[B, D]``."""
        embedding: Tensor = self.pooling(self.features(waveforms))
        return embedding


def stem_and_blocks(depth: Literal[18, 34], width: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Build the layers: the first convolution with its norm, and the residual blocks of all stages."""
    stem = nn.Sequential(convolution(N_LEADS, width, 7, stride=2), nn.BatchNorm2d(width), nn.ReLU(inplace=True))
    blocks: list[nn.Module] = []
    n_in = width
    for stage, n_blocks in enumerate(BLOCKS[depth]):
        n_out = width * 2**stage
        for block in range(n_blocks):
            blocks.append(ResidualBlock(n_in, n_out, stride=2 if stage > 0 and block == 0 else 1))
            n_in = n_out
    return stem, nn.Sequential(*blocks)


class ResidualBlock(nn.Module):
    """Two convolutions of length 3 beside a shortcut, which is a convolution of length 1 where the shape changes."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            convolution(n_in, n_out, 3, stride),
            nn.BatchNorm2d(n_out),
            nn.ReLU(inplace=True),
            convolution(n_out, n_out, 3),
            nn.BatchNorm2d(n_out),
        )
        changes = stride != 1 or n_in != n_out
        self.shortcut = (
            nn.Sequential(convolution(n_in, n_out, 1, stride), nn.BatchNorm2d(n_out)) if changes else nn.Identity()
        )
        self.activation = nn.ReLU(inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``[B, n_in, 1, T] -> [B, n_out, 1, T / stride]``."""
        activated: Tensor = self.activation(self.body(features) + self.shortcut(features))
        return activated
