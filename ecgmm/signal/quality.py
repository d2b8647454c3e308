"""Signal quality of each record as columns. Nothing is dropped here: limits choose by threshold.

See docs/understand/quality.md.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgmm.leads import LEADS
from ecgmm.signal.scan import Scan

AUGMENTED = tuple(LEADS.index(name) for name in ("aVR", "aVL", "aVF"))
V6 = LEADS.index("V6")

_BEND_OF_WHITE_NOISE = np.sqrt(6) * np.sqrt(2 / np.pi)
"""Mean absolute second difference of white Gaussian noise of standard deviation 1."""

HALVING_DRIFT_MV = 1.0
HALVING_NOISE_MV = 0.1
HALVING_JUMP_MV = 10.0
HALVING_CLIPPED_SHARE = 0.1
"""What halves a lead's score if nothing else is wrong. Round numbers, not fitted: a drift of 1 mV hides the ST segment,
noise of 0.1 mV hides P waves, no heart moves a lead by 10 mV in 10 ms."""

SWAP_MARGIN = 0.2
"""By how much another lead's correlation with V6 must lie below that of aVR."""


def quality_columns(scan: Scan, uv_per_step: float, rate_hz: float, n_times: int) -> dict[str, NDArray[Any]]:
    """Quality of R records as columns of the store's table.

    Args:
        scan: What was seen of the records.
        uv_per_step: Microvolts per step of the store.
        rate_hz: Sampling rate in Hz.
        n_times: Samples of each record.

    Returns:
        Column by name, ``[R]`` each, defined in docs/understand/quality.md.
    """
    mv = uv_per_step / 1000
    there = scan.missing < n_times
    largest = np.where(there, np.maximum(scan.high.astype(np.int32), -scan.low.astype(np.int32)), 0)
    drift_mv, noise_mv = scan.wander * mv, scan.noise * (mv / _BEND_OF_WHITE_NOISE)
    clipped = scan.in_runs / np.maximum(n_times - scan.missing, 1)
    present = 1 - scan.missing / n_times
    faults = (
        (drift_mv / HALVING_DRIFT_MV) ** 2
        + (noise_mv / HALVING_NOISE_MV) ** 2
        + (scan.jump * (mv / HALVING_JUMP_MV)) ** 2
        + (clipped / HALVING_CLIPPED_SHARE) ** 2
    )
    leads = np.where(scan.flat, 0, present / (1 + faults))
    columns = {
        "missing_share": scan.missing.sum(axis=1) / (scan.missing.shape[1] * n_times),
        "flat_leads": scan.flat.sum(axis=1, dtype=np.int8),
        "clipped_share": clipped.max(axis=1),
        "amplitude_mv": largest.max(axis=1) * mv,
        "drift_mv": drift_mv.max(axis=1),
        "noise_mv": noise_mv.max(axis=1),
        "lead_law_error_mv": scan.law_error.max(axis=1) * mv,
        "limb_swap": suspected_swap(scan),
        "quality": (leads.min(axis=1) + leads.mean(axis=1)) / 2,
        "content": scan.content,
    }
    return {name: column.astype(np.float32) if column.dtype.kind == "f" else column for name, column in columns.items()}


def suspected_swap(scan: Scan) -> NDArray[np.str_]:
    """Name the two limb electrodes that seem to be exchanged.

    V6 looks from the left. The lead that looks from the right arm, aVR, therefore opposes it most. If aVL or aVF does
    so instead, its electrode is on the right arm.

    Args:
        scan: What was seen of R records.

    Returns:
        ``[R]`` of ``none``, ``ra_la`` (right and left arm) or ``ra_ll`` (right arm and left leg).
    """
    right, left, foot = scan.v6_correlation.T
    judged = ~scan.flat[:, [*AUGMENTED, V6]].any(axis=1)
    suspected = judged & (np.minimum(left, foot) < right - SWAP_MARGIN)
    return np.where(suspected, np.where(left < foot, "ra_la", "ra_ll"), "none")
