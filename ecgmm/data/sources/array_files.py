"""CSV and NumPy files of one recording each.

- ``.csv``: a line of lead names, then a line for each sample, in mV. A column ``time`` or ``time_s`` holds seconds,
  ``time_ms`` milliseconds. Fields stand between commas, semicolons (then numbers may have a decimal comma) or tabs.
- ``.npy``: an array ``[leads, samples]`` or ``[samples, leads]`` in mV.
- ``.npz``: such an array as the one of two axes, and beside it what else is known, by the names below.

What a file does not hold stands in a JSON file beside it, of the same name: ``rate_hz``, ``leads`` (names in order; the
standard twelve are left out), ``unit`` (mV, uV or V; mV is left out).
"""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.data.sources.whole_files import MOST_BYTES, Parse, Recording
from ecgmm.files import read_bounded
from ecgmm.leads import LEADS

_TIMES_S = {"time": 1.0, "time_s": 1.0, "t": 1.0, "seconds": 1.0, "time_ms": 1e-3}
_UNITS_PER_MV = {"mv": 1.0, "uv": 1e3, "µv": 1e3, "v": 1e-3}
_NO_NUMBER = ["", "nan", "NaN", "NA"]
_MOST_FACTS_BYTES = 1 << 16
_MOST_UNPACKED_BYTES = 1 << 28
_UNEVEN = 0.1  # of the mean step of time: printed digits may round it


def read_csv(path: Path) -> Recording:
    """Read a ``.csv``."""
    text = read_bounded(path, MOST_BYTES).decode("utf-8-sig")
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    try:
        frame = pl.read_csv(io.StringIO(text), separator=separator, infer_schema=False, null_values=_NO_NUMBER)
        numbers = pl.all().str.strip_chars()
        decimal = numbers.str.replace(",", ".", literal=True) if separator == ";" else numbers
        values = frame.select(decimal).cast(pl.Float64)
    except pl.exceptions.PolarsError as error:
        raise ValueError(path) from error
    names = {name: name.strip() for name in values.columns}
    times = [name for name in names if names[name].lower() in _TIMES_S]
    signal = values.drop(times)
    if signal.null_count().sum_horizontal().item() == signal.height * signal.width:
        raise ValueError(path)
    facts = _facts(path)
    if times:
        seconds = values[times[0]].to_numpy() * _TIMES_S[names[times[0]].lower()]
        facts = {"rate_hz": _rate_of(seconds)} | facts
    leads = [names[name] for name in signal.columns]
    return _recording(signal.to_numpy().T, {**facts, "leads": leads})


def _rate_of(seconds: NDArray[np.float64]) -> float:
    """Rate of evenly spaced times."""
    steps = np.diff(seconds)
    mean = float(steps.mean())
    if not (np.abs(steps - mean) <= _UNEVEN * mean).all():  # also where one is NaN
        raise BadRecordError(Drop.RATE, "its times are not evenly spaced")
    rate_hz = 1 / mean
    return float(round(rate_hz)) if abs(rate_hz - round(rate_hz)) < 1e-3 * rate_hz else rate_hz


def read_npy(path: Path) -> Recording:
    """Read a ``.npy``."""
    array = np.load(io.BytesIO(read_bounded(path, MOST_BYTES)), allow_pickle=False)
    return _recording(array, _facts(path))


def read_npz(path: Path) -> Recording:
    """Read a ``.npz``."""
    content = io.BytesIO(read_bounded(path, MOST_BYTES))
    with zipfile.ZipFile(content) as packed:
        if sum(part.file_size for part in packed.infolist()) > _MOST_UNPACKED_BYTES:
            raise BadRecordError(Drop.SIZE, f"it unpacks to more than {_MOST_UNPACKED_BYTES:,} bytes")
    content.seek(0)
    with np.load(content, allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    signals = [array for array in found.values() if array.ndim == 2]
    if len(signals) != 1:
        raise BadRecordError(Drop.FILE_UNREADABLE, f"it holds {len(signals)} arrays of two axes, and one is read")
    facts = {name: array.tolist() for name, array in found.items() if name in ("rate_hz", "leads", "unit")}
    return _recording(signals[0], _facts(path) | facts)


def _facts(path: Path) -> dict[str, Any]:
    """Content of the JSON file beside a recording; nothing where there is none."""
    beside = path.with_suffix(".json")
    if not beside.is_file() or beside.is_symlink():
        return {}
    facts = json.loads(read_bounded(beside, _MOST_FACTS_BYTES))
    if not isinstance(facts, dict):
        raise ValueError(beside)
    return facts


def _recording(array: NDArray[Any], facts: Mapping[str, Any]) -> Recording:
    """A recording from an array of either order and what is known of it."""
    if array.ndim != 2 or array.dtype.kind not in "iuf":
        raise BadRecordError(Drop.FILE_UNREADABLE, "it holds no numbers of two axes")
    leads: Sequence[str] = [str(name) for name in facts.get("leads", LEADS)]
    signal = array if len(array) == len(leads) else array.T
    if len(signal) != len(leads):
        raise BadRecordError(Drop.LEADS, f"it has shape {array.shape}, and neither axis is of {len(leads)} leads")
    if "rate_hz" not in facts:
        raise BadRecordError(Drop.RATE, "it does not tell its rate; give rate_hz in a JSON file beside it")
    units_per_mv = _UNITS_PER_MV.get(str(facts.get("unit", "mV")).lower())
    if units_per_mv is None:
        raise BadRecordError(Drop.UNIT)
    return Recording(signal.astype(np.float64) / units_per_mv, float(facts["rate_hz"]), leads)


PARSERS: dict[str, tuple[str, Parse]] = {
    ".csv": ("csv", read_csv),
    ".npy": ("numpy", read_npy),
    ".npz": ("numpy", read_npz),
}
"""Name and reader of each ending."""
