"""Random style of prepared waveforms, in training only: what a recorder makes of a heart, and not the heart.

Two recorders differ in calibration (``Augmentation.gain``), in their band, and in how loud each lead is. Drawn anew for
each record, these cannot be what a model learns to lean on.
"""

import math

import torch
from torch import Tensor, nn

from ecgmm.signal.electrodes import uniform

WIDEST_HZ = 150.0
"""Upper end of the band of a diagnostic recorder."""
_LIMB_LEADS = 6


class RandomStyle(nn.Module):
    """Give each record of a batch another band, and the loudness of the leads of another record.

    Each kind of change is applied to a record with ``probability``. Every factor is the same for the six limb leads, so
    the laws that tie them hold as before.

    Args:
        rate_hz: Sampling rate in Hz.
        probability: Chance of each kind of change, for each record.
        highpass_hz: Largest corner of a high-pass, log-uniform from a hundredth of it; 0 for none.
        lowpass_hz: Smallest corner of a low-pass, log-uniform up to 150 Hz; 150 for none.
        mixing: Largest share in which the spread of each lead becomes that of another record, uniform from 0 (Zhou et
            al., Domain Generalization with MixStyle, ICLR 2021, here on the input; means, which are drift in an ECG,
            stay). 0 for no mixing.
    """

    def __init__(
        self, rate_hz: float, probability: float, highpass_hz: float, lowpass_hz: float, mixing: float
    ) -> None:
        super().__init__()
        self.rate_hz = rate_hz
        self.probability = probability
        self.highpass_hz = highpass_hz
        self.lowpass_hz = lowpass_hz
        self.mixing = mixing

    def forward(self, waveforms: Tensor, generator: torch.Generator) -> Tensor:
        """Change a batch at random.

        Args:
            waveforms: float32 ``[B, 12, T]`` z-scores in the order of ``leads.LEADS``. Not changed.
            generator: Source of all randomness.

        Returns:
            float32 ``[B, 12, T]``. Leads that were 0 throughout stay so.
        """
        applied = uniform((3, len(waveforms), 1, 1), waveforms, generator) < self.probability
        high, low = uniform((2, len(waveforms), 1, 1), waveforms, generator)
        highpass_hz = applied[0] * self.highpass_hz * 100 ** (high - 1)
        widest = self.lowpass_hz * (WIDEST_HZ / self.lowpass_hz) ** low
        lowpass_hz = torch.where(applied[1], widest, math.inf)
        filtered = in_band(waveforms, self.rate_hz, highpass_hz, lowpass_hz)
        return self._mixed(filtered, applied[2], generator)

    def _mixed(self, waveforms: Tensor, applied: Tensor, generator: torch.Generator) -> Tensor:
        """Scale each lead towards the spread that it has in another record."""
        variance = waveforms.var(dim=-1, keepdim=True, unbiased=False)
        limb = variance[:, :_LIMB_LEADS].mean(dim=1, keepdim=True).expand(-1, _LIMB_LEADS, -1)
        spread = torch.cat([limb, variance[:, _LIMB_LEADS:]], dim=1).sqrt()
        others = uniform((len(waveforms),), waveforms, generator).argsort()
        share = applied * self.mixing * uniform((len(waveforms), 1, 1), waveforms, generator)
        mixed = torch.lerp(spread, torch.where(spread[others] > 0, spread[others], spread), share)
        return waveforms * torch.where(spread > 0, mixed / spread, 1.0)


def in_band(signals: Tensor, rate_hz: float, highpass_hz: Tensor, lowpass_hz: Tensor) -> Tensor:
    """Keep of each record what lies between two corners, without shifting any wave in time.

    The magnitudes are those of Butterworth filters of second order. The mean stays: it is no wave.

    Args:
        signals: float ``[B, L, T]``.
        rate_hz: Sampling rate in Hz.
        highpass_hz: float ``[B, 1, 1]``, 0 for no high-pass.
        lowpass_hz: float ``[B, 1, 1]``, infinite for no low-pass.
    """
    n_times = signals.shape[-1]
    frequency_hz = torch.fft.rfftfreq(n_times, d=1 / rate_hz, device=signals.device)
    gain = (1 + (frequency_hz / lowpass_hz) ** 4).rsqrt() * (
        1 + (highpass_hz / frequency_hz.clamp(min=frequency_hz[1] / 2)) ** 4
    ).rsqrt()
    gain[..., 0] = 1
    filtered: Tensor = torch.fft.irfft(torch.fft.rfft(signals) * gain, n=n_times)
    return filtered
