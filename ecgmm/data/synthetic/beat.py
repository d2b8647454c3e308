"""One heart beat as a sum of Gaussian dipole pulses, and how each finding changes it.

A pulse is a vector in millivolt (Frank's x left, y down, z back) times a Gaussian in time, the vector form of the
dynamical model of McSharry, Clifford, Tarassenko, Smith (IEEE Trans Biomed Eng 2003). Times are ms from the R peak.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.synthetic.anatomy import Anatomy
from ecgmm.data.synthetic.state import (
    CD,
    CHAMBER,
    CONDUCTION,
    FIBRILLATION,
    FLUTTER,
    HYP,
    MI,
    PACED,
    REGIONS,
    ST_T,
    STTC,
    Floats,
    Ints,
    States,
)

# Pulses of a QRS complex: centre_ms, width_ms, x_mv, y_mv, z_mv. Rows: septal, anterior, main, posterior, basal, late.
NORMAL_QRS = ((-27, 6.5, -0.13, -0.04, -0.20), (-11, 8, 0.25, 0.12, -0.42), (0, 10, 0.95, 0.72, 0.15),
              (14, 10, 0.25, 0.20, 0.72), (29, 7, -0.16, -0.14, 0.22), (44, 8, 0, 0, 0))  # fmt: skip
QRS_BY_KIND = {
    "incomplete_rbbb": (*NORMAL_QRS[:4], (30, 8, -0.22, -0.08, 0.05), (44, 9, -0.34, -0.04, -0.36)),
    "rbbb": (*NORMAL_QRS[:4], (34, 11, -0.30, -0.05, -0.10), (64, 15, -0.62, -0.06, -0.62)),
    "lbbb": ((-30, 8, 0.12, 0.05, 0.05), (-12, 15, 0.45, 0.20, 0.32), (4, 17, 0.62, 0.30, 0.62),
             (32, 18, 0.66, 0.28, 0.80), (58, 15, 0.62, 0.12, 0.42), (78, 13, 0.20, 0.02, 0.12)),
    "lafb": ((-28, 7, -0.10, 0.30, -0.14), (-11, 8, 0.25, 0.22, -0.36), (2, 11, 0.90, -0.22, 0.12),
             (17, 11, 0.30, -0.52, 0.55), (33, 9, 0.10, -0.42, 0.20), (46, 8, 0, -0.10, 0)),
    "lpfb": ((-28, 7, 0.30, -0.22, -0.16), (-11, 8, 0.12, 0.15, -0.42), (2, 11, 0.20, 0.95, 0.15),
             (17, 11, -0.38, 0.55, 0.60), (33, 9, -0.32, 0.25, 0.20), (46, 8, -0.08, 0.05, 0)),
    "ivcd": ((-40, 10, -0.13, -0.04, -0.20), (-16, 13, 0.24, 0.12, -0.40), (0, 14, 0.75, 0.55, 0.12),
             (24, 15, 0.35, 0.30, 0.66), (48, 13, -0.05, 0.25, 0.25), (68, 11, -0.15, -0.20, 0.15)),
    "paced": ((-30, 9, 0.05, -0.10, 0.02), (-10, 18, 0.40, -0.45, 0.30), (14, 20, 0.62, -0.72, 0.52),
              (42, 20, 0.56, -0.70, 0.62), (70, 17, 0.30, -0.35, 0.30), (88, 14, 0.10, -0.10, 0.10)),
    "pvc": ((-42, 14, -0.15, 0.20, 0.10), (-20, 20, 0.20, 0.60, 0.40), (8, 23, 0.55, 0.95, 0.85),
            (38, 23, 0.50, 0.70, 0.80), (66, 18, 0.20, 0.30, 0.35), (86, 15, 0, 0.05, 0.10)),
}  # fmt: skip
"""Activation when a finding shows fully; less than full is a straight line between normal and this."""
SECONDARY_T = {"incomplete_rbbb": (0, 0, 0.06), "rbbb": (0.05, 0.02, 0.22), "lbbb": (-0.50, -0.30, -0.50),
               "lafb": (0, 0.03, 0), "lpfb": (0.03, 0, 0), "ivcd": (-0.10, -0.06, -0.08), "paced": (-0.50, 0.40, -0.45),
               "pvc": (-0.60, -0.75, -0.60)}  # fmt: skip
"""Change of the T vector that follows from the changed activation; 30 % of it is seen in ST."""

TOWARD_REGION = {"inferior": (0.1, 1.0, 0.1), "anteroseptal": (-0.2, 0.0, -1.0), "anterior": (0.4, 0.1, -0.9),
                 "anterolateral": (0.75, -0.1, -0.6), "lateral": (1.0, -0.2, 0.1)}  # fmt: skip
NORMAL_T_MV = (0.27, 0.20, -0.12)
P_WAVE = ((-17, 17, 0.035, 0.075, -0.055), (16, 19, 0.075, 0.055, 0.050))
"""Right and left atrium, as the QRS pulses but from the middle of the P wave."""
P_HALF_MS, QRS_ONSET_MS = 52.0, -40.0
SPIKE_BEFORE_MS, SPIKE_WIDTH_MS, SPIKE_MV = -62.0, 1.2, (0.7, -0.9, 0.4)

Q_MS, Q_WIDTH_MS, Q_OLD_MV, Q_ACUTE_MV = -17.0, 11.0, 0.85, 0.30
INFARCT_T_OLD_MV, INFARCT_T_ACUTE_MV, INFARCT_ST_MV = 0.38, 0.15, 0.30
ISCHEMIA_T_MV, ISCHEMIA_ST_MV = 0.50, 0.10
FLAT_T, NONSPECIFIC_ST_MV, LONG_QT_MS = 0.9, 0.11, 95.0
AVB_MS = 110.0
LVH_GAIN, LVH_STRETCH, STRAIN_T_MV, STRAIN_ST_MV = 0.95, 0.12, (-0.34, -0.12, 0.16), (-0.07, -0.03, 0.05)
RVH_PULSE_MV, RVH_T_MV = (-1.05, 0.30, -0.85), (0.08, 0, 0.30)
LAE_GAIN, LAE_DELAY_MS, RAE_GAIN = 1.6, 24.0, 2.2
EARLY_ST_MV = (0.10, 0.07, -0.10)


class Pulses(NamedTuple):
    """``centre_ms`` and ``width_ms`` ``[n, c]``, ``vector_mv`` ``[n, c, 3]``."""

    centre_ms: Floats
    width_ms: Floats
    vector_mv: Floats

    def at(self, time_ms: Ints) -> NDArray[np.float32]:
        """Dipole at the given times, float32 ``[n, len(time_ms), 3]``."""
        z = time_ms.astype(np.float32)[:, None] - self.centre_ms[:, None].astype(np.float32)
        z /= self.width_ms[:, None].astype(np.float32)
        dipole: NDArray[np.float32] = np.exp(-0.5 * z * z) @ self.vector_mv.astype(np.float32)
        return dipole


def _table(rows: tuple[tuple[float, ...], ...]) -> Floats:
    return np.array(rows, dtype=np.float64)


_NORMAL = _table(NORMAL_QRS)
_KIND_DIFFERENCE = np.stack([_table(QRS_BY_KIND.get(k, NORMAL_QRS)) - _NORMAL for k in (*CONDUCTION, "paced")])
_KIND_T = np.array([SECONDARY_T.get(k, (0, 0, 0)) for k in (*CONDUCTION, "paced")], dtype=np.float64)
_REGION = np.array(list(TOWARD_REGION.values()))
_REGION /= np.linalg.norm(_REGION, axis=1, keepdims=True)
assert list(TOWARD_REGION) == list(REGIONS)


def _rule(states: States) -> tuple[Ints, Floats]:
    """Activation that rules the ventricles, and how fully: the conduction kind, or one past the last for pacing."""
    paced = states.rhythm == PACED
    return np.where(paced, len(CONDUCTION), states.conduction), np.where(paced, 1.0, states.effect[:, CD])


def pr_ms(states: States, anatomy: Anatomy) -> Floats:
    """PR interval of each record, prolonged by first degree block, ``[n]``."""
    return anatomy.pr_ms + AVB_MS * states.shows(CD, states.conduction, list(CONDUCTION).index("first_degree_avb"))


def qt_ms(states: States, anatomy: Anatomy, mean_rr_s: Floats) -> Floats:
    """QT interval of each record by Fridericia's cube root of RR, ``[n]``."""
    prolonged = LONG_QT_MS * states.shows(STTC, states.st_t, list(ST_T).index("long_qt"))
    return (anatomy.qtc_ms + prolonged) * np.cbrt(mean_rr_s)


