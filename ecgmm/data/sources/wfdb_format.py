"""WFDB headers and format 16 signals, read fast: what ``wfdb.rdsamp`` does, without its per-field cost.

Source of the format: header(5) and signal(5) of the WFDB Applications Guide. Only what twelve-lead archives use is
read: one segment, one signal file, format 16; everything else is a reason to drop the record. The signal file is a
``.dat``, or a ``.mat`` as of the PhysioNet/CinC challenges of 2020 and 2021: the same samples, behind the 24 bytes that
begin a MATLAB file.
"""

import errno
import math
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.leads import N_LEADS, channel_of_each_lead

_TIME = r"(?:[01]?\d|2[0-3]):[0-5]?\d:[0-5]?\d(?:\.\d{1,6})?"
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_MONTH = "|".join(_MONTHS[n : n + 3] for n in range(0, 36, 3))
_START = (
    rf"(?:(?P<time>{_TIME})(?:[ \t]+(?P<date>(?P<day>\d\d?)/(?P<month>\d\d?)/(?P<year>\d{{4}})))?"
    rf"|(?P<named>(?P<day_>\d\d?)-(?P<month_>{_MONTH})-(?P<year_>\d{{4}}))[ \t]+(?P<time_>{_TIME}))"
)
"""As WFDB writes it, ``12:04:00 22/09/2182``, or as the CinC challenges do, ``05-May-2020 09:49:17``."""
_NUMBER = r"\d{1,9}(?:\.\d{0,9})?"
_RECORD_LINE = re.compile(
    rf"(?P<name>[-\w]+)[ \t]+(?P<leads>\d{{1,4}})[ \t]+(?P<rate>{_NUMBER})(?:/{_NUMBER}(?:\(-?{_NUMBER}\))?)?"
    rf"[ \t]+(?P<samples>\d{{1,10}})(?:[ \t]+{_START})?",
    re.ASCII,
)
_LEAD_LINE = re.compile(
    r"(?P<file>\S+)[ \t]+(?P<format>\S+)[ \t]+(?P<gain>[^\s(/]+)(?:\((?P<baseline>-?\d{1,10})\))?(?:/(?P<unit>\S+))?"
    r"[ \t]+\d{1,10}[ \t]+(?P<zero>-?\d{1,10})[ \t]+(?P<first>-?\d{1,10})[ \t]+(?P<checksum>-?\d{1,10})[ \t]+\d{1,10}"
    r"[ \t]+(?P<lead>\S.*)",
    re.ASCII,
)  # resolution and block size say nothing about the samples, but a field that is no number shifts the others
_GAIN = re.compile(r"-?(?:\d{1,30}\.?\d{0,30}|\.\d{1,30})(?:e[+-]?\d{1,3})?", re.ASCII)
_LINE_END = re.compile(r"[\r\n\v\f\x1c-\x1e]")  # what ends a line for wfdb, which skips all that is not ASCII
_COMMENTS = r"(?:\s*\n#[^\r\n\v\f\x1c-\x1e]*)*\s*"
_MOST_BYTES = 1 << 16  # of a header; twelve leads take one or two thousand
_MOST_SAMPLES = 1 << 20  # of a lead, half an hour at 500 Hz: no header makes preparation ask for more memory
_MOST_FORMS = 16  # an archive has one or two
_GAINS_PER_MV = (1.0, 65536.0)
"""Steps of 1 mV are as high as a QRS complex, and 16 bits of finer steps than the other end below 0.5 mV, under which a
QRS complex of the limb leads is called low voltage. MIMIC-IV-ECG has 200, PTB-XL 1,000."""
_FORMAT = re.compile(r"16(?:x1)?(?:\+(?P<before>\d{1,4}))?", re.ASCII)
_FILE = re.compile(r"(?P<stem>.*)(?P<ending>\.dat|\.mat)")


