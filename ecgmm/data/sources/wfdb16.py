"""WFDB recordings of format 16, read fast: what ``wfdb.rdsamp`` does, without its per-field cost.

Read is what archives of twelve leads use: one signal file of twelve channels in format 16. The file is a ``.dat``, or a
``.mat`` as of the PhysioNet/CinC challenges of 2020 and 2021: the same samples, behind the 24 bytes that begin a MATLAB
file. All else is left to ``wfdb_package``.
"""

import codecs
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.data.sources.tree_reading import read_short, read_whole
from ecgmm.data.sources.waveform_reader import Block, Description, Layout
from ecgmm.data.sources.wfdb_header import MOST_BYTES, START, Header, parse_header, start_of
from ecgmm.leads import N_LEADS, channels_of_leads
from ecgmm.signal.scan import to_lead_major

NAME = "wfdb_16"
_COMMENTS = r"(?:\s*\n#[^\r\n\v\f\x1c-\x1e]*)*\s*"
_MOST_FORMS = 16  # an archive has one or two


@dataclass(frozen=True)
class Wfdb16Layout(Layout):
    """Layout of one signal file of twelve channels.

    Attributes:
        channels: Stored channel of each lead of ``leads.LEADS``.
        ending: Of the signal file.
        n_bytes_before: Bytes of the signal file before the first sample.
    """

    channels: tuple[int, ...]
    ending: str = ".dat"
    n_bytes_before: int = 0

    @property
    def n_bytes(self) -> int:
        """Size of the signal file."""
        return self.n_bytes_before + self.n_samples * N_LEADS * 2


class Wfdb16Reader:
    """``WaveformReader`` of such recordings; its checksums are in stored order."""

    def describe(self, record: str, tree: TreeFiles) -> Description[Wfdb16Layout]:
        """See ``WaveformReader``."""
        return _headers().read(f"{tree.root}{record}.hea")

    def sizes(self, record: str, layout: Wfdb16Layout) -> Sequence[tuple[str, int]]:
        """See ``WaveformReader``."""
        return ((f"{record}{layout.ending}", layout.n_bytes),)

    def read(self, records: Sequence[str], layout: Wfdb16Layout, checksums: NDArray[np.uint16] | None) -> Block:
        """See ``WaveformReader``."""
        stored, samples = _BUFFERS.of(len(records), layout.n_samples)
        reasons: list[Drop | None] = [None] * len(records)
        n_read = 0
        for number, record in enumerate(records):
            try:
                read_samples(f"{record}{layout.ending}", stored[n_read], layout.n_bytes_before)
                n_read += 1
            except BadRecordError as error:
                reasons[number] = error.reason
        samples = samples[:n_read]
        to_lead_major(stored[:n_read], layout.channels, samples)
        if checksums is not None:
            places = np.array([number for number, reason in enumerate(reasons) if reason is None], dtype=np.int64)
            agree = checksums_agree(samples, layout, checksums[places])
            if not agree.all():
                samples = samples[agree]
                for place in places[~agree].tolist():
                    reasons[place] = Drop.CHECKSUM
        return Block(samples, reasons)


class _Buffers(threading.local):
    """Memory of a thread for one block, used again for every other one: fresh memory costs as much as copying it."""

    def __init__(self) -> None:
        self._stored = np.empty((0, 0, N_LEADS), dtype=np.int16)
        self._samples = np.empty((0, N_LEADS, 0), dtype=np.int16)

    def of(self, n_records: int, n_samples: int) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        """int16 ``[n_records, n_samples, 12]`` and ``[n_records, 12, n_samples]``."""
        if n_records > len(self._stored) or n_samples != self._stored.shape[1]:
            self._stored = np.empty((n_records, n_samples, N_LEADS), dtype=np.int16)
            self._samples = np.empty((n_records, N_LEADS, n_samples), dtype=np.int16)
        return self._stored[:n_records], self._samples[:n_records]


_BUFFERS = _Buffers()


class HeaderReader:
    """Reader of headers; one that differs from an earlier one only in its own fields is not parsed again."""

    def __init__(self) -> None:
        self._known: list[tuple[re.Pattern[str], Wfdb16Layout]] = []

    def read(self, path: Path | str) -> Description[Wfdb16Layout]:
        """Read a header.

        Args:
            path: Path of the ``.hea`` file.

        Raises:
            BadRecordError: If the header is missing, damaged, or announces something that is not supported.
        """
        return self.parse(read_text(path), str(path)[:-4].rpartition("/")[2])

    def parse(self, text: str, stem: str) -> Description[Wfdb16Layout]:
        """Parse the text of a header that should describe the record ``stem``; see ``read``."""
        for form, layout in self._known:
            match = form.fullmatch(text)
            if match is not None and match["name"] == stem:
                return Description(layout, start_of(match), _checksums(match.groups()[-N_LEADS:]))
        header = parse_header(text, stem)
        layout = _layout(header)
        checksums = tuple(channel.checksum for channel in header.channels)
        description = Description(layout, start_of(header.match), checksums)
        self._known = [(_form(header), layout), *self._known[: _MOST_FORMS - 1]]
        return description


