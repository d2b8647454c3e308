"""Artefacts at the nine recording electrodes, where they arise and from which the twelve leads are differences.

Whatever is added at the electrodes reaches the leads with Einthoven's and Goldberger's laws intact
(II = I + III, aVR + aVL + aVF = 0).
"""

import torch
from torch import Tensor

DRIFT_HZ = (0.05, 0.5)
"""Range of a drift's frequency, from electrode movement to breathing."""

N_ELECTRODES = 9

_R, _L, _F, *_CHEST = torch.eye(N_ELECTRODES)  # right arm, left arm, left foot, six on the chest
_LIMB_LEADS = [_L - _R, _F - _R, _F - _L, _R - (_L + _F) / 2, _L - (_R + _F) / 2, _F - (_R + _L) / 2]
_CHEST_LEADS = [electrode - (_R + _L + _F) / 3 for electrode in _CHEST]
LEADS_FROM_ELECTRODES = torch.stack(_LIMB_LEADS + _CHEST_LEADS)
"""float ``[12, 9]``: each lead of ``leads.LEADS`` as a difference of electrode potentials."""


def uniform(shape: tuple[int, ...], like: Tensor, generator: torch.Generator) -> Tensor:
    """Draw from [0, 1) on the generator's device; the result lies on the device of ``like``."""
    return torch.rand(shape, generator=generator, device=generator.device).to(like.device)


def white_noise(like: Tensor, generator: torch.Generator) -> Tensor:
    """Draw standard normal noise, float ``[B, 9, T]`` for ``like`` ``[B, 12, T]``."""
    shape = (len(like), N_ELECTRODES, like.shape[-1])
    return torch.randn(shape, generator=generator, device=generator.device).to(like.device)


def slow_sines(like: Tensor, rate_hz: float, generator: torch.Generator) -> Tensor:
    """Draw sines of amplitude 1, float ``[B, 9, T]``: one frequency per record, one phase per electrode."""
    low_hz, high_hz = DRIFT_HZ
    frequency_hz = low_hz + (high_hz - low_hz) * uniform((len(like), 1), like, generator)
    return sines(like, frequency_hz, rate_hz, generator)


def sines(like: Tensor, frequency_hz: Tensor, rate_hz: float, generator: torch.Generator) -> Tensor:
    """Sines of amplitude 1, float ``[B, 9, T]``, of frequencies ``[B, 1]``; draws one phase per electrode."""
    angle = 2 * torch.pi * frequency_hz * torch.arange(like.shape[-1], device=like.device) / rate_hz
    phase = 2 * torch.pi * uniform((len(like), N_ELECTRODES), like, generator)
    # sin(angle + phase) by the addition theorem: two sines a record and a product instead of nine sines
    return torch.stack([phase.cos(), phase.sin()], dim=-1) @ torch.stack([angle.sin(), angle.cos()], dim=1)
