"""Leads of a store, from rows at a fixed stride: amplitudes, flat leads, missing samples."""

from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.store.rows import blocks
from ecgmm.data.store.store import Store
from ecgmm.integrity.reading import every_kth
from ecgmm.leads import LEADS, N_LEADS
from ecgmm.types import MISSING_SAMPLE

MOST_ROWS = 2000
"""Rows that are read for each of the two tables, 240 MB of ten seconds at 500 Hz."""
QUANTILES = (0.0, 0.001, 0.01, 0.25, 0.5, 0.75, 0.99, 0.999, 1.0)

_N_STEPS = 2**16


def amplitudes(store: Store) -> dict[str, Any]:
    """Quantiles of the samples of each lead in mV, over rows of the whole store.

    Returns:
        ``rows_read``, ``rows`` they stand for, ``quantiles``, and under ``mv`` a list for each lead (null where a
        lead has no sample).
    """
    every = np.arange(len(store.waveforms))
    rows = every_kth(every, MOST_ROWS)
    counts = np.zeros((N_LEADS, _N_STEPS), np.int64)
    for block in blocks(store, rows):
        for lead in range(N_LEADS):
            steps = block[:, lead].ravel().astype(np.int64)
            counts[lead] += np.bincount(steps - MISSING_SAMPLE, minlength=_N_STEPS)
    counts[:, 0] = 0  # the missing ones
    mv_per_step = store.manifest["uv_per_step"] / 1000
    quantiles = {name: _quantiles(counts[lead], mv_per_step) for lead, name in enumerate(LEADS)}
    return {"rows_read": len(rows), "rows": len(every), "quantiles": list(QUANTILES), "mv": quantiles}


def _quantiles(counts: NDArray[np.int64], mv_per_step: float) -> list[float] | None:
    """Of samples counted by step; a quantile is the least sample that so large a share does not exceed."""
    up_to = counts.cumsum()
    if not up_to[-1]:
        return None
    ranks = [max(1, ceil(share * int(up_to[-1]))) for share in QUANTILES]
    steps = np.searchsorted(up_to, ranks) + MISSING_SAMPLE
    return [round(float(value), 6) for value in steps * mv_per_step]


def damage(store: Store) -> dict[str, Any]:
    """Flat leads and missing samples by lead, over the rows that have any.

    Returns:
        ``rows_read``, ``rows`` they stand for, and under ``by_lead`` of each lead in how many of the rows that were
        read it is ``flat`` (constant or missing throughout), in how many it has ``missing`` samples, and how many
        ``samples`` that are.
    """
    records = store.records
    damaged = np.flatnonzero(((records["flat_leads"] > 0) | (records["missing_share"] > 0)).to_numpy())
    rows = every_kth(damaged, MOST_ROWS)
    counts = np.zeros((3, N_LEADS), np.int64)
    for block in blocks(store, rows):
        missing = block == MISSING_SAMPLE
        lowest = np.where(missing, np.int16(-MISSING_SAMPLE - 1), block).min(axis=2)
        n_missing = missing.sum(axis=2)
        counts[0] += (block.max(axis=2) <= lowest).sum(axis=0)  # a missing sample is below every other
        counts[1] += (n_missing > 0).sum(axis=0)
        counts[2] += n_missing.sum(axis=0)
    names = ("flat", "missing", "samples")
    by_lead = {lead: dict(zip(names, counts[:, index].tolist(), strict=True)) for index, lead in enumerate(LEADS)}
    return {"rows_read": len(rows), "rows": len(damaged), "by_lead": by_lead}
