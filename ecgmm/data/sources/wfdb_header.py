"""WFDB headers, read strictly: what a header says field by field, and everything else is a reason to drop the record.

Source of the format: header(5) and signal(5) of the WFDB Applications Guide.
"""

import math
import re
from datetime import date
from typing import NamedTuple

from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.leads import N_LEADS

STORED_BITS = {"8": 8, "16": 16, "24": 24, "32": 32, "61": 16, "80": 8, "160": 16, "212": 12, "310": 10, "311": 10}
"""Bits that a sample takes in its file, by the number of the format."""
BITS = STORED_BITS | {"8": 32}
"""Bits of the samples themselves: format 8 stores differences, whose sums know no smaller bound."""
MOST_BYTES = 1 << 16
"""Largest header; twelve leads take one or two thousand bytes."""
MOST_SAMPLES = 1 << 20
"""Most samples of a lead, half an hour at 500 Hz: no header makes preparation ask for more memory."""
_MOST_CHANNELS = 64  # twelve leads of an electrocardiogram and what was recorded beside them

_TIME = r"(?:[01]?\d|2[0-3]):[0-5]?\d:[0-5]?\d(?:\.\d{1,6})?"
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_MONTH = "|".join(_MONTHS[n : n + 3] for n in range(0, 36, 3))
START = (
    rf"(?:(?P<time>{_TIME})(?:[ \t]+(?P<date>(?P<day>\d\d?)/(?P<month>\d\d?)/(?P<year>\d{{4}})))?"
    rf"|(?P<named>(?P<day_>\d\d?)-(?P<month_>{_MONTH})-(?P<year_>\d{{4}}))[ \t]+(?P<time_>{_TIME}))"
)
"""Time and date as WFDB writes them, ``12:04:00 22/09/2182``, or the CinC challenges, ``05-May-2020 09:49:17``."""
_NUMBER = r"\d{1,9}(?:\.\d{0,9})?"
_RECORD_LINE = re.compile(
    rf"(?P<name>[-\w]+)(?:/(?P<segments>\d{{1,5}}))?[ \t]+(?P<channels>\d{{1,4}})"
    rf"(?:[ \t]+(?P<rate>{_NUMBER})(?:/{_NUMBER}(?:\(-?{_NUMBER}\))?)?"
    rf"(?:[ \t]+(?P<samples>\d{{1,10}})(?:[ \t]+{START})?)?)?",
    re.ASCII,
)
_CHANNEL_LINE = re.compile(
    r"(?P<file>\S+)[ \t]+(?P<format>\S+)[ \t]+(?P<gain>[^\s(/]+)(?:\((?P<baseline>-?\d{1,10})\))?(?:/(?P<unit>\S+))?"
    r"[ \t]+\d{1,10}[ \t]+(?P<zero>-?\d{1,10})[ \t]+(?P<first>-?\d{1,10})[ \t]+(?P<checksum>-?\d{1,10})[ \t]+\d{1,10}"
    r"[ \t]+(?P<lead>\S.*)",
    re.ASCII,
)  # resolution and block size say nothing about the samples, but a field that is no number shifts the others
_GAIN = re.compile(r"-?(?:\d{1,30}\.?\d{0,30}|\.\d{1,30})(?:e[+-]?\d{1,3})?", re.ASCII)
_LINE_END = re.compile(r"[\r\n\v\f\x1c-\x1e]")  # what ends a line for wfdb, which skips all that is not ASCII
_SEGMENT_LINE = re.compile(r"(?P<name>~|[-\w]{1,80})[ \t]+(?P<samples>\d{1,10})", re.ASCII)
_FORMAT = re.compile(r"(?P<number>\d{1,3})(?:x(?P<frame>\d{1,3}))?(?:\+(?P<before>\d{1,4}))?", re.ASCII)
_DEFAULT_RATE_HZ = 250.0
_ENDING = re.compile(r"(?:[-_][-\w]{0,40})?\.\w{1,20}", re.ASCII)
_UNITS_PER_MV = {"mV": 1.0, "uV": 1e3, "µV": 1e3, "μV": 1e3, "nV": 1e6, "V": 1e-3}
_GAINS_PER_MV = (1.0, 65536 / 0.05)
"""Steps of 1 mV are as high as a QRS complex. Programs that give each lead a gain by its own range (``wrsamp`` of wfdb)
spread it over all 16 bits: one that holds 0.05 mV of noise and nothing else has as many steps per mV as the other end.
MIMIC-IV-ECG has 200, PTB-XL 1,000. More bits reach as far in finer steps."""


class Channel(NamedTuple):
    """One channel, as a line of a header describes it.

    Attributes:
        match: Fields as written: file, first (sample), checksum, lead, ...
        ending: File name behind the name of the record.
        format: Number of the format, a key of ``BITS``.
        n_bytes_before: Bytes of the file before the first sample.
        samples_per_frame: Samples of each frame, whose rate the header tells.
        gain_per_mv: Steps per mV.
        baseline: Step of 0 mV.
    """

    match: re.Match[str]
    ending: str
    format: str
    n_bytes_before: int
    samples_per_frame: int
    gain_per_mv: float
    baseline: int

    @property
    def checksum(self) -> int:
        """Sum of the samples modulo 65536."""
        return int(self.match["checksum"]) % 65536  # written signed by some programs, unsigned by others


class Header(NamedTuple):
    """One header.

    Attributes:
        match: Fields of its first line as written.
        rate_hz: Frames in a second.
        n_frames: Frames, of one sample of each channel unless the channel says otherwise; None where the size of the
            files tells.
        channels: In stored order.
    """

    match: re.Match[str]
    rate_hz: float
    n_frames: int | None
    channels: list[Channel]


