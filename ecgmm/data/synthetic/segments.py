"""Where in a simulated record each wave lies: the truth that a picture of what a model looks at is held against."""

from typing import NamedTuple

import numpy as np

from ecgmm.data.synthetic import beat
from ecgmm.data.synthetic.noise import N_TIMES, RATE_HZ
from ecgmm.data.synthetic.state import FIBRILLATION, FLUTTER, PACED, Bools, Floats
from ecgmm.data.synthetic.waveform import QRS_VISIBLE_MV, Recordings, true_intervals

_GRID_MS = np.arange(-140, 200, 2)  # as ``true_intervals`` measures QRS on
_PVC_QT_MS = 40.0
"""Longer QT of a premature ventricular beat (``beat.premature_ventricular``)."""


class Segments(NamedTuple):
    """Samples of each wave of a block of records, bool ``[b, N_TIMES]`` at ``RATE_HZ``.

    Attributes:
        p: P waves; none where the rhythm has none.
        qrs: QRS complexes, of premature beats too.
        st_t: From the end of QRS to the end of T.
        diastole: From the end of T to the next QRS complex: where a P wave would be, and where fibrillation shows
            its waves.
    """

    p: Bools
    qrs: Bools
    st_t: Bools
    diastole: Bools


def segments_of(recordings: Recordings) -> Segments:
    """Find the waves of a block of records by the beat times and pulses that they are made of.

    Args:
        recordings: The records, as ``draw_recordings`` gives them.

    Returns:
        The segments. QRS lasts while its dipole exceeds ``QRS_VISIBLE_MV``, P and T as ``true_intervals`` has them.
    """
    states, anatomy, beats = recordings.states, recordings.anatomy, recordings.beats
    true = true_intervals(recordings)
    own_ms = _visible_ms(beat.activation(states, anatomy))
    premature_ms = _visible_ms(_premature_activation())[0]
    has_p = ~np.isin(states.rhythm, (FIBRILLATION, FLUTTER, PACED))
    shape = (len(states), N_TIMES)
    p, qrs, st_t, diastole = (np.zeros(shape, dtype=np.bool_) for _ in Segments._fields)
    for row, (times_s, is_pvc) in enumerate(zip(beats.times_s, beats.is_pvc, strict=True)):
        start, end = times_s * 1000 + np.where(is_pvc, premature_ms[:, None], own_ms[row][:, None])
        t_end = times_s * 1000 + beat.QRS_ONSET_MS + true.qt_ms[row] + _PVC_QT_MS * is_pvc
        p_start = times_s * 1000 + beat.QRS_ONSET_MS - true.pr_ms[row]
        _mark(qrs[row], start, end)
        _mark(st_t[row], end, t_end)
        _mark(diastole[row], t_end[:-1], start[1:])
        if has_p[row]:
            _mark(p[row], p_start[~is_pvc], p_start[~is_pvc] + true.p_ms[row])
    return Segments(p & ~qrs, qrs, st_t & ~qrs, diastole & ~qrs)


def _premature_activation() -> beat.Pulses:
    """QRS pulses of a premature ventricular beat, which are the same in every record, ``[1, 6]``."""
    whole = beat.premature_ventricular(1, np.array([400.0]))
    n_qrs = len(beat.QRS_BY_KIND["pvc"])
    return beat.Pulses(*(part[:, :n_qrs] for part in whole))


def _visible_ms(qrs: beat.Pulses) -> Floats:
    """First and last time from the R peak at which a QRS dipole is seen, ``[b, 2]``."""
    visible = np.linalg.norm(qrs.at(_GRID_MS), axis=2) > QRS_VISIBLE_MV
    last = len(_GRID_MS) - 1 - visible[:, ::-1].argmax(axis=1)
    return np.stack([_GRID_MS[visible.argmax(axis=1)], _GRID_MS[last]], axis=1).astype(np.float64)


def _mark(samples: Bools, starts_ms: Floats, ends_ms: Floats) -> None:
    for start, end in zip(starts_ms, ends_ms, strict=True):
        samples[max(round(start * RATE_HZ / 1000), 0) : max(round(end * RATE_HZ / 1000), 0)] = True
