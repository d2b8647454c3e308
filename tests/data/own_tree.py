"""A folder of recordings with a table of one's own, in the layout of small public collections.

Twelve leads in small letters at 500 Hz, format 16, gains and baselines of each channel, free-text diagnoses in the
comments of the headers, and files of annotations beside the recordings.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgmm.leads import LEADS, lead_of

DIAGNOSES = ("Sinus rhythm", "Atrial fibrillation", "Sinus bradycardia")
LOWER = tuple(name.lower() for name in LEADS)


def leads_mv(seed: int, n_samples: int, rate_hz: float = 500, rr_s: float = 0.8) -> NDArray[np.float64]:
    """Float64 ``[12, T]`` of beats in mV, from electrodes, so that the limb-lead laws hold."""
    rng = np.random.default_rng(seed)
    beat = np.exp(-(((np.arange(n_samples) / rate_hz % rr_s - 0.3) / 0.03) ** 2))
    own = rng.uniform(0.5, 1.5, (8, 1)) * beat + rng.normal(0, 0.01, (8, n_samples))
    first, second = own[0], own[1]
    limb = [first, second, second - first, -(first + second) / 2, first - second / 2, second - first / 2]
    return np.stack([*limb, *own[2:]])


def write_recording(
    base: Path,
    millivolts: NDArray[np.float64],
    names: Sequence[str] = LOWER,
    rate_hz: float = 500,
    gain: float = 1000.0,
    unit: str = "mV",
    comments: Sequence[str] = (),
) -> NDArray[np.int16]:
    """Write ``.hea`` and ``.dat`` of the leads that ``names`` names; returns the steps, int16 ``[L, T]``, as stored."""
    per_mv = gain * {"mV": 1.0, "uV": 1e3, "V": 1e-3}[unit]
    found = [lead_of(name) for name in names]
    channels = [lead.sign * millivolts[lead.index] if lead else np.zeros(millivolts.shape[1]) for lead in found]
    steps = np.rint(np.stack(channels) * per_mv).astype("<i2")
    lines = [f"{base.name} {len(names)} {rate_hz:g} {steps.shape[1]}"]
    for name, own in zip(names, steps, strict=True):
        lines.append(f"{base.name}.dat 16 {gain}/{unit} 16 0 {own[0]} {own.sum(dtype=np.int16)} 0 {name}")
    base.parent.mkdir(parents=True, exist_ok=True)
    base.with_name(f"{base.name}.hea").write_text("\n".join([*lines, *comments]) + "\n", encoding="utf-8")
    base.with_name(f"{base.name}.dat").write_bytes(steps.T.tobytes())
    return steps


def write_collection(root: Path, n: int = 30, n_samples: int = 5000) -> list[dict[str, str]]:
    """Write records ``data/1`` to ``data/n``, two a patient; returns the rows of a table of them."""
    rows = []
    for number in range(1, n + 1):
        diagnosis = DIAGNOSES[number % 3]
        comments = [f"#<age>: {30 + number}", "#<sex>: F", "#<diagnoses>:", f"#Rhythm: {diagnosis}."]
        signals = leads_mv(number, n_samples, rr_s=(0.8, 0.6, 1.2)[number % 3])
        write_recording(root / "data" / str(number), signals, comments=comments)
        (root / "data" / f"{number}.ii").write_bytes(b"\x00\x04")  # an annotation file
        rows.append(
            {
                "path": f"data/{number}",
                "patient": f"p{(number - 1) // 2:03d}",
                "report": f"Rhythm: {diagnosis}.",
                "age": str(30 + number),
                "sex": "F" if number % 2 else "male",
                "time": f"{number % 28 + 1:02d}.05.2020",
            }
        )
    return rows


def write_csv(path: Path, rows: Sequence[dict[str, str]], separator: str = ",", encoding: str = "utf-8") -> Path:
    """Write rows as a spreadsheet does: CRLF, quotes around every cell."""
    lines = [separator.join(f'"{cell}"' for cell in cells) for cells in (rows[0], *(row.values() for row in rows))]
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode(encoding))
    return path