class Segment(NamedTuple):
    """A segment of a recording.

    Attributes:
        name: Record that holds it; None for a gap.
        n_frames: Its frames.
    """

    name: str | None
    n_frames: int


class SegmentList(NamedTuple):
    """Header of a recording in several segments.

    Attributes:
        match: Fields of its first line as written.
        rate_hz: Frames in a second.
        n_frames: Frames of all segments together.
        segments: The segments one after the other; a first one of no frames only lists all channels that occur.
    """

    match: re.Match[str]
    rate_hz: float
    n_frames: int
    segments: list[Segment]


def parse_header(text: str, stem: str, fewest_channels: int = N_LEADS) -> Header:
    """Read a header line by line.

    Args:
        text: Its text.
        stem: Name of the record that it should describe.
        fewest_channels: Number of channels that it must announce at least.

    Raises:
        BadRecordError: If it is damaged, describes another record, or announces what no reader reads.
    """
    first, lines = _lines(text, stem)
    if first["segments"] is not None:
        raise BadRecordError(Drop.FORMAT)
    n_channels, rate_hz = int(first["channels"]), float(first["rate"] or _DEFAULT_RATE_HZ)
    n_frames = None if first["samples"] is None else int(first["samples"])
    if not fewest_channels <= n_channels <= _MOST_CHANNELS:
        raise BadRecordError(Drop.LEADS)
    if len(lines) != n_channels or rate_hz == 0 or n_frames == 0:
        raise BadRecordError(Drop.HEADER_BROKEN)
    header = Header(first, rate_hz, n_frames, [_parse_channel(line, stem) for line in lines])
    if n_frames is not None and n_frames * max(channel.samples_per_frame for channel in header.channels) > MOST_SAMPLES:
        raise BadRecordError(Drop.SIZE)
    return header


def parse_segments(text: str, stem: str) -> SegmentList | None:
    """Read the header of a recording in several segments; None for one that describes its channels itself.

    Raises:
        BadRecordError: As ``parse_header``.
    """
    first, lines = _lines(text, stem)
    if first["segments"] is None:
        return None
    matches = [_SEGMENT_LINE.fullmatch(line) for line in lines]
    segments = [
        Segment(match["name"] if match["name"] != "~" else None, int(match["samples"])) for match in matches if match
    ]
    rate_hz, n_frames = float(first["rate"] or _DEFAULT_RATE_HZ), sum(segment.n_frames for segment in segments)
    if len(segments) != len(lines) or len(lines) != int(first["segments"]) or rate_hz == 0 or n_frames == 0:
        raise BadRecordError(Drop.HEADER_BROKEN)
    if first["samples"] is not None and int(first["samples"]) != n_frames:
        raise BadRecordError(Drop.HEADER_BROKEN)
    if n_frames > MOST_SAMPLES:
        raise BadRecordError(Drop.SIZE)
    return SegmentList(first, rate_hz, n_frames, segments)


def _lines(text: str, stem: str) -> tuple[re.Match[str], list[str]]:
    """The record line, and those that follow without comments."""
    stripped = [line.strip() for line in _LINE_END.split(text)]
    lines = [line for line in stripped if line and not line.startswith("#")]
    first = _RECORD_LINE.fullmatch(lines[0]) if lines else None
    if first is None:
        raise BadRecordError(Drop.HEADER_BROKEN)
    if first["name"] != stem:
        raise BadRecordError(Drop.HEADER_NAME)
    return first, lines[1:]


def _parse_channel(line: str, stem: str) -> Channel:
    match = _CHANNEL_LINE.fullmatch(line)
    if match is None:
        raise BadRecordError(Drop.HEADER_BROKEN)
    ending = match["file"].removeprefix(stem)
    if not match["file"].startswith(stem) or _ENDING.fullmatch(ending) is None:
        raise BadRecordError(Drop.HEADER_NAME)
    format_ = _FORMAT.fullmatch(match["format"])
    if format_ is None or format_["number"] not in BITS:
        raise BadRecordError(Drop.FORMAT)
    units_per_mv = _UNITS_PER_MV.get(match["unit"] or "mV")
    if units_per_mv is None:
        raise BadRecordError(Drop.UNIT)
    # a baseline left out is the ADC zero
    baseline = int(match["baseline"] or match["zero"])
    gain_per_mv = _gain_per_mv(match["gain"], units_per_mv, BITS[format_["number"]])
    samples_per_frame = int(format_["frame"] or 1)
    if samples_per_frame == 0:
        raise BadRecordError(Drop.HEADER_BROKEN)
    before = int(format_["before"] or 0)
    return Channel(match, ending, format_["number"], before, samples_per_frame, gain_per_mv, baseline)


def _gain_per_mv(field: str, units_per_mv: float, n_bits: int) -> float:
    try:
        gain_per_mv = float(field) * units_per_mv
    except ValueError:
        raise BadRecordError(Drop.HEADER_BROKEN) from None
    if not math.isfinite(gain_per_mv) or abs(gain_per_mv) < 1e-9:  # steps of a million volts
        raise BadRecordError(Drop.GAIN)
    if _GAIN.fullmatch(field) is None:  # float also takes 2_00 and digits of other scripts
        raise BadRecordError(Drop.HEADER_BROKEN)
    lowest, highest = _GAINS_PER_MV
    if not lowest <= abs(gain_per_mv) <= highest * 2 ** max(n_bits - 16, 0):
        raise BadRecordError(Drop.GAIN_RANGE)
    return gain_per_mv


def start_of(match: re.Match[str]) -> str:
    """Time and date of a record line, as ``Description.start`` has them.

    Raises:
        BadRecordError: If there is no such day.
    """
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
