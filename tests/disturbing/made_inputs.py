"""Records to disturb, made without a store."""

import numpy as np

from ecgmm.disturbing.inputs import Inputs
from ecgmm.signal.electrodes import LEADS_FROM_ELECTRODES, N_ELECTRODES

RATE_HZ, N_TIMES, MV_PER_STEP = 200.0, 400, 0.001
REPORTS = [
    ["sinus rhythm", "old inferior infarct", "abnormal ecg"],
    ["sinus rhythm", "normal ecg"],
    ["atrial fibrillation", "left bundle branch block"],
    [],
    ["sinus tachycardia", "left ventricular hypertrophy", "nonspecific t wave changes", "abnormal ecg"],
    ["sinus rhythm"],
]


def made(n: int = 60) -> Inputs:
    """Records that keep the laws of the leads, two a patient; the second has the first as its previous recording."""
    generator = np.random.default_rng(5)
    electrodes_mv = generator.normal(size=(n, N_ELECTRODES, N_TIMES)) * 0.3
    waveforms = np.rint(np.matmul(LEADS_FROM_ELECTRODES.numpy(), electrodes_mv) / MV_PER_STEP).astype(np.int16)
    reports = [REPORTS[index % len(REPORTS)] for index in range(n)]
    previous = [reports[index - 1] if index % 2 and reports[index - 1] else None for index in range(n)]
    return Inputs(
        rows=np.arange(n),
        waveforms=waveforms,
        has_waveform=np.ones(n, bool),
        reports=reports,
        previous=previous,
        patients=np.arange(n) // 2,
        labels=np.arange(n) % 3,
        keys=[(40_000_000 + index, 0) for index in range(n)],
        rate_hz=RATE_HZ,
        mv_per_step=MV_PER_STEP,
    )
