"""Missing samples: find them, and bridge them by straight lines without touching any other sample."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from ecgmm import waiting
from ecgmm.types import MISSING_SAMPLE


def repair_missing(steps: Tensor) -> Tensor:
    """Convert stored samples to float and bridge the missing ones.

    On a GPU every lead takes the same path, because asking which leads have a gap would make the host wait for the
    device. On a CPU only the leads with a gap are bridged: the search for them costs one pass over the int16 samples,
    the bridging about fifty.

    Args:
        steps: int16 ``[..., T]`` with ``MISSING_SAMPLE`` where nothing was recorded. Not changed.

    Returns:
        float32 ``[..., T]``, still in store steps, finite everywhere.
    """
    signals = steps.to(torch.float32)
    if not waiting.may_look(steps):
        return bridge_gaps(signals, steps == MISSING_SAMPLE)
    has_gap = steps.amin(dim=-1) == MISSING_SAMPLE
    signals[has_gap] = bridge_gaps(signals[has_gap], steps[has_gap] == MISSING_SAMPLE)
    return signals


def bridge_gaps(signals: Tensor, missing: Tensor) -> Tensor:
    """Interpolate linearly between the neighbours of each gap; extend the nearest sample over gaps at the ends.

    Args:
        signals: float ``[..., T]``. What stands at missing samples is ignored.
        missing: bool ``[..., T]``.

    Returns:
        ``[..., T]``: ``signals`` itself where nothing is missing; 0 throughout where everything is.
    """
    n_times = signals.shape[-1]
    time = torch.arange(n_times, device=signals.device).expand(signals.shape)
    before = _running_max(torch.where(missing, -1, time))  # last sample present, -1 where there is none
    after = n_times - 1 - _running_max(torch.where(missing.flip(-1), -1, time)).flip(-1)  # next one, or n_times
    start = torch.where(before < 0, after, before).clamp(max=n_times - 1)
    end = torch.where(after == n_times, start, after)
    start_value = signals.gather(-1, start)
    end_value = signals.gather(-1, end)
    share = (time - start).clamp(min=0) / (end - start).clamp(min=1)
    bridged = torch.where(missing, start_value + share * (end_value - start_value), signals)
    return bridged.masked_fill(missing.all(dim=-1, keepdim=True), 0.0)


def _running_max(places: Tensor) -> Tensor:
    """Largest of the values so far, each at least -1: int64 ``[..., T]``."""
    if not torch.compiler.is_exporting():
        return places.cummax(dim=-1).values
    reach = 1  # torch.onnx knows no cummax: by doubling
    while reach < places.shape[-1]:
        places = torch.maximum(places, pad(places[..., :-reach], (reach, 0), value=-1))
        reach *= 2
    return places
