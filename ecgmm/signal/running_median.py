"""Running median of whole batches: a slow baseline that sharp waves do not pull along."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from ecgmm.compiled import compiled


def running_median(signals: Tensor, n_samples: int) -> Tensor:
    """Median of the samples around each sample, with zeros beyond the ends, as ``scipy.signal.medfilt``.

    Args:
        signals: float32 ``[B, L, T]``. Not changed; no gradient flows back to it.
        n_samples: Length of the window, an odd number.

    Returns:
        float32 ``[B, L, T]``.
    """
    padded = pad(signals.detach(), (n_samples // 2, n_samples // 2))
    return (of_sorted_windows if signals.device.type == "cpu" else of_all_windows)(padded, n_samples)


def of_all_windows(padded: Tensor, n_samples: int) -> Tensor:
    """Medians of all windows of ``[B, L, T + n - 1]``, side by side, as a GPU likes it: ``[B, L, T]``.

    Lead by lead, for all windows of all leads at once would take n times the memory.
    """
    return torch.stack([lead.unfold(-1, n_samples, 1).median(dim=-1).values for lead in padded.unbind(1)], dim=1)


def of_sorted_windows(padded: Tensor, n_samples: int) -> Tensor:
    """Medians of all windows of ``[B, L, T + n - 1]``, one after the other, as a CPU likes it: ``[B, L, T]``."""
    leads = padded.flatten(0, 1).numpy()
    medians: NDArray[np.float32] = np.empty((len(leads), leads.shape[-1] - n_samples + 1), np.float32)
    _medians(leads, np.sort(leads[:, :n_samples]), medians)
    return torch.from_numpy(medians).view(*padded.shape[:2], -1)


@compiled
def _medians(padded: Any, windows: Any, medians: Any) -> None:
    """Fill ``[L, T]`` with medians of ``[L, T + n - 1]``; windows ``[L, n]`` are sorted and stay so; all float32."""
    n_samples = windows.shape[1]
    for lead in range(medians.shape[0]):
        window = windows[lead]
        medians[lead, 0] = window[n_samples // 2]
        for time in range(1, medians.shape[1]):
            leaving, coming = padded[lead, time - 1], padded[lead, time + n_samples - 1]
            place, above = 0, n_samples
            while above - place > 1:  # finds the last sample that is not above the leaving one
                middle = (place + above) // 2
                if window[middle] <= leaving:
                    place = middle
                else:
                    above = middle
            while place + 1 < n_samples and window[place + 1] < coming:
                window[place] = window[place + 1]
                place += 1
            while place > 0 and window[place - 1] > coming:
                window[place] = window[place - 1]
                place -= 1
            window[place] = coming
            medians[lead, time] = window[n_samples // 2]
