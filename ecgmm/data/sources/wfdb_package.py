"""WFDB recordings that ``wfdb16`` does not read, by way of the ``wfdb`` package.

These are other formats of samples, several signal files, channels beside the twelve leads, several samples a frame, and
lengths that only the size of the files tells. The header is our own strict reading of it; ``wfdb`` turns the files into
samples, and what it makes of them must fit the header.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.data.sources.tree_reading import plain_files
from ecgmm.data.sources.waveform_reader import Block, Description, Layout
from ecgmm.data.sources.wfdb16 import read_text
from ecgmm.data.sources.wfdb_header import BITS, MOST_SAMPLES, STORED_BITS, Channel, parse_header, start_of
from ecgmm.leads import N_LEADS, channels_of_leads

NAME = "wfdb_package"
MISSING = np.iinfo(np.int32).min


@dataclass(frozen=True)
class SignalFile:
    """One signal file of a record: its neighbours in the header.

    Attributes:
        ending: File name behind the name of the record.
        format: Number of its format.
        n_bytes_before: Bytes before the first sample.
        frame: Samples per frame of each channel in it.
    """

    ending: str
    format: str
    n_bytes_before: int
    frame: tuple[int, ...]

    def n_bytes(self, n_frames: int) -> int:
        """Size of the file with so many frames."""
        n = n_frames * sum(self.frame)
        if self.format in ("310", "311"):  # three samples in four bytes
            return self.n_bytes_before + 4 * (n // 3) + (0, 2, 4)[n % 3]
        return self.n_bytes_before + (n * STORED_BITS[self.format] + 7) // 8

    def n_frames(self, n_bytes: int) -> int:
        """Frames of a file of this size; the larger number where the last of three samples may be a filling, as wfdb.

        Raises:
            BadRecordError: If it holds no whole number of them.
        """
        bits = 32 / 3 if self.format in ("310", "311") else STORED_BITS[self.format]
        near = round((n_bytes - self.n_bytes_before) * 8 / bits / sum(self.frame))
        fitting = [n for n in (near - 1, near, near + 1) if 0 < n <= MOST_SAMPLES and self.n_bytes(n) == n_bytes]
        if not fitting:
            raise BadRecordError(Drop.SIZE)
        return fitting[-1]


@dataclass(frozen=True)
class WfdbLayout(Layout):
    """Layout of any files that ``wfdb`` reads.

    Attributes:
        channels: Stored channel of each lead of ``leads.LEADS``.
        files: The signal files, in the order of their channels.
        n_frames: Frames of each file.
    """

    channels: tuple[int, ...]
    files: tuple[SignalFile, ...]
    n_frames: int

    @property
    def formats(self) -> list[str]:
        """Number of the format of each stored channel."""
        return [file.format for file in self.files for _ in file.frame]

    @property
    def lengths(self) -> list[int]:
        """Samples of each stored channel."""
        return [number * self.n_frames for file in self.files for number in file.frame]


class WfdbPackageReader:
    """``WaveformReader`` of such recordings; its checksums are in lead order.

    Args:
        some_leads: Whether recordings may lack leads.
    """

    def __init__(self, some_leads: bool = False) -> None:
        self.fewest_leads = 1 if some_leads else N_LEADS

    def describe(self, record: str, tree: TreeFiles) -> Description[WfdbLayout]:
        """See ``WaveformReader``."""
        text, stem = read_text(f"{tree.root}{record}.hea"), record.rpartition("/")[2]
        header = parse_header(text, stem, self.fewest_leads)
        places = self._channels_of_leads([channel.match["lead"] for channel in header.channels])
        leads = [None if place is None else header.channels[place[0]] for place in places]
        signs = [0 if place is None else place[1] for place in places]
        per_frame = {lead.samples_per_frame for lead in leads if lead}
        if len(per_frame) > 1:  # leads of several rates
            raise BadRecordError(Drop.FORMAT)
        files = _signal_files(header.channels)
        n_frames = header.n_frames
        if n_frames is None:  # the first file tells, and the others are held to it
            n_frames = files[0].n_frames(tree.check_file(f"{record}{files[0].ending}"))
        layout = WfdbLayout(
            reader=NAME,
            rate_hz=header.rate_hz * max(per_frame),
            n_samples=n_frames * max(per_frame),
            gains_per_mv=tuple(
                lead.gain_per_mv * sign if lead else 1.0 for lead, sign in zip(leads, signs, strict=True)
            ),
            baselines=tuple(lead.baseline if lead else 0 for lead in leads),
            recorded=tuple(lead is not None for lead in leads),
            channels=tuple(place[0] for place in places if place is not None),
            files=files,
            n_frames=n_frames,
        )
        return Description(layout, start_of(header.match), tuple(lead.checksum if lead else 0 for lead in leads))

    def _channels_of_leads(self, names: list[str]) -> list[tuple[int, int] | None]:
        """Stored channel and sign of each lead; channels of other names are passed over."""
        try:
            places = channels_of_leads(names)
        except ValueError:
            raise BadRecordError(Drop.LEADS) from None
        if len(places) - places.count(None) < self.fewest_leads:
            raise BadRecordError(Drop.LEADS)
        return places

    def sizes(self, record: str, layout: WfdbLayout) -> Sequence[tuple[str, int]]:
        """See ``WaveformReader``."""
        return [(f"{record}{file.ending}", file.n_bytes(layout.n_frames)) for file in layout.files]

    def read(self, records: Sequence[str], layout: WfdbLayout, checksums: NDArray[np.uint16] | None) -> Block:
        """See ``WaveformReader``."""
        samples = np.empty((len(records), N_LEADS, layout.n_samples), dtype=np.int32)
        reasons: list[Drop | None] = [None] * len(records)
        n_read = 0
        for number, record in enumerate(records):
            try:
                samples[n_read], sums = read_leads(record, layout)
                if checksums is not None and not np.array_equal(sums % 65536, checksums[number]):
                    raise BadRecordError(Drop.CHECKSUM)
                n_read += 1
            except BadRecordError as error:
                reasons[number] = error.reason
        return Block(samples[:n_read], reasons)


def _signal_files(channels: list[Channel]) -> tuple[SignalFile, ...]:
    """The files of channels, each of one format, its channels side by side."""
    neighbours = groupby(channels, lambda channel: (channel.ending, channel.format, channel.n_bytes_before))
    files = tuple(SignalFile(*form, tuple(one.samples_per_frame for one in group)) for form, group in neighbours)
    if len({file.ending for file in files}) < len(files):
        raise BadRecordError(Drop.FORMAT)
    if max(one.samples_per_frame for one in channels) > 1 and any(file.format == "61" for file in files):
        raise BadRecordError(Drop.FORMAT)  # wfdb 4.3 fails on them
    return files


def read_leads(record: str, layout: WfdbLayout) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Read a record.

    Args:
        record: Full path without extension.
        layout: As its header says.

    Returns:
        int64 ``[12, T]``, in which ``MISSING`` marks the missing samples, and int64 ``[12]``, the sums of what is
        stored.

    Raises:
        BadRecordError: If they cannot be read, or are not what the header describes.
    """
    import wfdb  # brings pandas; few archives need it

    try:
        plain = max(layout.lengths) == layout.n_frames
        stem = record.rpartition("/")[2]
        with plain_files(f"{record}.hea", [f"{stem}{file.ending}" for file in layout.files]) as header:
            # the mean of a frame's samples, or each
            read = wfdb.rdrecord(header.removesuffix(".hea"), physical=False, smooth_frames=plain)
        stored = [channel.astype(np.int64) for channel in (read.d_signal.T if plain else read.e_d_signal)]
    except Exception:  # damaged files make it raise nearly anything
        raise BadRecordError(Drop.FILE_UNREADABLE) from None
    if [len(channel) for channel in stored] != layout.lengths or read.fmt != layout.formats:
        raise BadRecordError(Drop.HEADER_BROKEN)
    leads = np.stack([stored[channel] for channel in layout.channels])
    sums = leads.sum(axis=1)
    n_bits = np.array([BITS[layout.formats[channel]] for channel in layout.channels])[:, None]
    lowest = -(2 ** (n_bits - 1))
    if ((leads < lowest) | (leads >= -lowest)).any():  # unused bits of format 311 that are set
        raise BadRecordError(Drop.FILE_UNREADABLE)
    leads[leads == lowest] = MISSING
    recorded = np.array(layout.recorded)
    whole, totals = np.full((N_LEADS, layout.n_samples), MISSING, dtype=np.int64), np.zeros(N_LEADS, dtype=np.int64)
    whole[recorded], totals[recorded] = leads, sums
    return whole, totals
