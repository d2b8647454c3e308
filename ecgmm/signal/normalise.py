"""Normalisation: millivolts to z-scores with the training split's statistics of each lead."""

import torch
from torch import Tensor

from ecgmm import waiting

_FIRST_TIMES = 64
"""Samples in which a lead with signal moves: an eighth of a second at 500 Hz."""


def is_flat(signals: Tensor) -> Tensor:
    """Tell which leads carry no signal: the same value throughout (bool ``[...]`` for signals ``[..., T]``).

    On a CPU only the leads that do not move in their first samples are looked at to their end; on a GPU all are.
    """
    if torch.compiler.is_exporting() or not waiting.may_look(signals):
        return is_constant(signals)
    flat = is_constant(signals[..., :_FIRST_TIMES])
    return flat.masked_scatter(flat, is_constant(signals[flat]))


def is_constant(signals: Tensor) -> Tensor:
    """The same, with a look at every sample of every lead."""
    return signals.amin(dim=-1) == signals.amax(dim=-1)


def standardise_(signals_mv: Tensor, mean_mv: Tensor, std_mv: Tensor, flat: Tensor) -> Tensor:
    """Subtract, in place, each lead's training mean and divide by its training standard deviation.

    Fixed statistics keep amplitudes comparable between records, which hypertrophy and low voltage are read from; a
    record's own mean and deviation would erase them. Flat leads, and leads that were flat in all of training (standard
    deviation 0), become 0: they are divided by infinity, so the batch needs no further pass.

    Args:
        signals_mv: float ``[B, L, T]`` in mV. Changed.
        mean_mv: float ``[L]`` in mV.
        std_mv: float ``[L]`` in mV.
        flat: bool ``[B, L]``.

    Returns:
        The tensor given, now without unit.
    """
    divisor = torch.where(flat | (std_mv == 0), torch.inf, std_mv)
    return signals_mv.sub_(mean_mv[:, None]).div_(divisor[..., None])
