"""One recording as a model takes it, or the reason why there is nothing in it to look at."""

from pathlib import Path

import numpy as np

from ecgmm.data.preparation.single_record import SingleRecord, read_single_record
from ecgmm.data.sources.waveform_reader import WaveformReader
from ecgmm.errors import DataError, printable
from ecgmm.runs.saved_model import Signal
from ecgmm.signal.roughness import roughness

SHORTEST_S = 1.0
"""A shorter record need not hold one whole beat of a heart at 60 beats a minute."""
ROUGHEST = 0.7
"""Median roughness of the leads from which on a record is noise: of 1,498 real ones at 100 Hz, 55 and 57 at 500 Hz, the
highest is 0.57; white noise has 0.87 at least, also where it was resampled (docs/how-to/evaluate-and-predict.md)."""
_CURE = "leave record=... out to predict from a report"


def read_waveform(record: Path, signal: Signal, reader: WaveformReader, below: Path | None = None) -> SingleRecord:
    """Read a record by the code that fills a store.

    Args:
        record: The record, or one of its files.
        signal: What the model needs of it: rate, window, scale.
        reader: Reader of records of its kind.
        below: Folder that no file of the record may leave; None for any place.

    Raises:
        DataError: If it cannot be read, or shows no signal, less than a beat, or nothing but noise.
    """
    made_with = signal.parameters
    read = read_single_record(
        record,
        signal.rate_hz,
        signal.n_times,
        signal.uv_per_step,
        made_with.pad,
        made_with.verify_checksums,
        reader,
        below,
    )
    name = printable(record)
    if read.flat.all():
        raise DataError(f"{name} shows no signal in any lead; {_CURE}")
    if read.length_s < SHORTEST_S:
        raise DataError(f"{name} has {read.length_s:g} s, too short for a heart beat; give {SHORTEST_S:g} s or more")
    if np.nanmedian(roughness(read.steps[0][~read.flat], signal.rate_hz)) > ROUGHEST:
        raise DataError(
            f"{name} shows noise without heart beats (samples 10 ms apart are as good as unrelated); {_CURE}"
        )
    return read
