"""Sound WFDB records of every form: formats, offsets, gains, units, files, frames, segments, comments, line ends.

A record is written by the definition of each format, so what it must be read as is known without any reader.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.fuzzing.file_mutations import pick
from ecgmm.leads import LEADS, N_LEADS
from tests.data.wfdb_formats import PACKED

FORMATS = ("8", *PACKED)
_UNITS_PER_MV = {"/mV": 1.0, "": 1.0, "/uV": 1e3, "/nV": 1e6, "/V": 1e-3}
_BESIDE = ("vx", "vy", "vz", "RESP", "ABP", "II+", "aux 1")
_COMMENTS = (b"# age: 60", "# Müller, Ärztin".encode(), "# Müller".encode("latin-1"), b"#", b"# 12 leads at 500 Hz")
_STARTS = ("", " 12:04:00", " 12:04:00 22/09/2182", " 9:4:5.125 01/02/1990")


@dataclass
class Channel:
    """One channel as it will be written.

    Attributes:
        name: Its description in the header.
        per_frame: Samples per frame.
        gain: Steps per unit, as written.
        unit: Unit, as written behind the gain.
        baseline: Step of 0.
        zero: ADC zero; the baseline where none is written.
        writes_baseline: Whether one is written.
    """

    name: str
    per_frame: int
    gain: str
    unit: str
    baseline: int
    zero: int
    writes_baseline: bool

    def millivolts(self, steps: NDArray[np.int64], format_: str) -> NDArray[np.float64]:
        """What the steps mean; NaN for the lowest of the format, which marks a missing sample."""
        values = (steps - self.baseline) / (float(self.gain) * _UNITS_PER_MV[self.unit])
        lowest = None if format_ == "8" else -(2 ** (PACKED[format_][0] - 1))
        return np.where(steps == lowest, np.nan, values) if lowest is not None else values


@dataclass
class SignalFile:
    """One signal file: the channels of a record from one place to another, all in one format."""

    ending: str
    format: str
    before: int | None
    channels: list[Channel] = field(default_factory=list)


@dataclass
class Generated:
    """A record that was written.

    Attributes:
        millivolts: Float64 ``[12, T]`` in standard order, NaN where missing.
        channels: Place of each lead among the channels of the header.
        rate_hz: Rate of the leads.
        refusable: Whether the record is of a kind that is refused by its name.
    """

    millivolts: NDArray[np.float64]
    channels: list[int]
    rate_hz: float
    refusable: bool


def generate(base: Path, kind: str, random: Generator) -> Generated:
    """Write a record.

    Args:
        base: Its path without extension.
        kind: A format, or ``segments``.
        random: Random numbers that decide the rest.
    """
    base.parent.mkdir(parents=True, exist_ok=True)
    if kind == "segments":
        return _segmented(base, random)
    files, rate = _files(kind, random), _rate(random)
    steps = _steps(files, int(random.integers(1, 300)), random)
    return _write(base, files, steps, rate, random, refuse=_is_refusable(files))


def _files(format_: str, random: Generator, most_files: int = 3) -> list[SignalFile]:
    """Files of twelve leads and some other channels; the first has the format."""
    n_files = int(random.integers(1, most_files + 1))
    formats = [format_, *random.choice(FORMATS, n_files - 1).tolist()]
    endings = random.permutation([".dat", "_re.dat", ".d2", ".xyz"])
    offsets: tuple[int | None, ...] = (None, 0, 24, 512)
    files = [SignalFile(str(endings[n]), one, pick(offsets, random)) for n, one in enumerate(formats)]
    beside = random.choice(_BESIDE, int(random.integers(0, 4)), replace=False).tolist()
    names = [*random.permutation(LEADS).tolist(), *beside]
    in_frames = random.random() < 0.3
    per_frame = int(random.integers(2, 5)) if in_frames else 1
    borders = sorted(random.integers(1, len(names), n_files - 1).tolist())
    order = random.permutation(len(names)) if random.random() < 0.5 else np.arange(len(names))
    for place, name in enumerate(names[number] for number in order):
        file = files[sum(place >= border for border in borders)]
        own = per_frame if name in LEADS or not in_frames else int(random.integers(1, 5))
        if name in LEADS and in_frames and random.random() < 0.01:
            own = per_frame + 1  # leads of two rates
        file.channels.append(_channel(str(name), own, file.format, random))
    return [file for file in files if file.channels]


def _channel(name: str, per_frame: int, format_: str, random: Generator) -> Channel:
    unit = pick(tuple(_UNITS_PER_MV), random)
    per_mv = float(random.choice([1, 12.5, 200, 1000, 4880, 30000])) / _UNITS_PER_MV[unit]
    form = pick(("{:g}", "{:.6f}", "{:e}"), random)
    gain = form.format(per_mv) if float(form.format(per_mv)) == per_mv else repr(per_mv)
    zero, baseline = int(random.integers(-500, 500)), int(random.integers(-2000, 2000))
    writes = random.random() < 0.6
    shown = pick((name, name.upper(), name.lower()), random) if name in LEADS else name
    return Channel(shown, per_frame, gain, unit, baseline if writes else zero, zero, writes)


def _steps(files: list[SignalFile], n_frames: int, random: Generator) -> list[NDArray[np.int64]]:
    """int64 ``[n_frames * per_frame]`` of each channel."""
    return [_of(file.format, n_frames * one.per_frame, random) for file in files for one in file.channels]


def _of(format_: str, n: int, random: Generator) -> NDArray[np.int64]:
    if format_ == "8":
        return np.cumsum(random.integers(-127, 128, n)) + int(random.integers(-1000, 1000))
    highest = 2 ** (PACKED[format_][0] - 1) - 1
    steps = random.integers(-highest, highest + 1, n)
    if random.random() < 0.3:
        steps[random.integers(n) :][: random.integers(1, 20)] = -highest - 1
    steps[random.integers(n)] = pick((highest, -highest, 0), random)
    return steps


def _rate(random: Generator) -> str:
    rate: str = pick(("500", "100", "257", "360.5", "1000/1000(0)", "250.0/500", "62.4725"), random)
    return rate


def _write(
    base: Path,
    files: list[SignalFile],
    steps: list[NDArray[np.int64]],
    rate: str,
    random: Generator,
    refuse: bool = False,
    plain: bool = False,
) -> Generated:
    """Write header and files; with ``plain`` as a segment, whose length is told."""
    channels = [(file, one) for file in files for one in file.channels]
    n_frames = len(steps[0]) // channels[0][1].per_frame
    place = 0
    for file in files:
        own = steps[place : place + len(file.channels)]
        (base.parent / f"{base.name}{file.ending}").write_bytes(bytes(file.before or 0) + _packed(file, own, n_frames))
        place += len(file.channels)
    length = "" if not plain and random.random() < 0.1 else f" {n_frames}"
    refuse |= not length and _has_a_filling(files[0], n_frames)
    start = pick(_STARTS, random) if length else ""
    lines = [f"{base.name} {len(channels)} {rate}{length}{start}"]
    lines += [_line(base.name, file, one, own, random) for (file, one), own in zip(channels, steps, strict=True)]
    _write_header(base, lines, random)
    known = [LEADS_LOWER.get(one.name.lower(), -1) for _, one in channels]
    order = [known.index(lead) for lead in range(N_LEADS) if lead in known]
    lengths = {len(steps[number]) for number in order}
    whole = np.full((N_LEADS, max(lengths)), np.nan)
    for number in order:
        file, one = channels[number]
        whole[known[number], : len(steps[number])] = one.millivolts(steps[number], file.format)
    rate_hz = float(rate.partition("/")[0]) * channels[order[0]][1].per_frame
    return Generated(whole, order, rate_hz, refuse)


LEADS_LOWER = {name.lower(): number for number, name in enumerate(LEADS)}


def _packed(file: SignalFile, steps: list[NDArray[np.int64]], n_frames: int) -> bytes:
    own = steps
    if file.format == "8":  # differences from the first value, which the header holds
        own = [np.diff(one, prepend=one[:1]) for one in steps]
    frames = [one.reshape(n_frames, -1) for one in own]
    flat = np.concatenate(frames, axis=1).reshape(-1)
    return flat.astype(np.int8).tobytes() if file.format == "8" else PACKED[file.format][1](flat)


def _line(name: str, file: SignalFile, one: Channel, steps: NDArray[np.int64], random: Generator) -> str:
    frame = f"x{one.per_frame}" if one.per_frame > 1 else ""
    offset = "" if file.before is None else f"+{file.before}"
    baseline = f"({one.baseline})" if one.writes_baseline else ""
    total = int(steps.sum()) % 65536
    checksum = total - 65536 if total > 32767 and random.random() < 0.5 else total
    fields = f"{file.format}{frame}{offset} {one.gain}{baseline}{one.unit} 16 {one.zero} {steps[0]} {checksum} 0"
    return f"{name}{file.ending} {fields} {one.name}"


def _write_header(base: Path, lines: list[str], random: Generator) -> None:
    comments = [pick(_COMMENTS, random) for _ in range(int(random.integers(0, 3)))]
    text = [line.encode() for line in lines]
    if random.random() < 0.5:
        text += comments
    else:
        text[1:1] = comments
    mark = b"\xef\xbb\xbf" if random.random() < 0.1 else b""
    ends = pick((b"\n", b"\r\n"), random)
    base.with_name(f"{base.name}.hea").write_bytes(mark + ends.join(text) + ends)


def _has_a_filling(file: SignalFile, n_frames: int) -> bool:
    """Whether a file has the size of another with one sample more, so that wfdb takes it for that."""
    n_samples = n_frames * sum(one.per_frame for one in file.channels)
    return file.format in ("310", "311") and n_samples % 3 == 2 and len(file.channels) == 1


def _is_refusable(files: list[SignalFile]) -> bool:
    """Whether leads have several rates, or wfdb fails: format 61 with several samples per frame anywhere."""
    leads = {one.per_frame for file in files for one in file.channels if one.name.lower() in LEADS_LOWER}
    frames = any(one.per_frame > 1 for file in files for one in file.channels)
    return len(leads) > 1 or (frames and any(file.format == "61" for file in files))


def _segmented(base: Path, random: Generator) -> Generated:
    """A record of two to five segments, some of them gaps; each is a record of its own, of the same channels."""
    rate = pick(("500", "257", "360.5"), random)
    first = _files(pick(FORMATS, random), random, most_files=2)
    for file in first:
        for one in file.channels:
            one.per_frame = 1
    lines, parts, refusable = [], [], False
    with_list = random.random() < 0.4
    for number in range(int(random.integers(2, 6))):
        n_frames = int(random.integers(1, 120))
        if number and random.random() < 0.25:
            lines.append(f"~ {n_frames}")
            parts.append(np.full((N_LEADS, n_frames), np.nan))
            continue
        files = first
        if number and random.random() < 0.1:
            files = [SignalFile(file.ending, file.format, file.before, list(file.channels)) for file in first]
            changed = files[0].channels[0]
            files[0].channels[0] = Channel(changed.name, 1, changed.gain, changed.unit, changed.baseline + 7, 0, True)
            refusable |= changed.name.lower() in LEADS_LOWER
        name = f"{base.name}_{number:04d}"
        written = _write(base.with_name(name), files, _steps(files, n_frames, random), rate, random, plain=True)
        lines.append(f"{name} {n_frames}")
        parts.append(written.millivolts)
    whole = np.concatenate(parts, axis=1)
    if with_list:
        name = f"{base.name}_layout"
        channels = [(file, one) for file in first for one in file.channels]
        zeros = np.zeros(1, dtype=np.int64)
        heads = [_line("~", SignalFile("", file.format, None), one, zeros, random) for file, one in channels]
        _write_header(base.with_name(name), [f"{name} {len(channels)} {rate} 0", *heads], random)
        lines.insert(0, f"{name} 0")
    n_channels = sum(len(file.channels) for file in first)
    head = f"{base.name}/{len(lines)} {n_channels} {rate} {whole.shape[1]}{pick(_STARTS, random)}"
    _write_header(base, [head, *lines], random)
    return Generated(whole, written.channels, float(rate), refusable)