@lru_cache(maxsize=1)
def _headers() -> HeaderReader:
    return HeaderReader()  # of this process, so that a header seen before is not parsed again


def read_text(path: Path | str) -> str:
    """Text of a header.

    Raises:
        BadRecordError: If it is missing, cannot be read, is longer than any header, or is not UTF-8 outside its
            comments.
    """
    content = read_short(str(path), MOST_BYTES)
    if content is None:
        raise BadRecordError(Drop.HEADER_BROKEN)
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode()
    except UnicodeDecodeError:
        return _with_old_comments(content)


def _with_old_comments(content: bytes) -> str:
    """Text of a header whose comments are Latin-1; elsewhere one of its letters could be a unit's µ, read as none."""
    others = re.sub(rb"(?m)^[ \t]*#.*$", b"", content)
    if not others.isascii():
        raise BadRecordError(Drop.HEADER_ENCODING)
    return content.decode("latin-1")


def _checksums(fields: Sequence[str]) -> tuple[int, ...]:
    return tuple([int(field) % 65536 for field in fields])  # written signed by some programs, unsigned by others


def _layout(header: Header) -> Wfdb16Layout:
    channels = header.channels
    if len(channels) != N_LEADS:
        raise BadRecordError(Drop.LEADS)
    if {channel.format for channel in channels} != {"16"} or channels[0].ending not in (".dat", ".mat"):
        raise BadRecordError(Drop.FORMAT)
    if len({(channel.ending, channel.n_bytes_before) for channel in channels}) > 1 or header.n_frames is None:
        raise BadRecordError(Drop.FORMAT)
    if any(channel.samples_per_frame > 1 for channel in channels):
        raise BadRecordError(Drop.FORMAT)
    try:
        named = channels_of_leads([channel.match["lead"] for channel in channels])
    except ValueError:
        raise BadRecordError(Drop.LEADS) from None
    order = [place for place in named if place is not None]
    if len(order) < N_LEADS:
        raise BadRecordError(Drop.LEADS)
    return Wfdb16Layout(
        reader=NAME,
        rate_hz=header.rate_hz,
        n_samples=header.n_frames,
        gains_per_mv=tuple(sign * channels[number].gain_per_mv for number, sign in order),
        baselines=tuple(channels[number].baseline for number, _ in order),
        channels=tuple(number for number, _ in order),
        ending=channels[0].ending,
        n_bytes_before=channels[0].n_bytes_before,
    )


def _form(header: Header) -> re.Pattern[str]:
    """Pattern of the headers that say the same; its last twelve groups are the checksums."""
    first = header.match
    before_start = first.string[first.end("name") : first.end("samples")]
    patterns = [rf"(?P<name>[-\w]+){re.escape(before_start)}(?:[ \t]+{START})?"]
    for channel in header.channels:
        line, match = channel.match.string, channel.match
        before, after = line[match.end("file") : match.start("first")], line[match.end("checksum") :]
        file = rf"(?P=name){re.escape(channel.ending)}"
        patterns.append(rf"{file}{re.escape(before)}-?\d{{1,10}}[ \t]+(-?\d{{1,10}}){re.escape(after)}")
    return re.compile(r"[ \t]*\r?\n".join(patterns) + _COMMENTS, re.ASCII)


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
    read_whole(str(path), memoryview(view), n_bytes_before)


def checksums_agree(
    samples: NDArray[np.int16], layout: Wfdb16Layout, checksums: NDArray[np.uint16]
) -> NDArray[np.bool_]:
    """Compare samples with the checksums of their headers.

    Args:
        samples: int16 ``[R, 12, T]`` as read, in lead order.
        layout: Tells which stored channel each lead was.
        checksums: uint16 ``[R, 12]`` in stored order.

    Returns:
        bool ``[R]``.
    """
    sums = samples.sum(axis=-1, dtype=np.int16).view(np.uint16)  # 16 bits wrap around as the format wants it
    agree: NDArray[np.bool_] = (sums == checksums[:, list(layout.channels)]).all(axis=1)
    return agree
