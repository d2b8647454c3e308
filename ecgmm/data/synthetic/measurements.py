"""The nine numbers of machine_measurements.csv: true intervals and axes, read with noise, and codes for missing."""

import numpy as np

from ecgmm.data.synthetic.state import FIBRILLATION, FLUTTER, PACED, Bools, Floats, Ints, States
from ecgmm.data.synthetic.waveform import Intervals

COLUMNS = ("rr_interval", "p_onset", "p_end", "qrs_onset", "qrs_end", "t_end", "p_axis", "qrs_axis", "t_axis")
NO_MEASUREMENT, NO_RR = 29999, 65535
NO_AXIS = (32767, -32768, -32767)
RULER_MS, RULER_DEG = 4.0, 5.0
"""Standard deviation of the cart's reading."""
NO_P_ONSET_WITHOUT_P = 0.907
"""Share of records without P wave whose onset is missing; their end always is (0.907 and 1 in MIMIC-IV-ECG)."""
NO_P_END_WITH_P = 0.15
"""Share of records with P wave whose end is missing; about 27 % are missing in all (29 % in MIMIC-IV-ECG)."""
NO_P_AXIS, NO_QRS_AXIS, NO_T_AXIS = 0.009, 0.0005, 0.002
NO_RR_SHARE = 0.0005
"""Commoner than in MIMIC-IV-ECG (5 of 800,035), so that a small tree holds one."""


def measure(rng: np.random.Generator, states: States, true: Intervals) -> Ints:
    """Read intervals and axes off every record as a cart does.

    Args:
        rng: Source of randomness.
        states: Hidden states; only the rhythm matters.
        true: Intervals and axes of the noiseless beat.

    Returns:
        Integers ``[n, 9]`` in the order of ``COLUMNS``: ms from the start of the cart's median beat, axes in degrees.
    """
    n = len(states)

    def read(value: Floats, sd: float) -> Floats:
        return np.rint(value + sd * rng.standard_normal(n))

    def which(share: float | Floats) -> Bools:
        chosen: Bools = rng.random(n) < share
        return chosen

    has_p = ~np.isin(states.rhythm, (FIBRILLATION, FLUTTER, PACED))
    p_onset = read(np.full(n, 40.0), 6)
    p_end = p_onset + read(true.p_ms, RULER_MS)
    qrs_onset = p_onset + read(true.pr_ms, RULER_MS)
    qrs_end = qrs_onset + read(true.qrs_ms, RULER_MS)
    t_end = qrs_onset + read(true.qt_ms, 2 * RULER_MS)
    p_axis, qrs_axis, t_axis = (read(deg, RULER_DEG) for deg in (true.p_axis_deg, true.qrs_axis_deg, true.t_axis_deg))
    p_onset[which(np.where(has_p, 0.0, NO_P_ONSET_WITHOUT_P))] = NO_MEASUREMENT
    p_end[which(np.where(has_p, NO_P_END_WITH_P, 1.0))] = NO_MEASUREMENT
    p_axis[~has_p] = NO_MEASUREMENT
    for axis, share in ((p_axis, NO_P_AXIS), (qrs_axis, NO_QRS_AXIS), (t_axis, NO_T_AXIS)):
        axis[:] = np.where(which(share) & (axis != NO_MEASUREMENT), rng.choice(NO_AXIS, n), axis)
    rr = np.where(which(NO_RR_SHARE), NO_RR, read(true.rr_ms, RULER_MS))
    columns = (rr, p_onset, p_end, qrs_onset, qrs_end, t_end, p_axis, qrs_axis, t_axis)
    return np.stack(columns, axis=1).astype(np.int64)