def activation(states: States, anatomy: Anatomy) -> Pulses:
    """QRS pulses of the record's own beats: conduction, hypertrophy, infarct, ``[n, 8]`` pulses."""
    kind, share = _rule(states)
    table = _NORMAL + share[:, None, None] * _KIND_DIFFERENCE[kind]
    lvh = states.shows(HYP, states.chamber, list(CHAMBER).index("lvh"))
    rvh = states.shows(HYP, states.chamber, list(CHAMBER).index("rvh"))
    table[:, 1:4, 2:] *= 1 + LVH_GAIN * lvh[:, None, None]
    depth = np.where(states.acute, Q_ACUTE_MV, Q_OLD_MV) * states.effect[:, MI]
    necrosis = np.column_stack(
        [np.full((len(states), 2), (Q_MS, Q_WIDTH_MS)), -depth[:, None] * _REGION[states.region]]
    )
    right = np.column_stack([np.full((len(states), 2), (16.0, 12.0)), rvh[:, None] * np.array(RVH_PULSE_MV)])
    table = np.concatenate([table, necrosis[:, None], right[:, None]], axis=1)
    stretch = (anatomy.qrs_stretch + LVH_STRETCH * lvh)[:, None]
    return Pulses(table[..., 0] * stretch, table[..., 1] * stretch, table[..., 2:])


