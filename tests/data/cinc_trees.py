"""Tiny trees of the PhysioNet/CinC challenge of 2021 and of CODE-15 %, in their exact layouts."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.leads import LEADS

_MAT_HEAD = np.array([30, 12, 0, 0, 4], dtype="<i4")
"""Head of a MATLAB 4 file of int16 in columns; the third number is that of samples, and the name is four bytes."""


def write_mat_record(
    base: Path,
    steps: NDArray[np.int16],
    comments: Iterable[str] = (),
    rate_hz: int = 500,
    start: str = "05-May-2020 09:49:17",
    gain: str = "1000/mV",
    leads: Sequence[str] = LEADS,
    checksums: Sequence[int] | None = None,
) -> None:
    """Write ``.hea`` and ``.mat``; ``steps`` are int16 ``[12, T]`` in the order of ``leads``."""
    base.parent.mkdir(parents=True, exist_ok=True)
    head = _MAT_HEAD.copy()
    head[2] = steps.shape[1]
    base.with_suffix(".mat").write_bytes(head.tobytes() + b"val\0" + steps.T.astype("<i2").tobytes())
    sums = steps.sum(axis=1, dtype=np.int16) if checksums is None else checksums
    lines = [f"{base.name} {len(leads)} {rate_hz} {steps.shape[1]} {start}".strip()]
    rows = zip(steps[:, 0], sums, leads, strict=True)
    lines += [f"{base.name}.mat 16+24 {gain} 16 0 {first} {checksum} 0 {lead}" for first, checksum, lead in rows]
    base.with_suffix(".hea").write_text("\n".join([*lines, *comments]) + "\n")


def comments_of(age: str = "74", sex: str = "Male", dx: str = "426783006", blank: str = "") -> list[str]:
    """Comments of a header; with ``blank`` a space behind the mark, as later versions have them."""
    fields = {"Age": age, "Sex": sex, "Dx": dx, "Rx": "Unknown", "Hx": "Unknown", "Sx": "Unknown"}
    return [f"#{blank}{name}: {value}" for name, value in fields.items()]


def wave(number: int, n_samples: int, rate_hz: int) -> NDArray[np.int16]:
    """int16 ``[12, T]``: sines of another frequency for each record, of another phase for each lead, below 2 mV."""
    time = np.arange(n_samples) / rate_hz
    phase = np.arange(12)[:, None]
    steps: NDArray[np.int16] = np.rint(1500 * np.sin(2 * np.pi * (1 + number % 7) * time + phase)).astype(np.int16)
    return steps


def write_exams(root: Path, rows: list[dict[str, object]]) -> None:
    """Write ``exams.csv`` with the columns of the published one; what a row leaves out has a usual value."""
    root.mkdir(parents=True, exist_ok=True)
    usual: dict[str, object] = {
        "age": 60,
        "is_male": True,
        "nn_predicted_age": 58.1,
        **dict.fromkeys(("1dAVb", "RBBB", "LBBB"), False),
    }
    usual |= {**dict.fromkeys(("SB", "ST", "AF"), False), "patient_id": 1, "death": None, "timey": None}
    usual |= {"normal_ecg": True, "trace_file": "exams_part0.hdf5"}
    frame = pl.DataFrame([{"exam_id": None, **usual, **row} for row in rows], infer_schema_length=None)
    booleans = [name for name, kind in frame.schema.items() if kind == pl.Boolean]
    words = [pl.when(pl.col(name)).then(pl.lit("True")).when(~pl.col(name)).then(pl.lit("False")) for name in booleans]
    frame.with_columns(word.alias(name) for name, word in zip(booleans, words, strict=True)).write_csv(
        root / "exams.csv"
    )


def write_part(file: Path, exams: Mapping[int, NDArray[np.floating]], n_samples: int = 4096) -> None:
    """Write one file of tracings: float32 ``[T, 12]`` of each exam in the middle of its row, and an empty last row."""
    import h5py

    tracings = np.zeros((len(exams) + 1, n_samples, 12), dtype=np.float32)
    for row, values in enumerate(exams.values()):
        first = (n_samples - len(values)) // 2
        tracings[row, first : first + len(values)] = values
    with h5py.File(file, "w") as out:
        out["exam_id"] = np.array([*exams, 0], dtype=np.int64)
        out["tracings"] = tracings
