"""Random augmentation of prepared waveforms, in training only.

Changes imitate what differs between two recordings of the same heart: gain, the moment the record starts, electrode
noise, baseline drift and lost leads. The laws that tie the limb leads hold afterwards, in millivolts, as before.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ecgmm import waiting
from ecgmm.signal.electrodes import (
    LEADS_FROM_ELECTRODES,
    drawn_lead_noise,
    phase_shares,
    slow_hz,
    stretches,
    uniform,
    waves,
)
from ecgmm.signal.normalise import is_flat


class Augmentation(nn.Module):
    """Give each record of a batch its own gain, shift, noise, drift and lost leads.

    Each kind of change is applied to a record with ``probability``, independently of the other kinds; its size is then
    drawn uniformly up to the strength given. All strengths 0 give the identity.

    Args:
        lead_std_mv: Standard deviations that the z-scores were made with, in mV, one per lead.
        rate_hz: Sampling rate in Hz.
        probability: Chance of each kind of change, for each record.
        gain: Largest change of amplitude; the factor is log-uniform between 1 / (1 + gain) and 1 + gain.
        shift_s: Largest shift in seconds, earlier or later.
        noise_mv: Largest standard deviation of white noise at each electrode, in mV.
        drift_mv: Largest amplitude of a slow sine at each electrode, in mV.
        lead_dropout: Largest chance of each lead to be lost, that is set to 0. One lead with signal always stays.
        style: Changed before all of these, such as ``RandomStyle``; None for nothing.
    """

    leads_from_electrodes: Tensor
    per_mv: Tensor

    def __init__(
        self,
        lead_std_mv: Sequence[float],
        rate_hz: float,
        probability: float,
        gain: float,
        shift_s: float,
        noise_mv: float,
        drift_mv: float,
        lead_dropout: float,
        style: nn.Module | None = None,
    ) -> None:
        super().__init__()
        std_mv = torch.tensor(list(lead_std_mv), dtype=torch.float32)
        per_mv = torch.where(std_mv > 0, 1 / std_mv, 0.0)  # a lead that training never saw is 0 and stays so
        self.register_buffer("per_mv", per_mv[:, None], persistent=False)
        self.register_buffer("leads_from_electrodes", LEADS_FROM_ELECTRODES * per_mv[:, None], persistent=False)
        self.rate_hz = rate_hz
        self.probability = probability
        self.log_gain = math.log1p(gain)
        self.shift_s = shift_s
        self.noise_mv = noise_mv
        self.drift_mv = drift_mv
        self.lead_dropout = lead_dropout
        self.style = style

    def forward(self, waveforms: Tensor, generator: torch.Generator) -> Tensor:
        """Change a batch at random.

        Args:
            waveforms: float32 ``[B, 12, T]`` z-scores in the order of ``leads.LEADS``. Not changed.
            generator: Source of all randomness; on the device of the waveforms, or on the CPU at the cost of a copy.

        Returns:
            float32 ``[B, 12, T]``. Leads that were 0 throughout stay so.
        """
        # Mixed precision would turn the product of leads and electrodes, and with it the waveform, into 16 bits.
        with torch.autocast(waveforms.device.type, enabled=False):
            styled = waveforms if self.style is None else self.style(waveforms, generator)
            return self._changed(styled, generator)

    def _changed(self, waveforms: Tensor, generator: torch.Generator) -> Tensor:
        per_record = (len(waveforms), 1, 1)
        applied = uniform((5, *per_record), waveforms, generator) < self.probability
        gain, shift, noise, drift, dropout = applied * uniform((5, *per_record), waveforms, generator)
        gain_sign, shift_sign = 2 * uniform((2, *per_record), waveforms, generator).round() - 1

        kept = surviving_leads(waveforms, dropout * self.lead_dropout, generator)
        drift_hz, shares = slow_hz(waveforms, generator), phase_shares(waveforms, generator)
        noise_table, starts = drawn_lead_noise(waveforms, generator)
        changes = Changes(
            scale=torch.exp(gain_sign * gain * self.log_gain) * kept,
            later=(shift_sign * shift * self.shift_s * self.rate_hz).round().long().flatten(),
            noise_scale=self.per_mv * kept * (noise * self.noise_mv),
            noise=noise_table,
            starts=starts,
            from_drifts=(self.leads_from_electrodes * kept) @ (shares * (drift * self.drift_mv)),
            drift_hz=drift_hz,
            rate_hz=self.rate_hz,
        )
        change = changed_one_by_one if waiting.may_look(waveforms) else changed_together
        return change(waveforms, changes)


class Changes(NamedTuple):
    """Changes that were drawn for the records of a batch.

    Attributes:
        scale: float ``[B, 12, 1]``, factor of each lead; 0 for a lost one.
        later: int64 ``[B]``, samples by which the record moves.
        noise_scale: float ``[B, 12, 1]``, standard deviation of the noise at the electrodes, in z-scores of each lead.
        noise: float ``[12, M]``, table of noise in the leads.
        starts: int64 ``[B]``, column of the table at which the record's noise begins.
        from_drifts: float ``[B, 12, 2]``, leads from the waves of drift.
        drift_hz: float ``[B, 1]``, frequency of the waves of drift.
        rate_hz: Sampling rate in Hz.
    """

    scale: Tensor
    later: Tensor
    noise_scale: Tensor
    noise: Tensor
    starts: Tensor
    from_drifts: Tensor
    drift_hz: Tensor
    rate_hz: float


def changed_together(waveforms: Tensor, changes: Changes) -> Tensor:
    """Make drawn changes in few calls and without waiting for the device: ``[B, 12, T]``, as a GPU does it."""
    shifted = shift_in_time(waveforms * changes.scale, changes.later)
    n_times = waveforms.shape[-1]
    shifted.baddbmm_(changes.from_drifts, waves(changes.drift_hz, changes.rate_hz, n_times))
    return shifted.addcmul_(changes.noise_scale, stretches(changes.noise, changes.starts, n_times))


def changed_one_by_one(waveforms: Tensor, changes: Changes) -> Tensor:
    """Make the same changes record by record, each while it is in the processor's cache, and none that are 0."""
    changed, n_times = torch.empty_like(waveforms), waveforms.shape[-1]
    noisy, drifting = (of.flatten(1).any(dim=1) for of in (changes.noise_scale, changes.from_drifts))
    drifts = iter(waves(changes.drift_hz[drifting], changes.rate_hz, n_times).unbind())
    records = zip(
        waveforms.unbind(),
        changed.unbind(),
        changes.scale.unbind(),
        changes.later.tolist(),
        changes.from_drifts.unbind(),
        drifting.tolist(),
        changes.noise_scale.unbind(),
        noisy.tolist(),
        changes.starts.tolist(),
        strict=True,
    )
    for source, target, scale, later, from_drifts, has_drift, noise_scale, has_noise, start in records:
        _shift(source, target, scale, later)
        if has_drift:
            target.addmm_(from_drifts, next(drifts))
        if has_noise:
            target.addcmul_(changes.noise[:, start : start + n_times], noise_scale)
    return changed


