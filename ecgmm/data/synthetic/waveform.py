"""From states to stored samples: lay the beats along the ten seconds and look at them through twelve leads."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.synthetic import beat, second_cart
from ecgmm.data.synthetic.anatomy import STORED_FROM_ELECTRODES, Anatomy, sample_anatomy
from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.noise import (
    N_TIMES,
    RATE_HZ,
    STEPS_PER_MV,
    Imperfections,
    add_noise,
    sample_imperfections,
    spoil,
)
from ecgmm.data.synthetic.rhythm import Beats, sample_beats
from ecgmm.data.synthetic.state import FIBRILLATION, FLUTTER, Bools, Floats, Ints, States

WINDOW_MS = np.arange(-380, 760, 1000 // RATE_HZ)
"""Times around an R peak at which a beat is worked out."""
BREATHING_GAIN = 0.05
"""Relative swing of the amplitude with breathing."""
QRS_VISIBLE_MV = 0.05
"""A QRS complex lasts from the first to the last time its dipole is longer than this."""

FIBRILLATION_HZ, FIBRILLATION_MV = (4.5, 7.5), 0.045
FIBRILLATION_DIRECTION = (0.2, 0.6, -0.75)
FLUTTER_HZ, FLUTTER_MV = 5.0, 0.13
FLUTTER_DIRECTION = (0.1, -0.95, -0.3)


@dataclass(frozen=True)
class Recordings:
    """Recordings as drawn before a sample is worked out, beside the state; one entry per record.

    Attributes:
        states: Hidden states.
        anatomy: Normal variation.
        beats: Beat times.
        imperfections: Noise levels and defects.
        fibrillation: float ``[n, 3, 2]``, frequency in Hz and phase in rad of three atrial waves.
        second: Whether the second cart made the record.
    """

    states: States
    anatomy: Anatomy
    beats: Beats
    imperfections: Imperfections
    fibrillation: Floats
    second: Bools

    def __getitem__(self, rows: slice | Ints) -> Self:
        """The chosen records."""
        return type(self)(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True)
class Intervals:
    """Intervals that a perfect ruler reads off the noiseless beat, ``[n]`` each; those of P mean nothing without P."""

    rr_ms: Floats
    pr_ms: Floats
    p_ms: Floats
    qrs_ms: Floats
    qt_ms: Floats
    p_axis_deg: Floats
    qrs_axis_deg: Floats
    t_axis_deg: Floats


def sample_recordings(
    rng: np.random.Generator,
    patient_of_record: Ints,
    states: States,
    config: SyntheticConfig,
    second: Bools | None = None,
) -> Recordings:
    """Draw anatomy, beats and imperfections of all records.

    Args:
        rng: Source of randomness.
        patient_of_record: Position of each record's patient, ``[n]``.
        states: States of the records.
        config: Rates.
        second: Records of the second cart ``[n]``; None for none.

    Returns:
        Everything that ``simulate`` needs.
    """
    n = len(states)
    of_second = np.zeros(n, dtype=np.bool_) if second is None else second
    waves = np.stack([rng.uniform(*FIBRILLATION_HZ, (n, 3)), rng.uniform(0, 2 * np.pi, (n, 3))], axis=2)
    return Recordings(
        states=states,
        anatomy=sample_anatomy(rng, patient_of_record, states),
        beats=sample_beats(rng, states),
        imperfections=sample_imperfections(rng, n, config, of_second),
        fibrillation=waves,
        second=of_second,
    )


def simulate(recordings: Recordings, seed: int, records: Ints) -> NDArray[np.int16]:
    """Work out the stored samples of a block of records.

    Args:
        recordings: The records of the block.
        seed: Seed of the tree.
        records: Number of each record within the tree ``[b]``.

    Returns:
        int16 steps of 5 uV ``[b, N_TIMES, 12]`` in the stored lead order, -32768 where a sample is missing.
    """
    electrodes_mv = clean_electrodes(recordings)
    add_noise(electrodes_mv, recordings.imperfections, seed, records)
    second_cart.record(electrodes_mv, recordings.second, RATE_HZ)
    stored = electrodes_mv @ (STORED_FROM_ELECTRODES.T * np.float32(STEPS_PER_MV))
    steps = np.rint(stored, out=stored).astype(np.int16)
    spoil(steps, recordings.imperfections)
    return steps


def clean_electrodes(recordings: Recordings) -> NDArray[np.float32]:
    """Noiseless I, II, V1 to V6 in mV, ``[b, N_TIMES, 8]``."""
    own, premature = _beat_shapes(recordings)
    beats = recordings.beats
    gain = 1 + BREATHING_GAIN * np.sin(
        beats.respiration_rad[:, None] + 2 * np.pi * beats.respiration_hz[:, None] * beats.times_s
    )
    first = np.rint(beats.times_s * RATE_HZ).astype(np.int64) + WINDOW_MS[0] * RATE_HZ // 1000
    width = len(WINDOW_MS)
    dipole_mv = np.zeros(
        (len(own), N_TIMES + 2 * width, 3), dtype=np.float32
    )  # margins take beats that overlap an edge
    for row, column in np.argwhere((first > -width) & (first < N_TIMES)):
        shape = premature if beats.is_pvc[row, column] else own
        start = first[row, column] + width
        dipole_mv[row, start : start + width] += shape[row] * np.float32(gain[row, column])
    dipole_mv = dipole_mv[:, width : width + N_TIMES]
    _add_atrial_waves(dipole_mv, recordings)
    electrodes: NDArray[np.float32] = dipole_mv @ recordings.anatomy.leads.transpose(0, 2, 1).astype(np.float32)
    return electrodes


def _beat_shapes(recordings: Recordings) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A beat of the record's own and a premature ventricular one, ``[b, len(WINDOW_MS), 3]`` each."""
    states, anatomy = recordings.states, recordings.anatomy
    qt = beat.qt_ms(states, anatomy, recordings.beats.mean_rr_s)
    own = beat.join(
        beat.atrial(states, anatomy),
        beat.spike(states),
        beat.activation(states, anatomy),
        beat.recovery(states, anatomy, qt),
    ).at(WINDOW_MS)
    premature = np.zeros_like(own)
    rows = np.flatnonzero(recordings.beats.is_pvc.any(axis=1))
    premature[rows] = beat.premature_ventricular(len(rows), qt[rows]).at(WINDOW_MS)
    return own, premature


