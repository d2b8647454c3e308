"""Differences between hearts and chests without being a finding: lead vectors, intervals, amplitudes.

The heart is a moving dipole in Frank's coordinates (x to the left, y to the feet, z to the back). Eight leads see it
through Dower's matrix (Dower, Machado, Osborne: On deriving the electrocardiogram from vectorcardiographic leads,
Clin Cardiol 1980); the other four limb leads follow from I and II.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from ecgmm.data.synthetic.state import Bools, Floats, Ints, States

ELECTRODE_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
DOWER = np.array([
    [0.632, -0.235, 0.059],
    [0.235, 1.066, -0.132],
    [-0.515, 0.157, -0.917],
    [0.044, 0.164, -1.387],
    [0.882, 0.098, -1.277],
    [1.213, 0.127, -0.601],
    [1.125, 0.127, -0.086],
    [0.831, 0.076, 0.230],
])  # fmt: skip
"""Millivolt in each of ``ELECTRODE_LEADS`` for one millivolt along x, y, z."""

STORED_LEADS = ("I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6")
"""Order of the channels in a MIMIC-IV-ECG file: aVF stands before aVL."""
STORED_FROM_ELECTRODES = np.zeros((12, 8), dtype=np.float32)
"""Einthoven and Goldberger as a matrix: III = II - I, aVR = -(I + II) / 2, aVF = II - I / 2, aVL = I - II / 2."""
STORED_FROM_ELECTRODES[:6, :2] = np.array([[1, 0], [0, 1], [-1, 1], [-0.5, -0.5], [-0.5, 1], [1, -0.5]])
STORED_FROM_ELECTRODES[6:, 2:] = np.eye(6)

ROTATION_SD_DEG = 9.0
"""Spread of the heart's position about each axis, by patient."""
ELECTRODE_SD = 0.08
"""Relative spread of each lead vector, by patient; a new recording moves it by a third of that."""
AMPLITUDE_SD = 0.15
"""Spread of the log amplitude, by patient."""
LOW_VOLTAGE_FACTOR = 0.45
PR_MS, PR_SD_MS = 155.0, 15.0
QTC_MS, QTC_SD_MS = 412.0, 14.0
QRS_STRETCH, QRS_STRETCH_SD = 1.12, 0.07
T_SD_MV = 0.04
"""Spread of the T vector's x, y and z, by patient."""
P_LOG_SD = 0.2


@dataclass(frozen=True)
class Anatomy:
    """One entry per record; nothing here says anything about a finding.

    Attributes:
        leads: float ``[n, 8, 3]``, rotated and jittered Dower matrix times the amplitude.
        pr_ms: Normal PR interval ``[n]``.
        qtc_ms: Normal rate-corrected QT interval ``[n]``.
        qrs_stretch: Factor on all times within the QRS complex ``[n]``.
        t_shift_mv: float ``[n, 3]``, added to the T vector.
        p_gain: Factor on the P wave ``[n]``.
    """

    leads: Floats
    pr_ms: Floats
    qtc_ms: Floats
    qrs_stretch: Floats
    t_shift_mv: Floats
    p_gain: Floats

    def __getitem__(self, rows: slice | Ints) -> Self:
        """Anatomy of the chosen rows."""
        return type(self)(*(getattr(self, f.name)[rows] for f in fields(self)))


def sample_anatomy(rng: np.random.Generator, patient_of_record: Ints, states: States) -> Anatomy:
    """Draw each patient's anatomy and each recording's electrode placement.

    Args:
        rng: Source of randomness.
        patient_of_record: Position of each record's patient, ``[n]``.
        states: States of the records; only the low-voltage flag is used.

    Returns:
        The anatomy in record order.
    """
    n_patients, n = int(patient_of_record.max()) + 1, len(patient_of_record)
    rotation = _rotations(np.radians(ROTATION_SD_DEG) * rng.standard_normal((n_patients, 3)))
    placement = DOWER * (1 + ELECTRODE_SD * rng.standard_normal((n_patients, *DOWER.shape)))
    gain = np.exp(AMPLITUDE_SD * rng.standard_normal(n_patients))
    own = (placement @ rotation * gain[:, None, None])[patient_of_record]
    moved = 1 + ELECTRODE_SD / 3 * rng.standard_normal(own.shape)
    own *= moved * _voltage(states.low_voltage)[:, None, None]

    def by_patient(mean: float, sd: float) -> Floats:
        return (mean + sd * rng.standard_normal(n_patients))[patient_of_record] + sd / 3 * rng.standard_normal(n)

    return Anatomy(
        leads=own,
        pr_ms=np.clip(by_patient(PR_MS, PR_SD_MS), 120, 198),
        qtc_ms=by_patient(QTC_MS, QTC_SD_MS),
        qrs_stretch=by_patient(QRS_STRETCH, QRS_STRETCH_SD),
        t_shift_mv=T_SD_MV * rng.standard_normal((n_patients, 3))[patient_of_record],
        p_gain=np.exp(by_patient(0.0, P_LOG_SD)),
    )


def _voltage(low: Bools) -> Floats:
    return np.where(low, LOW_VOLTAGE_FACTOR, 1.0)


def _rotations(angles_rad: Floats) -> Floats:
    """Rotation matrices about x, then y, then z for angles ``[n, 3]``, ``[n, 3, 3]``."""
    matrices = np.tile(np.eye(3), (len(angles_rad), 1, 1))
    for axis in range(3):
        i, j = [k for k in range(3) if k != axis]
        turn = np.tile(np.eye(3), (len(angles_rad), 1, 1))
        turn[:, i, i] = turn[:, j, j] = np.cos(angles_rad[:, axis])
        turn[:, j, i] = np.sin(angles_rad[:, axis])
        turn[:, i, j] = -turn[:, j, i]
        matrices = turn @ matrices
    return matrices
