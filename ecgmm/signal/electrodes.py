"""Artefacts at the nine recording electrodes, where they arise and from which the twelve leads are differences.

Whatever is added at the electrodes reaches the leads with Einthoven's and Goldberger's laws intact
(II = I + III, aVR + aVL + aVF = 0).
"""

from functools import lru_cache

import torch
from torch import Tensor

DRIFT_HZ = (0.05, 0.5)
"""Range of a drift's frequency, from electrode movement to breathing."""

N_ELECTRODES = 9

_BLOCK_TIMES = 64
_NOISE_TIMES = 2**18
_FEWEST_RECORDS = 8  # of longer records as many places to begin at as of 8 of them
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
    table, starts = drawn_noise(like, generator)
    return stretches(table, starts, like.shape[-1])


def drawn_noise(like: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw where each record's noise begins in a table of standard normal numbers (docs/understand/signal.md).

    To draw all numbers anew takes ten times as long as to copy them.

    Returns:
        The table, float ``[9, M]``, and int64 ``[B]``: the noise of record b are T columns from ``starts[b]`` on.
    """
    table = _noise_table(_table_times(like), like.device)
    return table, _starts(table, like, generator)


def drawn_lead_noise(like: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw as ``drawn_noise`` does; the table, float ``[12, M]``, is what the leads have of the electrodes' noise."""
    table = _lead_noise_table(_table_times(like), like.device)
    return table, _starts(table, like, generator)


def _table_times(like: Tensor) -> int:
    return max(_NOISE_TIMES, _FEWEST_RECORDS * like.shape[-1])


def _starts(table: Tensor, like: Tensor, generator: torch.Generator) -> Tensor:
    starts = uniform((len(like),), like, generator) * (table.shape[1] - like.shape[-1] + 1)
    return starts.long()


def stretches(signals: Tensor, starts: Tensor, n_times: int) -> Tensor:
    """Copy ``n_times`` columns of float ``[L, M]`` from each of int64 ``[B]`` places on: ``[B, L, n_times]``."""
    windows = signals.unfold(1, n_times, 1)  # copied in one go; picking sample by sample takes longer
    return windows[torch.arange(len(signals), device=signals.device), starts[:, None]]


@lru_cache(maxsize=2)
def _noise_table(n_times: int, device: torch.device) -> Tensor:
    """Standard normal numbers, float ``[9, n_times]``, the same in every process."""
    numbers = torch.randn(N_ELECTRODES, n_times, generator=torch.Generator().manual_seed(0))
    return numbers.to(device)


@lru_cache(maxsize=2)
def _lead_noise_table(n_times: int, device: torch.device) -> Tensor:
    """Differences of the electrodes' numbers as the leads see them, float ``[12, n_times]``."""
    return LEADS_FROM_ELECTRODES.to(device) @ _noise_table(n_times, device)


def slow_hz(like: Tensor, generator: torch.Generator) -> Tensor:
    """Draw one slow frequency per record, float ``[B, 1]`` in Hz."""
    low_hz, high_hz = DRIFT_HZ
    return low_hz + (high_hz - low_hz) * uniform((len(like), 1), like, generator)


def phase_shares(like: Tensor, generator: torch.Generator) -> Tensor:
    """Draw one phase per electrode: what its sine has of the two waves of ``waves``, float ``[B, 9, 2]``.

    By the addition theorem, sin(angle + phase) takes two waves a record in place of nine.
    """
    phase = 2 * torch.pi * uniform((len(like), N_ELECTRODES), like, generator)
    return torch.stack([phase.cos(), phase.sin()], dim=-1)


def waves(frequency_hz: Tensor, rate_hz: float, n_times: int) -> Tensor:
    """Sine and cosine of amplitude 1 of frequencies ``[B, 1]``, float ``[B, 2, n_times]``."""
    # By the addition theorem again, an angle is that of a block's first sample plus that within the block: few sines.
    device = frequency_hz.device
    step = 2 * torch.pi * frequency_hz / rate_hz
    first = step * torch.arange(0, n_times, _BLOCK_TIMES, device=device)
    within = step * torch.arange(_BLOCK_TIMES, device=device)
    sin, cos = first.sin(), first.cos()
    starts = torch.stack([torch.cat([sin, cos], dim=1), torch.cat([cos, -sin], dim=1)], dim=2)
    blocks = starts @ torch.stack([within.cos(), within.sin()], dim=1)
    found: Tensor = blocks.unflatten(1, (2, -1)).flatten(2)[..., :n_times]
    return found
