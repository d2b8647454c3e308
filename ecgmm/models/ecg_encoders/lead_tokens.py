"""Tokens of every lead and stretch of time in one transformer, for any subset of the leads."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, embedding, max_pool2d

from ecgmm.leads import N_LEADS
from ecgmm.models.ecg_encoders.layers import as_image
from ecgmm.models.transformer_shape import TransformerShape


class EcgTokens(NamedTuple):
    """States of the tokens of a batch of waveforms.

    Attributes:
        states: float ``[B, N, width]``; the first token stands for the record and is there for every record.
        mask: bool ``[B, N]``, True at tokens of leads that are there. States elsewhere are not to be used.
    """

    states: Tensor
    mask: Tensor

    def pooled(self) -> Tensor:
        """Mean of the tokens that are there: ``[B, width]``."""
        shares = self.mask / self.mask.sum(dim=1, keepdim=True)
        mean: Tensor = (shares.unsqueeze(1) @ self.states.float()).squeeze(1)
        return mean


class LeadTokeniser(Protocol):
    """Maker of tokens, an ``nn.Module``, the same for every lead.

    Attributes:
        n_samples: Length of a stretch.
    """

    n_samples: int

    def __call__(self, segments: Tensor) -> Tensor:
        """Map stretches to tokens: float ``[B, L, M, n_samples] -> [B, L, M, width]``."""


class LeadTokens(nn.Module):
    """Transformer over one token for each lead and stretch of time, marked with its lead and its time.

    Source: Liu et al., "Knowledge-enhanced multimodal ECG representation learning with arbitrary-lead inputs", arXiv
    2502.17900. A lead without signal, exactly 0 throughout, has no tokens, so nothing depends on what stands for it.
    In training, leads and stretches are left out at random: of each record a random 9 to 12 leads stay (if
    ``most_leads_out`` is 3), and of each lead, independently, all but ``segments_out`` of its stretches.

    Args:
        tokeniser: Makes a token of each stretch.
        max_segments: Largest M, the number of learned places in time.
        width: Width of the tokens.
        n_layers: Layers of the transformer.
        n_heads: Attention heads of each layer; divides ``width``.
        feedforward_width: Width inside the layers' feed-forward networks.
        dropout: Dropout in the transformer.
        most_leads_out: Most leads that are left out of a record in training.
        segments_out: Part of the stretches that is left out of each lead in training.
    """

    def __init__(
        self,
        tokeniser: LeadTokeniser,
        max_segments: int,
        width: int,
        n_layers: int,
        n_heads: int,
        feedforward_width: int,
        dropout: float,
        most_leads_out: int,
        segments_out: float,
    ) -> None:
        super().__init__()
        self.width = width
        self.most_leads_out = most_leads_out
        self.segments_out = segments_out
        self.tokeniser = tokeniser
        self.lead = nn.Parameter(torch.randn(N_LEADS, 1, width) * 0.02)
        self.time = nn.Parameter(torch.randn(max_segments, width) * 0.02)
        self.record = nn.Parameter(torch.randn(width) * 0.02)
        self.transformer = TransformerShape(width, n_layers, n_heads, dropout).encoder(feedforward_width)

    def layer_prefixes(self) -> list[list[str]]:
        """What the names of the weights of each layer begin with, from the input on."""
        n_layers = len(self.transformer.layers)
        first = ["tokeniser", "lead", "time", "record"]
        return [first, *([f"transformer.layers.{place}"] for place in range(n_layers))]

    def forward(self, waveforms: Tensor, has_waveform: Tensor) -> EcgTokens:
        """Encode float waveforms ``[B, 12, T]``; ``has_waveform`` is bool ``[B]``."""
        present = waveforms.any(dim=-1) & has_waveform.unsqueeze(-1)
        segments = cut(waveforms * present.unsqueeze(-1), self.tokeniser.n_samples)
        times = self.time[: segments.shape[2]]
        if self.training:  # before the tokeniser, which is the dearest part: what is left out costs nothing
            present = leave_leads_out(present, self.most_leads_out)
            kept = kept_segments(segments.shape[:3], self.segments_out, segments.device)
            segments = segments.gather(2, kept.unsqueeze(-1).expand(-1, -1, -1, segments.shape[3]))
            times = embedding(kept, times)
        tokens = self.tokeniser(segments) + self.lead + times
        mask = present.repeat_interleave(tokens.shape[2], dim=1)
        sequence = torch.cat([self.record.expand(tokens.shape[0], 1, -1), tokens.flatten(1, 2)], dim=1)
        mask = torch.cat([torch.ones_like(mask[:, :1]), mask], dim=1)
        return EcgTokens(self.transformer(sequence, src_key_padding_mask=~mask), mask)


class LinearPatches(nn.Module):
    """Stretches of a lead, each mapped by one linear layer.

    Args:
        rate_hz: Sampling rate of the waveforms.
        segment_s: Length of a stretch in seconds.
        width: Width of the tokens.
    """

    def __init__(self, rate_hz: float, segment_s: float, width: int) -> None:
        super().__init__()
        self.n_samples = round(segment_s * rate_hz)
        self.linear = nn.Linear(self.n_samples, width)

    def forward(self, segments: Tensor) -> Tensor:
        """Map ``[B, L, M, n_samples]`` to ``[B, L, M, width]``."""
        tokens: Tensor = self.linear(segments)
        return tokens


class ConvolutionalSegments(nn.Module):
    """Layers of convolution over each stretch, the same for all leads, and the mean and maximum of what they give.

    A linear patch must learn every wave anew at each place where it may lie in the patch, for which a few thousand
    records are too few; these features move with the wave. The first layer is sized in seconds and every further one
    halves the rate. A batch norm stands behind the pooling, since means and maxima of what is never negative differ
    little between stretches: without it the method hardly learns (docs/understand/baselines.md).

    Args:
        rate_hz: Sampling rate of the waveforms.
        segment_s: Length of a stretch in seconds.
        width: Width of the tokens.
        channels: Output channels of each layer.
        stem_kernel_s: Length of the first layer's filters in seconds.
        stem_hz: Rate at which the first layer gives out features; its stride follows from it.
        kernel_size: Length of the filters of the other layers, in samples at their own rate.
        batch_norm: A batch norm in each layer as well.
    """

    def __init__(
        self,
        rate_hz: float,
        segment_s: float,
        width: int,
        channels: Sequence[int],
        stem_kernel_s: float,
        stem_hz: float,
        kernel_size: int,
        batch_norm: bool,
    ) -> None:
        super().__init__()
        self.n_samples = round(segment_s * rate_hz)
        stem_kernel = round(stem_kernel_s * rate_hz) // 2 * 2 + 1
        self.layers = nn.Sequential(
            *_layer(1, channels[0], stem_kernel, max(1, round(rate_hz / stem_hz)), batch_norm),
            *(part for pair in pairwise(channels) for part in _layer(*pair, kernel_size, 2, batch_norm)),
        )
        self.norm = nn.BatchNorm1d(2 * channels[-1])
        self.linear = nn.Linear(2 * channels[-1], width)

    def forward(self, segments: Tensor) -> Tensor:
        """Map ``[B, L, M, n_samples]`` to ``[B, L, M, width]``."""
        features: Tensor = self.layers(as_image(segments.reshape(-1, 1, self.n_samples)))
        whole = features.shape[2:]  # pooling layers, unlike mean() and amax(), keep to the layout of ``as_image``
        pooled = torch.cat([avg_pool2d(features, whole), max_pool2d(features, whole)], dim=1)
        tokens: Tensor = self.linear(self.norm(pooled.flatten(1))).unflatten(0, segments.shape[:3])
        return tokens


def _layer(n_in: int, n_out: int, kernel_size: int, stride: int, batch_norm: bool) -> list[nn.Module]:
    shape: dict[str, Any] = {"kernel_size": (1, kernel_size), "stride": (1, stride), "padding": (0, kernel_size // 2)}
    norm = [nn.BatchNorm2d(n_out)] if batch_norm else []
    return [nn.Conv2d(n_in, n_out, **shape, bias=not batch_norm), *norm, nn.ReLU(inplace=True)]


def cut(waveforms: Tensor, n_samples: int) -> Tensor:
    """Cut ``[B, L, T]`` into stretches ``[B, L, T / n_samples, n_samples]``; what is left at the end is not used."""
    return waveforms.unfold(-1, n_samples, n_samples)


def leave_leads_out(present: Tensor, most: int) -> Tensor:
    """Leave 0 to ``most`` leads out of each record; leads that are missing anyhow count as left out first.

    Args:
        present: bool ``[B, L]``.
        most: Most leads to leave out; how many is drawn for each record.

    Returns:
        bool ``[B, L]``.
    """
    n_records, n_leads = present.shape
    n_kept = n_leads - torch.randint(most + 1, (n_records, 1), device=present.device)
    luck = torch.rand(present.shape, device=present.device) + ~present
    return present & (luck.argsort(dim=1).argsort(dim=1) < n_kept)


def kept_segments(shape: Sequence[int], part: float, device: torch.device) -> Tensor:
    """Draw the stretches of each lead of each record that stay, each lead on its own.

    Args:
        shape: Records, leads and stretches ``[B, L, M]``.
        part: Part to leave out.
        device: Where to draw.

    Returns:
        int64 ``[B, L, M - round(part M)]``, their places.
    """
    n_kept = shape[2] - round(part * shape[2])
    return torch.rand(tuple(shape), device=device).argsort(dim=2)[:, :, :n_kept]