def recovery(states: States, anatomy: Anatomy, qt: Floats) -> Pulses:
    """ST and T pulses of the record's own beats, ``[n, 3]`` pulses: ST, rising T, T peak."""
    kind, share = _rule(states)
    full = share[:, None]
    lvh = states.shows(HYP, states.chamber, list(CHAMBER).index("lvh"))[:, None]
    rvh = states.shows(HYP, states.chamber, list(CHAMBER).index("rvh"))[:, None]
    infarct = states.effect[:, MI][:, None] * _REGION[states.region]
    acute = states.acute[:, None]
    ischemia = states.shows(STTC, states.st_t, list(ST_T).index("ischemia"))[:, None]
    toward = _REGION[states.st_t_region]
    flat = states.shows(STTC, states.st_t, list(ST_T).index("nonspecific_t"))[:, None]
    sagging = states.shows(STTC, states.st_t, list(ST_T).index("nonspecific_st"))[:, None]

    t = (np.array(NORMAL_T_MV) + anatomy.t_shift_mv) * (1 - FLAT_T * flat) * (1 - 0.4 * sagging)
    t = t + full * _KIND_T[kind] + lvh**2 * np.array(STRAIN_T_MV) + rvh * np.array(RVH_T_MV)
    t += np.where(acute, INFARCT_T_ACUTE_MV, -INFARCT_T_OLD_MV) * infarct - ISCHEMIA_T_MV * ischemia * toward
    st = 0.3 * full * _KIND_T[kind] + lvh**2 * np.array(STRAIN_ST_MV) + np.where(acute, INFARCT_ST_MV, 0.0) * infarct
    st -= ISCHEMIA_ST_MV * ischemia * (toward + np.array((0.6, 0.3, -0.3)))
    st -= NONSPECIFIC_ST_MV * sagging * np.array((0.7, 0.5, -0.4))
    st += states.early_repolarization[:, None] * np.array(EARLY_ST_MV)
    return recovery_pulses(st, t, qt)


def recovery_pulses(st_mv: Floats, t_mv: Floats, qt: Floats) -> Pulses:
    """Lay an ST and a T vector out in time so that T ends at QT, ``[n, 3]`` pulses."""
    peak_ms, width_ms = QRS_ONSET_MS + 0.76 * qt, 0.105 * qt
    centre = np.stack([0.45 * peak_ms, peak_ms - 1.3 * width_ms, peak_ms], axis=1)
    width = np.stack([0.22 * peak_ms, 1.25 * width_ms, width_ms], axis=1)
    return Pulses(centre, width, np.stack([st_mv, 0.32 * t_mv, 0.85 * t_mv], axis=1))


def atrial(states: States, anatomy: Anatomy) -> Pulses:
    """P wave of each record, ``[n, 2]`` pulses; none in fibrillation, flutter and ventricular pacing."""
    lae = states.shows(HYP, states.chamber, list(CHAMBER).index("lae"))
    rae = states.shows(HYP, states.chamber, list(CHAMBER).index("rae"))
    table = np.tile(_table(P_WAVE), (len(states), 1, 1))
    middle_ms = QRS_ONSET_MS - pr_ms(states, anatomy) + P_HALF_MS
    delay = np.stack([np.zeros_like(lae), LAE_DELAY_MS * lae], axis=1)
    gain = np.stack([1 + RAE_GAIN * rae, 1 + LAE_GAIN * lae], axis=1) * anatomy.p_gain[:, None]
    gain[np.isin(states.rhythm, (FIBRILLATION, FLUTTER, PACED))] = 0
    return Pulses(table[..., 0] + middle_ms[:, None] + delay, table[..., 1], table[..., 2:] * gain[..., None])


def spike(states: States) -> Pulses:
    """Stimulus of the pacemaker, ``[n, 1]`` pulse, zero where there is none."""
    vector = (states.rhythm == PACED)[:, None, None] * np.array(SPIKE_MV)
    return Pulses(np.full((len(states), 1), SPIKE_BEFORE_MS), np.full((len(states), 1), SPIKE_WIDTH_MS), vector)


def premature_ventricular(n: int, qt: Floats) -> Pulses:
    """A wide beat without P and with opposite T, ``[n, 9]`` pulses."""
    table = np.tile(_table(QRS_BY_KIND["pvc"]), (n, 1, 1))
    t = np.tile(np.array(SECONDARY_T["pvc"]), (n, 1))
    return join(Pulses(table[..., 0], table[..., 1], table[..., 2:]), recovery_pulses(0.3 * t, t, qt + 40))


def join(*parts: Pulses) -> Pulses:
    """All pulses of several parts."""
    return Pulses(*(np.concatenate(arrays, axis=1) for arrays in zip(*parts, strict=True)))