def _add_atrial_waves(dipole_mv: NDArray[np.float32], recordings: Recordings) -> None:
    time_s = np.arange(N_TIMES) / RATE_HZ
    for row in np.flatnonzero(recordings.states.rhythm == FIBRILLATION):
        frequency, phase = recordings.fibrillation[row].T
        wave = np.sin(2 * np.pi * time_s[:, None] * frequency + phase).sum(axis=1)
        dipole_mv[row] += np.outer(FIBRILLATION_MV * wave, FIBRILLATION_DIRECTION)
    for row in np.flatnonzero(recordings.states.rhythm == FLUTTER):
        turn = (time_s * FLUTTER_HZ + recordings.fibrillation[row, 0, 1]) % 1
        sawtooth = np.where(turn < 0.75, turn / 0.75, (1 - turn) / 0.25) - 0.5
        dipole_mv[row] += np.outer(FLUTTER_MV * 2 * sawtooth, FLUTTER_DIRECTION)


def true_intervals(recordings: Recordings) -> Intervals:
    """Measure the noiseless beats of a block of records.

    Args:
        recordings: The records of the block.

    Returns:
        Intervals and frontal axes; they follow from the dipole, not from the sampled leads.
    """
    states, anatomy, beats = recordings.states, recordings.anatomy, recordings.beats
    qrs, p = beat.activation(states, anatomy), beat.atrial(states, anatomy)
    qt = beat.qt_ms(states, anatomy, beats.mean_rr_s)
    grid_ms = np.arange(-140, 200, 2)
    visible = np.linalg.norm(qrs.at(grid_ms), axis=2) > QRS_VISIBLE_MV
    last_ms = grid_ms[len(grid_ms) - 1 - visible[:, ::-1].argmax(axis=1)]
    return Intervals(
        rr_ms=1000 * beats.mean_rr_s,
        pr_ms=beat.pr_ms(states, anatomy),
        p_ms=2 * beat.P_HALF_MS + p.centre_ms[:, 1] - p.centre_ms[:, 0] - 33,
        qrs_ms=(last_ms - grid_ms[visible.argmax(axis=1)]).astype(np.float64),
        qt_ms=qt,
        p_axis_deg=_axis_deg(p, anatomy),
        qrs_axis_deg=_axis_deg(qrs, anatomy),
        t_axis_deg=_axis_deg(beat.recovery(states, anatomy, qt), anatomy),
    )


def _axis_deg(pulses: beat.Pulses, anatomy: Anatomy) -> Floats:
    """Frontal axis of the net area under the pulses, -180 to 180 degrees, ``[n]``."""
    area = np.einsum("nc,ncd->nd", pulses.width_ms, pulses.vector_mv)
    lead_i, lead_ii = np.einsum("nld,nd->ln", anatomy.leads[:, :2], area)
    axis: Floats = np.degrees(np.arctan2((lead_ii - lead_i / 2) * 2 / np.sqrt(3), lead_i))
    return axis