def _shift(source: Tensor, target: Tensor, scale: Tensor, later: int) -> None:
    """Write one record ``[L, T]``, scaled and moved, into another tensor."""
    n_times = source.shape[-1]
    if later > 0:
        torch.mul(source[:, : n_times - later], scale, out=target[:, later:])
        target[:, :later] = target[:, later, None]
    elif later < 0:
        torch.mul(source[:, -later:], scale, out=target[:, :later])
        target[:, later:] = target[:, later - 1, None]
    else:
        torch.mul(source, scale, out=target)


def shift_in_time(signals: Tensor, n_samples: Tensor) -> Tensor:
    """Move each record later (positive) or earlier (negative) and repeat its end sample into the gap.

    Repeating the end, unlike rolling the record around, joins no two beats that did not follow one another.

    Args:
        signals: float ``[B, L, T]``.
        n_samples: int64 ``[B]``.

    Returns:
        float ``[B, L, T]``.
    """
    n_times = signals.shape[-1]
    source = torch.arange(n_times, device=signals.device) - n_samples[:, None, None]
    return signals.gather(-1, source.clamp(0, n_times - 1).expand(signals.shape))


def surviving_leads(signals: Tensor, chance: Tensor, generator: torch.Generator) -> Tensor:
    """Draw which leads are kept: those with signal, each lost with ``chance``, but never all of a record's.

    Args:
        signals: float ``[B, L, T]``.
        chance: float ``[B, 1, 1]``, probability of each lead to be lost.
        generator: Source of the draw.

    Returns:
        float ``[B, L, 1]``, 1 for a kept lead, 0 for a lost one and for one without signal.
    """
    live = ~is_flat(signals)[..., None]
    luck = uniform(tuple(live.shape), signals, generator) * live
    luckiest = luck == luck.amax(dim=1, keepdim=True)
    return (live & ((luck >= chance) | luckiest)).to(signals.dtype)
