"""The paper's waveform encoder: one-dimensional convolution with pooling."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from ecgmm.leads import N_LEADS
from ecgmm.models.ecg_encoders.layers import GlobalPooling, as_image, convolution


class Convolutional(nn.Module):
    """Layers of convolution, batch norm, ReLU and pooling by two, then mean and maximum over time.

    The paper (section 3) names the kind of network but no sizes. The first layer is sized in seconds, so that the
    layers behind it see the same stretch of time at every sampling rate.

    Args:
        dim: Width D of the embedding.
        rate_hz: Sampling rate of the waveforms.
        channels: Output channels of each layer.
        stem_kernel_s: Length of the first layer's filters in seconds.
        stem_hz: Rate at which the first layer gives out features; its stride follows from it.
        kernel_size: Length of the filters of the other layers, in samples at their own rate.
        dropout: Dropout before the last linear layer.
    """

    def __init__(
        self,
        dim: int,
        rate_hz: float,
        channels: Sequence[int],
        stem_kernel_s: float,
        stem_hz: float,
        kernel_size: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.n_channels = channels[-1]
        stem_kernel = round(stem_kernel_s * rate_hz) // 2 * 2 + 1
        stem = _layer(N_LEADS, channels[0], stem_kernel, max(1, round(rate_hz / stem_hz)))
        self.layers = nn.Sequential(
            *stem, *(part for pair in pairwise(channels) for part in _layer(*pair, kernel_size))
        )
        self.pooling = GlobalPooling(channels[-1], dim, dropout)

    def layer_prefixes(self) -> list[list[str]]:
        """What the names of the weights of each layer begin with, from the input on."""
        convolutions = [place for place, part in enumerate(self.layers) if isinstance(part, nn.Conv2d)]
        return [*([f"layers.{place}", f"layers.{place + 1}"] for place in convolutions), ["pooling"]]

    def features(self, waveforms: Tensor) -> Tensor:
        """Compute features over time: float ``[B, 12, T] -> [B, C, T']``."""
        features: Tensor = self.layers(as_image(waveforms))
        return features.squeeze(2)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Encode float waveforms ``[B, 12, T]`` as ``[B, D]``."""
        embedding: Tensor = self.pooling(self.features(waveforms))
        return embedding


def _layer(n_in: int, n_out: int, kernel_size: int, stride: int = 1) -> list[nn.Module]:
    # Pooling before ReLU gives the same numbers as after it (both are monotone) on half as many samples.
    return [
        convolution(n_in, n_out, kernel_size, stride),
        nn.BatchNorm2d(n_out),
        nn.MaxPool2d((1, 2)),
        nn.ReLU(inplace=True),
    ]
