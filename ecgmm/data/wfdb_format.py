"""WFDB headers and format 16 signals, read fast: what ``wfdb.rdsamp`` does, without its per-field cost.

Source of the format: header(5) and signal(5) of the WFDB Applications Guide. Only what twelve-lead archives use is
read: one segment, one ``.dat`` file, format 16; everything else is a reason to drop the record.
"""

import math
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.drops import BadRecordError, Drop
from ecgmm.leads import N_LEADS, channel_of_each_lead

_RECORD_LINE = re.compile(r"(\S+)\s+(\d+)\s+(\d+(?:\.\d*)?)(?:/\S+)?\s+(\d+)(?:\s+(\S+)(?:\s+(\S+))?)?\s*")
_GAIN = re.compile(r"([^(/]+)(?:\((-?\d+)\))?(?:/(\S+))?")
_FIELDS = 9  # of a lead line: file, format, gain(baseline)/unit, resolution, zero, first value, checksum, block, lead


@dataclass(frozen=True)
class Layout:
    """What the headers of a whole archive usually share.

    Attributes:
        rate_hz: Sampling rate in Hz.
        n_samples: Samples of each lead.
        channels: Stored channel of each lead of ``leads.LEADS``.
        gains_per_mv: Steps per mV of each lead, in the same order.
        baselines: Step value of 0 mV of each lead, in the same order.
    """

    rate_hz: float
    n_samples: int
    channels: tuple[int, ...]
    gains_per_mv: tuple[float, ...]
    baselines: tuple[int, ...]

    @property
    def n_bytes(self) -> int:
        """Size of the ``.dat`` file."""
        return self.n_samples * N_LEADS * 2


class Header(NamedTuple):
    """One header: the shared layout and what is the record's own.

    Attributes:
        layout: The shared part.
        start: Time and date as written (``12:04:00 22/09/2182``), empty where the header has no date.
        checksums: Of each stored channel, modulo 65536.
    """

    layout: Layout
    start: str
    checksums: tuple[int, ...]


