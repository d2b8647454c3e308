"""What the published encoders have in common: the form of their input, windows, and a mean over time."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor, nn

from ecgmm.models.ecg_encoders.layers import MeanPooling
from ecgmm.models.ecg_encoders.published_input import Expected, PublishedInput
from ecgmm.models.ecg_encoders.published_names import Rule, renamed


class WindowEncoder(nn.Module, ABC):
    """Encoder whose weights others have published: prepares its own input, and knows the names in their files.

    A record longer than what the network sees at once is cut into windows; the embedding is the mean over the features
    of all windows, mapped to D by one linear layer, which is ours: no file holds it.

    Attributes:
        expected: What the weights were trained on.
        whose: Whose weights these are, for messages.
        rules: Names in the published files and here.
        network: All that the published files have weights for.

    Args:
        network: Maps windows to features.
        n_channels: Number C of features at each time.
        dim: Width D of the embedding.
        rate_hz: Sampling rate of the waveforms.
        lead_mean_mv: Mean of each lead that the waveforms were standardised with.
        lead_std_mv: Standard deviation of each lead that the waveforms were standardised with.
        dropout: Dropout before the last linear layer.
    """

    expected: ClassVar[Expected]
    whose: ClassVar[str]
    rules: ClassVar[tuple[Rule, ...]]

    def __init__(
        self,
        network: nn.Module,
        n_channels: int,
        dim: int,
        rate_hz: float,
        lead_mean_mv: Sequence[float],
        lead_std_mv: Sequence[float],
        dropout: float,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.n_channels = n_channels
        self.input = PublishedInput(self.expected, rate_hz, lead_mean_mv, lead_std_mv)
        self.network = network
        self.pooling = MeanPooling(n_channels, dim, dropout)

    @abstractmethod
    def window_features(self, windows: Tensor) -> Tensor:
        """Compute features of prepared windows: float ``[B, 12, N] -> [B, C, T']``."""

    def published_names(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename the weights of a public file to those of this module, without the file's own heads.

        Returns:
            Every weight of ``network``.

        Raises:
            ConfigError: If the file is not theirs.
        """
        own = {f"network.{name}": weight for name, weight in self.network.state_dict().items()}
        return renamed(state, self.rules, own, self.whose)

    def features(self, waveforms: Tensor) -> Tensor:
        """Compute features over time, one window after the other: float ``[B, 12, T] -> [B, C, W T']``."""
        windows: Tensor = self.input(waveforms)
        features: Tensor = self.window_features(windows.flatten(0, 1)).unflatten(0, windows.shape[:2])  # [B, W, C, T']
        return features.transpose(1, 2).flatten(2)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Encode float waveforms ``[B, 12, T]`` as ``[B, D]``."""
        embedding: Tensor = self.pooling(self.features(waveforms))
        return embedding