@dataclass(frozen=True)
class Layout:
    """What the headers of a whole archive usually share.

    Attributes:
        rate_hz: Sampling rate in Hz.
        n_samples: Samples of each lead.
        channels: Stored channel of each lead of ``leads.LEADS``.
        gains_per_mv: Steps per mV of each lead, in the same order.
        baselines: Step value of 0 mV of each lead, in the same order.
        ending: Of the signal file.
        n_bytes_before: Bytes of the signal file before the first sample.
    """

    rate_hz: float
    n_samples: int
    channels: tuple[int, ...]
    gains_per_mv: tuple[float, ...]
    baselines: tuple[int, ...]
    ending: str = ".dat"
    n_bytes_before: int = 0

    @property
    def n_bytes(self) -> int:
        """Size of the signal file."""
        return self.n_bytes_before + self.n_samples * N_LEADS * 2


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
    """Reads headers; one that differs from an earlier one only in its own fields is not parsed again."""

    def __init__(self) -> None:
        self._known: list[tuple[re.Pattern[str], Layout]] = []

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
        for form, layout in self._known:
            match = form.fullmatch(text)
            if match is not None and match["name"] == stem:
                return Header(layout, _start(match), _checksums(match.groups()[-N_LEADS:]))
        header, form = _parse(text, stem)
        self._known = [(form, header.layout), *self._known[: _MOST_FORMS - 1]]
        return header


def _read_bytes(path: Path | str) -> bytes:
    with _opened(path) as file:
        content = os.read(file, _MOST_BYTES)
    if len(content) == _MOST_BYTES:
        raise BadRecordError(Drop.HEADER_BROKEN)
    return content


class _opened:  # noqa: N801  a context manager, and a class of two methods costs a third of one made of a generator
    """A file for the calls of ``os``: Python's own file objects cost as much again as reading does."""

    def __init__(self, path: Path | str) -> None:
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)  # a FIFO is not waited for
        except (FileNotFoundError, NotADirectoryError):
            raise BadRecordError(Drop.FILE_MISSING) from None
        except OSError as error:
            is_socket = error.errno in (errno.ENXIO, errno.ENODEV)
            raise BadRecordError(Drop.NOT_A_FILE if is_socket else Drop.FILE_UNREADABLE) from None
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            os.close(self._file)
            raise BadRecordError(Drop.NOT_A_FILE)

    def __enter__(self) -> int:
        return self._file

    def __exit__(self, _type: type[BaseException] | None, error: BaseException | None, _traceback: object) -> None:
        os.close(self._file)
        if isinstance(error, OSError):
            raise BadRecordError(Drop.FILE_UNREADABLE) from None


def _checksums(fields: Sequence[str]) -> tuple[int, ...]:
    return tuple([int(field) % 65536 for field in fields])  # written signed by some programs, unsigned by others


def _start(match: re.Match[str]) -> str:
    """Time and date of a record line."""
    if match["date"] is not None:
        year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
        start = f"{match['time']} {match['date']}"
    elif match["named"] is not None:
        year, month, day = int(match["year_"]), _MONTHS.index(match["month_"]) // 3 + 1, int(match["day_"])
        start = f"{match['time_']} {day:02}/{month:02}/{year:04}"
    else:
        return ""
    try:
        date(year, month, day)
    except ValueError:
        raise BadRecordError(Drop.HEADER_BROKEN) from None
    return start


def _parse(text: str, stem: str) -> tuple[Header, re.Pattern[str]]:
    """Read a header line by line; gives it, and the form of all headers that differ only in their own fields."""
    stripped = [line.strip() for line in _LINE_END.split(text)]
    lines = [line for line in stripped if line and not line.startswith("#")]
    first = _RECORD_LINE.fullmatch(lines[0]) if lines else None
    if first is None:
        raise BadRecordError(Drop.HEADER_BROKEN)
    if first["name"] != stem:
        raise BadRecordError(Drop.HEADER_NAME)
    if int(first["leads"]) != N_LEADS:
        raise BadRecordError(Drop.LEADS)
    n_samples, rate_hz = int(first["samples"]), float(first["rate"])
    if len(lines) != 1 + N_LEADS or rate_hz == 0 or n_samples == 0:
        raise BadRecordError(Drop.HEADER_BROKEN)
    if n_samples > _MOST_SAMPLES:
        raise BadRecordError(Drop.SIZE)
    rows = [_parse_lead(line, stem) for line in lines[1:]]
    if len({(row.ending, row.n_bytes_before) for row in rows}) > 1:
        raise BadRecordError(Drop.FORMAT)
    try:
        channels = channel_of_each_lead([row.match["lead"] for row in rows])
    except ValueError:
        raise BadRecordError(Drop.LEADS) from None
    layout = Layout(
        rate_hz=rate_hz,
        n_samples=n_samples,
        channels=tuple(channels),
        gains_per_mv=tuple(rows[channel].gain_per_mv for channel in channels),
        baselines=tuple(rows[channel].baseline for channel in channels),
        ending=rows[0].ending,
        n_bytes_before=rows[0].n_bytes_before,
    )
    header = Header(layout, _start(first), _checksums([row.match["checksum"] for row in rows]))
    return header, _form(first, [row.match for row in rows], layout.ending)


