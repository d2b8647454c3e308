"""Noise, filters, rates and errors of amplitude in millivolts.

What is added arises at the nine electrodes, and gains belong to the eight independent leads, so that Einthoven's and
Goldberger's laws hold afterwards. Samples that are missing stay missing.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import block_diag
from scipy.signal import butter, resample_poly, sosfiltfilt

from ecgmm.disturbing.leads import Generators, Steps
from ecgmm.leads import LEADS, N_LEADS
from ecgmm.signal.electrodes import DRIFT_HZ, LEADS_FROM_ELECTRODES, N_ELECTRODES
from ecgmm.signal.missing import repair_missing
from ecgmm.types import MISSING_SAMPLE

Millivolts = NDArray[np.float32]
MUSCLE_HZ, MAINS_HZ, MONITOR_HZ = 20.0, 50.0, 0.5
N_JOLTS, JOLT_S = 3, (0.1, 0.5)
_LEADS_FROM_ELECTRODES = LEADS_FROM_ELECTRODES.numpy()
_LARGEST_STEP = 32767
_INDEPENDENT = [LEADS.index(name) for name in ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")]
_FROM_LIMBS = np.array([[1, 0], [0, 1], [-1, 1], [-0.5, -0.5], [1, -0.5], [-0.5, 1]])  # of I and II
_FROM_INDEPENDENT = block_diag(_FROM_LIMBS, np.eye(N_LEADS - 6)).astype(np.float32)

Change = Callable[[Millivolts, float, Generators, float], Millivolts]
"""Millivolts ``[b, 12, T]`` without gaps, strength, generators and sampling rate in; millivolts out."""


def changed(block: Steps, strength: float, generators: Generators, rate_hz: float, mv: float, change: Change) -> Steps:
    """Apply a change to a block in store steps of ``mv`` millivolts; gaps are bridged for it, and gaps afterwards."""
    signals_mv = repair_missing(torch.from_numpy(block)).numpy() * np.float32(mv)
    steps = np.rint(change(signals_mv, strength, generators, rate_hz) / mv).clip(-_LARGEST_STEP, _LARGEST_STEP)
    return np.where(block == MISSING_SAMPLE, MISSING_SAMPLE, steps.astype(np.int16))


def _added(signals_mv: Millivolts, electrodes_mv: NDArray[np.floating]) -> Millivolts:
    leads_mv: Millivolts = np.matmul(_LEADS_FROM_ELECTRODES, electrodes_mv.astype(np.float32))
    return signals_mv + leads_mv


def muscle_noise(signals_mv: Millivolts, rms_mv: float, generators: Generators, rate_hz: float) -> Millivolts:
    """White noise above ``MUSCLE_HZ``, of one root mean square at each electrode."""
    shape = (N_ELECTRODES, signals_mv.shape[-1])
    white = np.stack([generator.standard_normal(shape, dtype=np.float32) for generator in generators])
    noise = sosfiltfilt(butter(2, MUSCLE_HZ, "highpass", fs=rate_hz, output="sos"), white)
    return _added(signals_mv, rms_mv * noise / np.sqrt((noise**2).mean(axis=-1, keepdims=True)))


def mains(signals_mv: Millivolts, amplitude_mv: float, generators: Generators, rate_hz: float) -> Millivolts:
    """A sine of ``MAINS_HZ`` at each electrode, with a phase and a share of the amplitude of its own."""
    time_s = np.arange(signals_mv.shape[-1]) / rate_hz
    draws = np.stack([generator.random((2, N_ELECTRODES, 1)) for generator in generators], axis=1)
    return _added(signals_mv, amplitude_mv * draws[0] * np.sin(2 * np.pi * (MAINS_HZ * time_s + draws[1])))


def drift(signals_mv: Millivolts, amplitude_mv: float, generators: Generators, rate_hz: float) -> Millivolts:
    """A slow sine at each electrode: one frequency a record, one phase an electrode."""
    time_s = np.arange(signals_mv.shape[-1]) / rate_hz
    hz = np.array([generator.uniform(*DRIFT_HZ) for generator in generators])[:, None, None]
    phase = np.stack([generator.random((N_ELECTRODES, 1)) for generator in generators])
    return _added(signals_mv, amplitude_mv * np.sin(2 * np.pi * (hz * time_s + phase)))


def motion(signals_mv: Millivolts, amplitude_mv: float, generators: Generators, rate_hz: float) -> Millivolts:
    """Jolts of ``JOLT_S`` seconds, each at one electrode: away from the skin and back, a sine below a bell."""
    n_times = signals_mv.shape[-1]
    time_s = np.arange(n_times) / rate_hz
    electrodes_mv = np.zeros((len(signals_mv), N_ELECTRODES, n_times), np.float32)
    for record, generator in zip(electrodes_mv, generators, strict=True):
        for _ in range(N_JOLTS):
            electrode, start_s, length_s = (
                generator.integers(N_ELECTRODES),
                generator.random(),
                generator.uniform(*JOLT_S),
            )
            place = (time_s - start_s * time_s[-1]) / length_s
            record[electrode] += amplitude_mv * np.exp(-(place**2) / 2) * np.cos(np.pi * place)
    return _added(signals_mv, electrodes_mv)


def clipping(signals_mv: Millivolts, limit_mv: float, generators: Generators, rate_hz: float) -> Millivolts:
    """Amplitudes cut off at a limit."""
    return signals_mv.clip(-limit_mv, limit_mv)


def gain(signals_mv: Millivolts, factor: float, generators: Generators, rate_hz: float) -> Millivolts:
    """All leads times one factor."""
    return signals_mv * np.float32(factor)


def calibration(signals_mv: Millivolts, largest: float, generators: Generators, rate_hz: float) -> Millivolts:
    """A gain for each of the eight independent leads, from 1 - ``largest`` to 1 + ``largest``; the others follow."""
    draws = np.stack([generator.uniform(-1, 1, (len(_INDEPENDENT), 1)) for generator in generators])
    independent = signals_mv[:, _INDEPENDENT] * (1 + largest * draws).astype(np.float32)
    leads_mv: Millivolts = np.matmul(_FROM_INDEPENDENT, independent)
    return leads_mv


def monitor_band(signals_mv: Millivolts, highest_hz: float, generators: Generators, rate_hz: float) -> Millivolts:
    """A band-pass from ``MONITOR_HZ`` to ``highest_hz``, without a shift in time."""
    band = butter(2, (MONITOR_HZ, highest_hz), "bandpass", fs=rate_hz, output="sos")
    return _filtered(signals_mv, band)


def high_pass(signals_mv: Millivolts, corner_hz: float, generators: Generators, rate_hz: float) -> Millivolts:
    """A Butterworth filter of second order, forward and backward."""
    return _filtered(signals_mv, butter(2, corner_hz, "highpass", fs=rate_hz, output="sos"))


def _filtered(signals_mv: Millivolts, sections: NDArray[np.float64]) -> Millivolts:
    """Second-order sections, forward and backward."""
    filtered: Millivolts = sosfiltfilt(sections, signals_mv).astype(np.float32)
    return filtered


def sampling_rate(signals_mv: Millivolts, recorded_hz: float, generators: Generators, rate_hz: float) -> Millivolts:
    """A recording at another rate, brought back to the store's: what lies above half of that rate is gone."""
    down, up = round(rate_hz), round(recorded_hz)
    recorded = resample_poly(signals_mv, up, down, axis=-1, padtype="line")
    back: Millivolts = resample_poly(recorded, down, up, axis=-1, padtype="line").astype(np.float32)
    return back[..., : signals_mv.shape[-1]]


def short_window(signals_mv: Millivolts, kept_s: float, generators: Generators, rate_hz: float) -> Millivolts:
    """The middle of the recording alone, with zeros around it, as a store pads what is too short."""
    n_times = signals_mv.shape[-1]
    n_kept = min(n_times, round(kept_s * rate_hz))
    start = (n_times - n_kept) // 2
    kept = np.zeros_like(signals_mv)
    kept[..., start : start + n_kept] = signals_mv[..., start : start + n_kept]
    return kept


SIGNALS: dict[str, Change] = {
    "muscle_noise": muscle_noise,
    "mains": mains,
    "drift": drift,
    "motion": motion,
    "clipping": clipping,
    "gain_too_low": gain,
    "gain_too_high": gain,
    "calibration": calibration,
    "monitor_band": monitor_band,
    "high_pass": high_pass,
    "sampling_rate": sampling_rate,
    "short_window": short_window,
}
