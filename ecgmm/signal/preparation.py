"""Waveform preparation on the device: int16 store steps of a batch to the z-scores that every encoder sees."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ecgmm.signal.drift import remove_drift
from ecgmm.signal.missing import repair_missing
from ecgmm.signal.normalise import is_flat, standardise_
from ecgmm.signal.spikes import limit_spikes_

if TYPE_CHECKING:
    from ecgmm.signal.completion import LeadCompletion  # 4,096 matrices that most runs do without


class WaveformPreparation(nn.Module):
    """Missing-sample repair, spike limiting, drift removal, per-lead z-score and lead completion, in this order.

    Spikes are limited before the drift filter, so that a spike cannot swing the baseline around it. Drift
    removal and completion are options. The same module training, evaluation and prediction; nothing in it is random.

    Args:
        lead_mean_mv: Mean of each lead over the training split, in mV, spike-limited.
        lead_std_mv: Standard deviation of each lead over the training split, in mV, spike-limited.
        uv_per_step: Microvolts per step of the store.
        rate_hz: Sampling rate of the store in Hz.
        limit_mv: Largest amplitude in mV that is kept.
        highpass_hz: Corner of the drift filter in Hz; None leaves the baseline as it is.
        completion: Fills lost leads; None leaves them 0.
    """

    lead_mean_mv: Tensor
    lead_std_mv: Tensor

    def __init__(
        self,
        lead_mean_mv: Sequence[float],
        lead_std_mv: Sequence[float],
        uv_per_step: float,
        rate_hz: float,
        limit_mv: float,
        highpass_hz: float | None,
        completion: "LeadCompletion | None" = None,
    ) -> None:
        super().__init__()
        self.register_buffer("lead_mean_mv", torch.tensor(list(lead_mean_mv), dtype=torch.float32))
        self.register_buffer("lead_std_mv", torch.tensor(list(lead_std_mv), dtype=torch.float32))
        self.mv_per_step = uv_per_step / 1000
        self.rate_hz = rate_hz
        self.limit_mv = limit_mv
        self.highpass_hz = highpass_hz
        self.remove_drift: Callable[[Tensor], Tensor] | None = None
        if highpass_hz is not None:
            self.remove_drift = partial(remove_drift, rate_hz=rate_hz, highpass_hz=highpass_hz)
        self.completion = completion

    def forward(self, waveforms: Tensor) -> Tensor:
        """Prepare a batch.

        Args:
            waveforms: int16 ``[B, L, T]`` store steps with ``MISSING_SAMPLE``. Not changed.

        Returns:
            float32 ``[B, L, T]`` z-scores, finite everywhere; exactly 0 throughout a lead that is constant or missing,
            where completion does not fill it.
        """
        # In place on the one tensor that the repair makes: fresh memory costs more than the arithmetic.
        return self.z_scores_(repair_missing(waveforms).mul_(self.mv_per_step))

    def z_scores_(self, signals_mv: Tensor) -> Tensor:
        """Prepare a batch without gaps: float32 ``[B, L, T]`` in mV, which is changed. Returns as ``forward``."""
        signals_mv = limit_spikes_(signals_mv, self.limit_mv)
        flat = is_flat(signals_mv)
        if self.remove_drift is not None:
            signals_mv = self.remove_drift(signals_mv)
        z_scores = standardise_(signals_mv, self.lead_mean_mv, self.lead_std_mv, flat)
        return z_scores if self.completion is None else self.completion(z_scores)

    def key(self) -> str:
        """Text that is equal for two preparations which prepare alike."""
        lists = (self.lead_mean_mv.tolist(), self.lead_std_mv.tolist())
        scale = (self.mv_per_step, self.rate_hz, self.limit_mv, self.highpass_hz)
        completion = self.completion  # of the training records of a run, which not all runs share
        filled = None if completion is None else (completion.weights.sum().item(), completion.offsets.sum().item())
        return repr((lists, scale, filled))

    def extra_repr(self) -> str:
        """Show the settings where the module is printed."""
        return f"rate_hz={self.rate_hz}, limit_mv={self.limit_mv}, highpass_hz={self.highpass_hz}"
