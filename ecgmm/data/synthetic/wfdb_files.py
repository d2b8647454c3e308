"""One WFDB record on disk in the exact form of MIMIC-IV-ECG 1.0: a text header and interleaved int16 samples."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.synthetic.anatomy import STORED_LEADS
from ecgmm.data.synthetic.noise import RATE_HZ


@dataclass(frozen=True)
class RecordFiles:
    """Content of the two files of one record."""

    header: bytes
    samples: bytes


def encode_record(
    study_id: int, subject_id: int, time: datetime, steps: NDArray[np.int16], checksums: NDArray[np.int16]
) -> RecordFiles:
    """Turn samples into the bytes of a ``.hea`` and a ``.dat`` file.

    Args:
        study_id: Name of the record.
        subject_id: Named in the header's comment.
        time: Written with seconds; the date is day first.
        steps: int16 ``[time, 12]`` in ``STORED_LEADS`` order, 200 steps a millivolt.
        checksums: int16 ``[12]``, sum of each lead's samples modulo 2**16 (WFDB header format).

    Returns:
        Both files' bytes.
    """
    lines = [f"{study_id} {steps.shape[1]} {RATE_HZ} {steps.shape[0]} {time:%H:%M:%S} {time:%d/%m/%Y}"]
    lines += [
        f"{study_id}.dat 16 200.0(0)/mV 16 0 {first} {checksum} 0 {lead}"
        for first, checksum, lead in zip(steps[0].tolist(), checksums.tolist(), STORED_LEADS, strict=True)
    ]
    lines += [f"# <subject_id>: {subject_id}", ""]
    return RecordFiles("\n".join(lines).encode("ascii"), steps.astype("<i2", copy=False).tobytes())


def checksums_of(steps: NDArray[np.int16]) -> NDArray[np.int16]:
    """Checksum of every lead of a block ``[b, time, 12]``: the 16-bit sum, as signed numbers ``[b, 12]``."""
    sums: NDArray[np.int16] = steps.sum(axis=1, dtype=np.int16)  # wraps around, which is what the format asks for
    return sums


def write_record(folder: Path, study_id: int, files: RecordFiles) -> None:
    """Write both files into a new folder.

    Args:
        folder: Created with its parents.
        study_id: Name of the record.
        files: Content.
    """
    folder.mkdir(parents=True)
    (folder / f"{study_id}.hea").write_bytes(files.header)
    (folder / f"{study_id}.dat").write_bytes(files.samples)
