"""Encoder of spectrograms: short-time Fourier transform of every lead, then a two-dimensional residual network."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ecgmm.leads import N_LEADS
from ecgmm.models.ecg_encoders.layers import GlobalPooling


class Spectrogram(nn.Module):
    """Amplitude by frequency and time, compressed by ``log(1 + x)``: float ``[B, 12, T] -> [B, 12, F, T']``.

    Window and hop are given in seconds, so that the image has the same size and, up to ``max_hz``, the same content at
    every sampling rate. Always in float32: in half precision a GPU transforms lengths that are powers of two only.

    Args:
        rate_hz: Sampling rate of the waveforms.
        window_s: Length of the Hann window; its inverse is the distance of two frequencies.
        hop_s: Distance of two windows.
        max_hz: Highest frequency to keep.
    """

    window: Tensor

    def __init__(self, rate_hz: float, window_s: float, hop_s: float, max_hz: float) -> None:
        super().__init__()
        self.n_window = round(window_s * rate_hz)
        self.n_hop = round(hop_s * rate_hz)
        self.n_frequencies = int(max_hz * self.n_window / rate_hz) + 1
        window = torch.hann_window(self.n_window)
        self.register_buffer("window", window / window.sum(), persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Transform waveforms of any length, with zeros before and behind; a sine of amplitude a gives log(1 + a/2)."""
        with torch.autocast(waveforms.device.type, enabled=False):
            leads = waveforms.float().flatten(0, 1)
            amplitude = self._amplitude_by_products(leads) if torch.compiler.is_exporting() else self._amplitude(leads)
            image: Tensor = amplitude.log1p().unflatten(0, waveforms.shape[:2])
        return image

    def _amplitude(self, leads: Tensor) -> Tensor:
        """Amplitudes ``[B L, F, T']`` of leads ``[B L, T]``."""
        spectrum = torch.stft(
            leads, self.n_window, self.n_hop, window=self.window, pad_mode="constant", return_complex=True
        )
        return spectrum[:, : self.n_frequencies].abs()

    def _amplitude_by_products(self, leads: Tensor) -> Tensor:
        """The same by matrix products, which torch.onnx knows: transforms of the few frequencies that are kept."""
        half = self.n_window // 2
        windows = pad(leads, (half, half)).unfold(-1, self.n_window, self.n_hop) * self.window  # [B L, T', n_window]
        places = torch.arange(self.n_window, dtype=torch.float64)
        angles = torch.outer(places, torch.arange(self.n_frequencies)) * (2 * torch.pi / self.n_window)
        real, imaginary = windows @ angles.cos().float(), windows @ angles.sin().float()
        return (real.square() + imaginary.square()).sqrt().transpose(1, 2)


class SpectrogramResNet(nn.Module):
    """Residual network of basic blocks on spectrograms, then mean and maximum over frequency and time.

    The network is ``transformers.ResNetModel`` (He et al., "Deep residual learning", CVPR 2016) with a lead a channel.

    Args:
        dim: Width D of the embedding.
        rate_hz: Sampling rate of the waveforms.
        window_s: See ``Spectrogram``.
        hop_s: See ``Spectrogram``.
        max_hz: See ``Spectrogram``.
        hidden_sizes: Channels of each stage; the stem has as many as the first.
        depths: Residual blocks of each stage.
        dropout: Dropout before the last linear layer.
    """

    def __init__(
        self,
        dim: int,
        rate_hz: float,
        window_s: float,
        hop_s: float,
        max_hz: float,
        hidden_sizes: Sequence[int],
        depths: Sequence[int],
        dropout: float,
    ) -> None:
        super().__init__()
        from transformers import ResNetConfig, ResNetModel  # slow to import

        self.dim = dim
        self.n_channels = hidden_sizes[-1]
        self.spectrogram = Spectrogram(rate_hz, window_s, hop_s, max_hz)
        config = ResNetConfig(
            num_channels=N_LEADS,
            embedding_size=hidden_sizes[0],
            hidden_sizes=list(hidden_sizes),
            depths=list(depths),
            layer_type="basic",
        )
        self.network = ResNetModel(config)
        self.pooling = GlobalPooling(hidden_sizes[-1], dim, dropout)

    def layer_prefixes(self) -> list[list[str]]:
        """What the names of the weights of each layer begin with, from the input on."""
        stages = range(len(self.network.encoder.stages))
        return [["network.embedder"], *([f"network.encoder.stages.{stage}"] for stage in stages), ["pooling"]]

    def features(self, waveforms: Tensor) -> Tensor:
        """Compute features over frequency and time, laid out in one row: float ``[B, 12, T] -> [B, C, F' T'']``."""
        image = self.spectrogram(waveforms).contiguous(memory_format=torch.channels_last)
        features: Tensor = self.network(image).last_hidden_state  # [B, C, F', T'']
        return features.flatten(2)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Encode float waveforms ``[B, 12, T]`` as ``[B, D]``."""
        embedding: Tensor = self.pooling(self.features(waveforms))
        return embedding
