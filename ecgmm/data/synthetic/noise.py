"""Disturbances between the heart and the file: drift, muscle, mains, spikes, lost leads and lost samples.

Noise is drawn on the eight independent leads (I, II, V1 to V6), so the laws that tie the limb leads survive it.
Every record has its own random stream: its noise is the same whichever records are simulated beside it.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.synthetic import second_cart
from ecgmm.data.synthetic.anatomy import ELECTRODE_LEADS
from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.state import Bools, Floats, Ints
from ecgmm.types import MISSING_SAMPLE

RATE_HZ = 500
N_TIMES = 5000
UV_PER_STEP = 5.0
STEPS_PER_MV = 200

DRIFT_HZ = np.array([0.06, 0.11, 0.17, 0.24, 0.31, 0.42])
DRIFT_MV, DRIFT_LOG_SD = 0.022, 0.7
"""Median amplitude of each drift frequency (the cart's baseline filter leaves this much), and its spread by record."""
MUSCLE_MV, MUSCLE_LOG_SD = 0.012, 0.6
BURST_SHARE, BURST_GAIN, BURST_S = 0.10, 3.5, (0.4, 2.5)
"""Records with a burst of muscle noise, how much louder it is, and how long."""
MAINS_HZ, MAINS_MV, MAINS_LOG_SD = 60.0, 0.003, 0.8
OUTLIER_MV = (10.5, 14.0)
MISSING_S = (0.01, 1.5)
MISSING_ALL_LEADS = 0.5
"""Share of runs of missing samples that concern all leads; the others concern one chest lead."""

_TIME_S = np.arange(N_TIMES) / RATE_HZ
_PHASES = 2 * np.pi * _TIME_S[:, None] * np.append(DRIFT_HZ, MAINS_HZ)
_BASIS = np.concatenate([np.sin(_PHASES), np.cos(_PHASES)], axis=1).astype(np.float32)


@dataclass(frozen=True)
class Imperfections:
    """Levels and defects, one entry per record ``[n]``; samples count from the start of the record.

    Attributes:
        drift_mv: Amplitude of each drift frequency.
        muscle_mv: Standard deviation of muscle noise.
        mains_mv: Amplitude of mains hum.
        burst: First and last sample of a burst, ``[n, 2]``; equal where there is none.
        lost_lead: Chest lead (0 to 5) that is constant zero, -1 where none.
        missing: First and last sample of a run of missing samples, ``[n, 2]``; equal where there is none.
        missing_lead: Chest lead (0 to 5) of that run, -1 for all twelve leads.
        outlier_mv: Size of a one-sample spike in one of the eight leads, 0 where there is none.
    """

    drift_mv: Floats
    muscle_mv: Floats
    mains_mv: Floats
    burst: Ints
    lost_lead: Ints
    missing: Ints
    missing_lead: Ints
    outlier_mv: Floats

    def __getitem__(self, rows: slice | Ints) -> Self:
        """Imperfections of the chosen rows."""
        return type(self)(*(getattr(self, f.name)[rows] for f in fields(self)))


def sample_imperfections(rng: np.random.Generator, n: int, config: SyntheticConfig, second: Bools) -> Imperfections:
    """Draw noise levels and defects of all records.

    Args:
        rng: Source of randomness.
        n: Number of records.
        config: Rates and noise factor.
        second: Records of the second cart ``[n]``, whose noise is louder.

    Returns:
        Imperfections in record order.
    """

    def level(median: float, log_sd: float) -> Floats:
        return config.noise * median * np.exp(log_sd * rng.standard_normal(n))

    def which(share: float) -> Bools:
        return rng.random(n) < share

    lost = which(config.lead_loss)
    spiked = which(config.amplitude_outliers)
    return Imperfections(
        drift_mv=level(DRIFT_MV, DRIFT_LOG_SD),
        muscle_mv=level(MUSCLE_MV, MUSCLE_LOG_SD) * np.where(second, second_cart.MUSCLE_FACTOR, 1),
        mains_mv=level(MAINS_MV, MAINS_LOG_SD) * np.where(second, second_cart.MAINS_FACTOR, 1),
        burst=_runs(rng, which(BURST_SHARE), BURST_S),
        lost_lead=np.where(lost, rng.integers(0, 6, n), -1),
        missing=_runs(rng, which(config.missing_samples), MISSING_S),
        missing_lead=np.where(which(MISSING_ALL_LEADS), -1, rng.integers(0, 6, n)),
        outlier_mv=spiked * rng.uniform(*OUTLIER_MV, n) * rng.choice([-1.0, 1.0], n),
    )


def _runs(rng: np.random.Generator, has: Bools, length_s: tuple[float, float]) -> Ints:
    length = (has * rng.uniform(*length_s, len(has)) * RATE_HZ).astype(np.int64)
    start = rng.integers(0, N_TIMES - length + 1)
    return np.column_stack([start, start + length])


def add_noise(electrodes_mv: NDArray[np.float32], levels: Imperfections, seed: int, records: Ints) -> None:
    """Add noise and spikes to a block of records, in place.

    Args:
        electrodes_mv: ``[b, N_TIMES, 8]``, changed in place.
        levels: Imperfections of these records.
        seed: Seed of the tree.
        records: Number of each record within the tree ``[b]``, the key of its random stream.
    """
    n_leads = len(ELECTRODE_LEADS)
    for row, record in enumerate(records):
        rng = np.random.Generator(np.random.SFC64([seed, int(record)]))
        muscle = rng.standard_normal((N_TIMES, n_leads), dtype=np.float32) * np.float32(levels.muscle_mv[row])
        start, stop = levels.burst[row]
        muscle[start:stop] *= BURST_GAIN
        waves = rng.standard_normal((_BASIS.shape[1], n_leads), dtype=np.float32)
        amplitude = np.append(np.full(len(DRIFT_HZ), levels.drift_mv[row]), levels.mains_mv[row])
        waves *= np.tile(amplitude, 2).astype(np.float32)[:, None]
        electrodes_mv[row] += muscle
        electrodes_mv[row] += _BASIS @ waves
        if levels.outlier_mv[row]:
            electrodes_mv[row, rng.integers(N_TIMES), rng.integers(n_leads)] += levels.outlier_mv[row]


def spoil(steps: NDArray[np.int16], levels: Imperfections) -> None:
    """Silence lost leads and mark missing samples in a block of stored records, in place.

    Args:
        steps: ``[b, N_TIMES, 12]`` in stored lead order, changed in place.
        levels: Imperfections of these records.
    """
    for row in np.flatnonzero(levels.lost_lead >= 0):
        steps[row, :, 6 + levels.lost_lead[row]] = 0
    for row in np.flatnonzero(levels.missing[:, 1] > levels.missing[:, 0]):
        start, stop = levels.missing[row]
        lead = levels.missing_lead[row]
        leads = slice(None) if lead < 0 else 6 + lead
        steps[row, start:stop, leads] = MISSING_SAMPLE