class HeaderReader:
    """Reads headers; a header that differs from an earlier one only in its own fields is not parsed again."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], Layout] = {}

    def read(self, path: Path | str) -> Header:
        """Read a header.

        Args:
            path: Path of the ``.hea`` file.

        Returns:
            The header.

        Raises:
            BadRecordError: If the header is missing, damaged, or announces something that is not supported.
        """
        stem = str(path)[:-4].rpartition("/")[2]
        raw = _read_bytes(path)
        try:
            return self.parse(raw.decode(), stem)
        except UnicodeDecodeError:
            raise BadRecordError(Drop.HEADER_ENCODING) from None

    def parse(self, text: str, stem: str) -> Header:
        """Parse the text of a header that should describe the record ``stem``; see ``read``."""
        first, _, rest = text.partition("\n")
        head = first.split()
        fields = rest.split()
        regular = fields[0 : N_LEADS * _FIELDS : _FIELDS] == [f"{stem}.dat"] * N_LEADS and head[:1] == [stem]
        if not regular:  # comments between the lines, lead names of several words, damage
            return _parse_lines(text, stem)
        own = [fields[column : N_LEADS * _FIELDS : _FIELDS] for column in range(1, _FIELDS)]
        key = (*head[1:4], *(value for column in (0, 1, 2, 3, 6, 7) for value in own[column]))
        layout = self._known.get(key)
        if layout is None:
            header = _parse_lines(text, stem)
            self._known[key] = header.layout
            return header
        return Header(layout, " ".join(head[4:6]) if len(head) > 5 else "", _checksums(own[5]))


def _read_bytes(path: Path | str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123  Path.open costs as much again as reading does
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        raise BadRecordError(Drop.FILE_MISSING) from None
    except OSError:
        raise BadRecordError(Drop.FILE_UNREADABLE) from None


def _checksums(fields: list[str]) -> tuple[int, ...]:
    try:
        return tuple(int(field) % 65536 for field in fields)  # written signed by some programs, unsigned by others
    except ValueError:
        raise BadRecordError(Drop.HEADER_BROKEN) from None


def _parse_lines(text: str, stem: str) -> Header:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    first = _RECORD_LINE.fullmatch(lines[0]) if lines else None
    if first is None:
        raise BadRecordError(Drop.HEADER_BROKEN)
    name, n_leads, rate, n_samples, time, date = first.groups()
    if name != stem:
        raise BadRecordError(Drop.HEADER_NAME)
    if int(n_leads) != N_LEADS:
        raise BadRecordError(Drop.LEADS)
    if len(lines) != 1 + N_LEADS or float(rate) <= 0 or int(n_samples) == 0:
        raise BadRecordError(Drop.HEADER_BROKEN)
    rows = [_parse_lead(line, stem) for line in lines[1:]]
    try:
        channels = channel_of_each_lead([row.lead for row in rows])
    except ValueError:
        raise BadRecordError(Drop.LEADS) from None
    layout = Layout(
        rate_hz=float(rate),
        n_samples=int(n_samples),
        channels=tuple(channels),
        gains_per_mv=tuple(rows[channel].gain_per_mv for channel in channels),
        baselines=tuple(rows[channel].baseline for channel in channels),
    )
    return Header(layout, f"{time} {date}" if date else "", _checksums([row.checksum for row in rows]))


class _LeadLine(NamedTuple):
    lead: str
    gain_per_mv: float
    baseline: int
    checksum: str


def _parse_lead(line: str, stem: str) -> _LeadLine:
    fields = line.split(maxsplit=_FIELDS - 1)
    if len(fields) != _FIELDS:
        raise BadRecordError(Drop.HEADER_BROKEN)
    file, signal_format, gain_field, _, zero, _, checksum, _, lead = fields
    if file != f"{stem}.dat":
        raise BadRecordError(Drop.HEADER_NAME)
    if signal_format != "16":
        raise BadRecordError(Drop.FORMAT)
    match = _GAIN.fullmatch(gain_field)
    if match is None:
        raise BadRecordError(Drop.HEADER_BROKEN)
    try:
        gain_per_mv, baseline = float(match[1]), int(match[2] or zero)  # a baseline left out is the ADC zero
    except ValueError:
        raise BadRecordError(Drop.HEADER_BROKEN) from None
    if not math.isfinite(gain_per_mv) or gain_per_mv == 0:
        raise BadRecordError(Drop.GAIN)
    if (match[3] or "mV") != "mV":
        raise BadRecordError(Drop.UNIT)
    return _LeadLine(lead, gain_per_mv, baseline, checksum)


def parse_start(start: str) -> datetime:
    """Time of a header as ``Header.start`` holds it, to the second.

    Raises:
        BadRecordError: If it is no time.
    """
    try:
        return datetime.strptime(
            start.partition(" ")[0].partition(".")[0] + start[start.index(" ") :], "%H:%M:%S %d/%m/%Y"
        )
    except ValueError:
        raise BadRecordError(Drop.HEADER_BROKEN) from None


def read_samples(path: Path | str, samples: NDArray[np.int16]) -> None:
    """Fill an array with a whole ``.dat`` file.

    Args:
        path: Path of the ``.dat`` file.
        samples: int16 ``[n_samples, 12]``, contiguous; filled in stored channel order.

    Raises:
        BadRecordError: If the file is missing or does not hold exactly that many samples.
    """
    view: Any = samples.reshape(-1).view(np.uint8)
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123  as above
            filled = file.readinto(view)
            complete = filled == view.nbytes and not file.read(1)
    except (FileNotFoundError, NotADirectoryError):
        raise BadRecordError(Drop.FILE_MISSING) from None
    except OSError:
        raise BadRecordError(Drop.FILE_UNREADABLE) from None
    if not complete:
        raise BadRecordError(Drop.SIZE)
