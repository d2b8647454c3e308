"""When the heart beats: beat times of every record, with respiratory variation, fibrillation and premature beats."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from ecgmm.data.synthetic.state import FIBRILLATION, FLUTTER, PACED, RHYTHM, Bools, Floats, Ints, States

RECORD_S = 10.0
MAX_BEATS = 40
"""Beats laid out for each record: 11 s at 165 a minute with four premature beats need 35."""
RR_JITTER = 0.012
"""Relative beat-to-beat spread that every sinus rhythm has."""
RESPIRATION_HZ = (0.2, 0.33)
RESPIRATORY_SWING = 0.03
ARRHYTHMIA_SWING = 0.14
"""Relative swing of RR with breathing: normal, and in sinus arrhythmia."""
FIBRILLATION_SPREAD = 0.22
"""Relative spread of RR in atrial fibrillation, without memory."""
FLUTTER_SPREAD = 0.004
PAC_PREMATURITY = (0.60, 0.78)
PVC_PREMATURITY = (0.52, 0.70)
"""Coupling interval of a premature beat as a share of RR. After a ventricular one the pause is compensatory."""


@dataclass(frozen=True)
class Beats:
    """Beat times of each record.

    Attributes:
        times_s: float ``[n, MAX_BEATS]``, R peaks counted from the first sample; some lie outside the record.
        is_pvc: bool ``[n, MAX_BEATS]``, beats that start in a ventricle.
        respiration_rad: float ``[n]``, phase of breathing at the first sample.
        respiration_hz: float ``[n]``.
    """

    times_s: Floats
    is_pvc: Bools
    respiration_rad: Floats
    respiration_hz: Floats

    def __getitem__(self, rows: slice | Ints) -> Self:
        """Beats of the chosen rows."""
        return type(self)(*(getattr(self, f.name)[rows] for f in fields(self)))

    @property
    def mean_rr_s(self) -> Floats:
        """Mean RR interval within the record ``[n]``."""
        inside = (self.times_s >= 0) & (self.times_s < RECORD_S)
        last = np.where(inside, self.times_s, -np.inf).max(axis=1)
        first = np.where(inside, self.times_s, np.inf).min(axis=1)
        mean: Floats = (last - first) / (inside.sum(axis=1) - 1)
        return mean


def sample_beats(rng: np.random.Generator, states: States) -> Beats:
    """Draw the beat times of all records.

    Args:
        rng: Source of randomness.
        states: States of the records.

    Returns:
        Beat times; the first beat lies up to one RR before the record.
    """
    n = len(states)
    mean_rr_s = 60 / states.rate_bpm[:, None]
    phase, frequency = rng.uniform(0, 2 * np.pi, n), rng.uniform(*RESPIRATION_HZ, n)
    breathing = np.sin(phase[:, None] + 2 * np.pi * frequency[:, None] * mean_rr_s * np.arange(MAX_BEATS))
    swing = np.where(states.rhythm == list(RHYTHM).index("sinus_arrhythmia"), ARRHYTHMIA_SWING, RESPIRATORY_SWING)
    regular = 1 + swing[:, None] * breathing + RR_JITTER * rng.standard_normal((n, MAX_BEATS))
    shape = FIBRILLATION_SPREAD**-2
    irregular = np.maximum(rng.gamma(shape, 1 / shape, (n, MAX_BEATS)), 0.5)
    strict = 1 + FLUTTER_SPREAD * rng.standard_normal((n, MAX_BEATS))
    relative = np.where((states.rhythm == FIBRILLATION)[:, None], irregular, regular)
    relative = np.where(np.isin(states.rhythm, (FLUTTER, PACED))[:, None], strict, relative)

    is_pac, is_pvc = _place_ectopy(rng, states, mean_rr_s[:, 0])
    early = np.where(is_pvc, rng.uniform(*PVC_PREMATURITY, (n, 1)), rng.uniform(*PAC_PREMATURITY, (n, 1)))
    before = np.where(is_pac | is_pvc, early, 1.0)
    pause = np.where(np.roll(is_pvc, 1, axis=1), 2 - np.roll(early, 1, axis=1), 1.0)
    times_s = np.cumsum(relative * before * pause * mean_rr_s, axis=1)
    times_s -= times_s[:, :1] + mean_rr_s * rng.random((n, 1))
    return Beats(times_s, is_pvc, phase, frequency)


def _place_ectopy(rng: np.random.Generator, states: States, mean_rr_s: Floats) -> tuple[Bools, Bools]:
    """Choose which beats are premature: never two in a row, all within the record."""
    n = len(states)
    usable = np.clip((RECORD_S / mean_rr_s).astype(np.int64) - 2, 3, MAX_BEATS - 4)[:, None]
    number = np.arange(MAX_BEATS)
    odd = (number % 2 == 1) & (number >= 3) & (number <= usable)
    order = np.where(odd, rng.random((n, MAX_BEATS)), 2.0).argsort(axis=1).argsort(axis=1)
    n_candidates = odd.sum(axis=1, keepdims=True)
    pvcs = np.minimum(states.pvcs[:, None], n_candidates)
    is_pvc = order < pvcs
    is_pac = (order >= pvcs) & (order < np.minimum(pvcs + states.pacs[:, None], n_candidates))
    return is_pac, is_pvc
