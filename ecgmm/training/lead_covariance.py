"""Covariance of the twelve leads over the training records: what completion of lost leads learns."""

import numpy as np
import torch
from numpy.typing import NDArray

from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError, printable
from ecgmm.signal.normalise import is_flat
from ecgmm.signal.preparation import WaveformPreparation

MOST_RECORDS = 4096
"""More than that, evenly spaced, tell the 78 numbers no better."""
_AT_ONCE = 64
_DECIMALS = 9  # of mV²: the order in which threads add up does not reach so far


def lead_covariance_mv2(store: Store, rows: NDArray[np.intp], preparation: WaveformPreparation) -> list[list[float]]:
    """Covariance of the leads of the records that have all leads which training has.

    Args:
        store: An open store.
        rows: Of the training records.
        preparation: As the run has it, without completion.

    Returns:
        ``[12][12]`` in mV², of the prepared leads about their training means.

    Raises:
        ConfigError: If no record has all leads.
    """
    std_mv = preparation.lead_std_mv.double()
    total, n_samples = torch.zeros(len(std_mv), len(std_mv), dtype=torch.float64), 0
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_RECORDS)).round().astype(np.intp))]
    for start in range(0, len(chosen), _AT_ONCE):
        steps = torch.from_numpy(np.array(store.waveforms[chosen[start : start + _AT_ONCE]]))
        waveforms = preparation(steps)
        complete = ~(is_flat(waveforms) & (std_mv > 0)).any(dim=1)
        signals_mv = waveforms[complete].transpose(0, 1).flatten(1).double() * std_mv[:, None]
        total += signals_mv @ signals_mv.T
        n_samples += signals_mv.shape[1]
    if n_samples == 0:
        raise ConfigError(
            f"waveform.complete_leads is learned, and no training record of {printable(store.path)} has all leads;"
            " choose laws or none"
        )
    covariance: list[list[float]] = (total / n_samples).numpy().round(_DECIMALS).tolist()
    return covariance
