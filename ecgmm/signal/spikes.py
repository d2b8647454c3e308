"""Spike limiting: no sample leaves the range that a heart or a pacemaker's recorded pulse can reach."""

from torch import Tensor


def limit_spikes_(signals_mv: Tensor, limit_mv: float) -> Tensor:
    """Clamp samples, in place, to the absolute range of plus or minus ``limit_mv``.

    The bound is absolute and not relative to the lead's own median or spread: it acts on each sample alone, so a spike
    changes nothing but itself, a record within the limit stays bit for bit what it was, and the training statistics
    can be computed block by block under the same rule. Carts remove the electrode offset in hardware or at 0.005 Hz,
    so a median far from 0 is itself an artefact and no reference to measure from.

    Args:
        signals_mv: float ``[..., T]`` in mV. Changed.
        limit_mv: Largest amplitude in mV that is kept.

    Returns:
        The tensor given, in mV.
    """
    return signals_mv.clamp_(-limit_mv, limit_mv)
