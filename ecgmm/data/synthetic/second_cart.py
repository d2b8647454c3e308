"""A second make of cart in a second hospital: other calibration, filter, noise, wording, and other patients.

Nothing of it is in a tree unless ``SyntheticConfig.second_cart`` says so. What differs is what differs between real
recorders: the band (0.5-25 Hz, the monitor band with its muscle filter on, which is causal and so bends the ST
segment), a calibration that is off, more noise at the electrodes, sentences of another maker, and a ward of the sicker.
"""

import re

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt, sosfilt_zi

PRIMARY_SHARES = (0.20, 0.30, 0.22, 0.16, 0.12)
"""Share of records by first (for NORM: only) superclass in the second hospital."""
GAIN = 0.6
"""What a millivolt at the electrodes is in the file."""
BAND_HZ, ORDER = (0.5, 25.0), 2
BANDWIDTH, FILTERING = "0.5-25 Hz", "60 Hz notch Muscle filter"
"""What the tables say of the filters."""
MUSCLE_FACTOR, MAINS_FACTOR = 2.5, 4.0
"""Noise at the electrodes, before the filter, as a factor of that of the first cart."""
CART_NUMBERS = 400_000
"""Added to the numbers of carts; those of the second make are none of the first."""

SUMMARIES: dict[str, tuple[str, ...]] = {
    "normal": ("ECG within normal limits",),
    "borderline": ("ECG at the limits of normal",),
    "abnormal": ("Pathological ECG",),
}
_PHRASES = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (r"infarct( - age undetermined|, age indeterminate)", "myocardial infarction, date unknown"),
        (r"infarct, old", "myocardial infarction, old"),
        (r"(\*\*\* )?(\w+) infarct( - possibly acute|, acute)( \*\*\*)?", r"\2 myocardial infarction, recent"),
        (r"\binfarct\b", "infarction"),
        (r"cannot rule out", "query"),
        (r"\bconsider\b", "suspect"),
        (r"^possible\b", "suspected"),
        (r"^probable\b", "likely"),
        (r"may be due to", "compatible with"),
        (r"\bsuggest\b", "indicate"),
        (r"ST-T changes|T wave changes|T abnormalities", "repolarization disturbance"),
        (r"(are )?nonspecific", "unspecific"),
        (r"are borderline( abnormal)?", "slight"),
        (r"(prolonged|long) QTc? interval", "QT prolongation"),
        (r"(1st|first) degree A-V block|prolonged PR interval", "AV block I"),
        (r"fascicular block", "hemiblock"),
        (r"(nonspecific )?intraventricular conduction (defect|delay)|(extensive )?IVCD", "QRS widening"),
        (r"\bLVH\b", "left ventricular hypertrophy"),
        (r"\bRVH\b", "right ventricular hypertrophy"),
        (r"atrial (abnormality|enlargement)", "atrial overload"),
        (r"(left|right) axis deviation", r"\1 axis"),
        (r"(occasional |multifocal )?PAC(\(s\)|s)?", "SVES"),
        (r"(frequent )?(multifocal )?PVC(\(s\)|s)?", "VES"),
        (r"(demand )?ventricular(-paced rhythm| pacing)", "pacemaker rhythm"),
    )
)


def sample_second(rng: np.random.Generator, n_patients: int, share: float) -> NDArray[np.bool_]:
    """Draw the patients of the second hospital, all of whose records its carts make: bool ``[n_patients]``."""
    second: NDArray[np.bool_] = rng.random(n_patients) < share
    return second


def record(electrodes_mv: NDArray[np.float32], second: NDArray[np.bool_], rate_hz: int) -> None:
    """Filter and scale as the second cart does, in place.

    Args:
        electrodes_mv: ``[b, time, leads]`` at the electrodes, with noise.
        second: Records that the second cart makes ``[b]``.
        rate_hz: Sampling rate.
    """
    if second.any():
        sections = butter(ORDER, BAND_HZ, "bandpass", output="sos", fs=rate_hz)
        signals = electrodes_mv[second]
        settled = sosfilt_zi(sections)[:, None, :, None] * signals[:, 0][None, :, None]  # no step at the first sample
        electrodes_mv[second] = GAIN * sosfilt(sections, signals, axis=1, zi=settled)[0]


def reworded(line: str) -> str:
    """A line of the first cart in the words of the second."""
    for pattern, words in _PHRASES:
        line = pattern.sub(words, line)
    return line[:1].upper() + line[1:]
