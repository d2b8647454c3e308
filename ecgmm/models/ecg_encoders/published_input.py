"""What a published encoder was trained on, and waveforms in that form: rate, length, order of leads, normalisation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ecgmm.leads import LEADS
from ecgmm.signal.polyphase import resample

STD_FLOOR = 1e-8
"""Added to a deviation or a range before something is divided by it, by every published encoder."""


@dataclass(frozen=True)
class Expected:
    """The form of the waveforms that a published encoder was trained on.

    All four normalise each record by its own numbers, so the unit does not matter; they were given mV.

    Attributes:
        rate_hz: Sampling rate at which records are prepared.
        window_s: Length of what the network sees at once.
        leads: Order of the leads.
        prepare: Filters and normalises whole records, float ``[B, 12, T] -> [B, 12, T]``, leads in that order. A lead
            that is missing is 0 throughout.
    """

    rate_hz: int
    window_s: float
    leads: tuple[str, ...]
    prepare: Callable[[Tensor], Tensor]


class PublishedInput(nn.Module):
    """Waveforms in the form that a published encoder expects: ``[B, 12, T] -> [B, W, 12, N]``.

    The z-scores of ``WaveformPreparation`` become mV again, which keeps the heights of the leads against each other as
    the encoder knows them. They are then resampled, put in order and prepared, and cut into W windows of N samples
    without overlap. What is left at the end is not used; a record shorter than a window is continued by 0 mV.

    Always in float32: filters need it.

    Args:
        expected: What the encoder was trained on.
        rate_hz: Sampling rate of the waveforms.
        lead_mean_mv: Mean of each lead that the z-scores were made with.
        lead_std_mv: Standard deviation of each lead that the z-scores were made with.
    """

    lead_mean_mv: Tensor
    lead_std_mv: Tensor
    order: Tensor

    def __init__(
        self, expected: Expected, rate_hz: float, lead_mean_mv: Sequence[float], lead_std_mv: Sequence[float]
    ) -> None:
        super().__init__()
        self.expected = expected
        self.rate_hz = rate_hz
        self.n_window = round(expected.window_s * expected.rate_hz)
        order = torch.tensor([LEADS.index(lead) for lead in expected.leads])
        self.register_buffer("order", order, persistent=False)
        for name, values in (("lead_mean_mv", lead_mean_mv), ("lead_std_mv", lead_std_mv)):
            self.register_buffer(name, torch.tensor([[value] for value in values]), persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Prepare z-scores ``[B, 12, T]`` of any length; 0 throughout stands for a missing lead."""
        with torch.autocast(waveforms.device.type, enabled=False):
            waveforms = waveforms.float()
            present = waveforms.any(dim=-1, keepdim=True)
            signals_mv = (waveforms * self.lead_std_mv + self.lead_mean_mv) * present
            signals_mv = resample(signals_mv, self.rate_hz, self.expected.rate_hz)
            signals_mv = pad(signals_mv, (0, max(0, self.n_window - signals_mv.shape[-1])))
            signals = self.expected.prepare(signals_mv[:, self.order])
            return signals.unfold(-1, self.n_window, self.n_window).transpose(1, 2)

    def compile(self, *_: Any, **__: Any) -> None:
        """Stay as it is: filters are Fourier transforms, for which ``torch.compile`` has no kernels to write."""


def standardised(signals: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """Signals with mean 0 and standard deviation 1 over some dimensions; constant ones become 0."""
    centred = signals - signals.mean(dim=dim, keepdim=True)
    return centred / (centred.square().mean(dim=dim, keepdim=True).sqrt() + STD_FLOOR)


def to_unit_range(signals: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """Signals with minimum 0 and maximum 1 over some dimensions; constant ones become 0."""
    lowest = signals.amin(dim=dim, keepdim=True)
    return (signals - lowest) / (signals.amax(dim=dim, keepdim=True) - lowest + STD_FLOOR)