def _form(first: re.Match[str], leads: list[re.Match[str]], ending: str) -> re.Pattern[str]:
    """Pattern of the headers that say the same; its last twelve groups are the checksums."""
    before_start = first.string[first.end("name") : first.end("samples")]
    patterns = [rf"(?P<name>[-\w]+){re.escape(before_start)}(?:[ \t]+{_START})?"]
    for lead in leads:
        line = lead.string
        before, after = line[lead.end("file") : lead.start("first")], line[lead.end("checksum") :]
        patterns.append(
            rf"(?P=name){re.escape(ending)}{re.escape(before)}-?\d{{1,10}}[ \t]+(-?\d{{1,10}}){re.escape(after)}"
        )
    return re.compile(r"[ \t]*\r?\n".join(patterns) + _COMMENTS, re.ASCII)


class _LeadLine(NamedTuple):
    match: re.Match[str]
    gain_per_mv: float
    baseline: int
    ending: str
    n_bytes_before: int


def _parse_lead(line: str, stem: str) -> _LeadLine:
    match = _LEAD_LINE.fullmatch(line)
    if match is None:
        raise BadRecordError(Drop.HEADER_BROKEN)
    file = _FILE.fullmatch(match["file"])
    if file is None or file["stem"] != stem:
        raise BadRecordError(Drop.HEADER_NAME)
    format_ = _FORMAT.fullmatch(match["format"])
    if format_ is None:
        raise BadRecordError(Drop.FORMAT)
    if (match["unit"] or "mV") != "mV":
        raise BadRecordError(Drop.UNIT)
    # a baseline left out is the ADC zero
    baseline = int(match["baseline"] or match["zero"])
    return _LeadLine(match, _gain_per_mv(match["gain"]), baseline, file["ending"], int(format_["before"] or 0))


def _gain_per_mv(field: str) -> float:
    try:
        gain_per_mv = float(field)
    except ValueError:
        raise BadRecordError(Drop.HEADER_BROKEN) from None
    if not math.isfinite(gain_per_mv) or abs(gain_per_mv) < 1e-9:  # steps of a million volts
        raise BadRecordError(Drop.GAIN)
    if _GAIN.fullmatch(field) is None:  # float also takes 2_00 and digits of other scripts
        raise BadRecordError(Drop.HEADER_BROKEN)
    lowest, highest = _GAINS_PER_MV
    if not lowest <= abs(gain_per_mv) <= highest:
        raise BadRecordError(Drop.GAIN_RANGE)
    return gain_per_mv


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


def read_signal(record: str, layout: Layout, samples: NDArray[np.int16]) -> None:
    """Fill an array with the samples of a record.

    Args:
        record: Path of the record without extension.
        layout: What its header says.
        samples: As for ``read_samples``.

    Raises:
        BadRecordError: As ``read_samples``.
    """
    read_samples(f"{record}{layout.ending}", samples, layout.n_bytes_before)


def read_samples(path: Path | str, samples: NDArray[np.int16], n_bytes_before: int = 0) -> None:
    """Fill an array with a whole signal file.

    Args:
        path: Path of the file.
        samples: int16 ``[n_samples, 12]``, contiguous; filled in stored channel order.
        n_bytes_before: Bytes before the first sample, which are left out.

    Raises:
        BadRecordError: If the file is missing or does not hold exactly that many samples.
    """
    view: Any = samples.reshape(-1).view(np.uint8)
    with _opened(path) as file:
        n_bytes = os.readv(file, [bytearray(n_bytes_before), view, bytearray(1)])  # one more than there should be
    if n_bytes != n_bytes_before + view.nbytes:
        raise BadRecordError(Drop.SIZE)
