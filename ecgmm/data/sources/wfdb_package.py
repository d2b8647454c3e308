"""WFDB recordings that ``wfdb16`` does not read, by way of the ``wfdb`` package.

These are other formats of samples, several signal files, and channels beside the twelve leads. The header is our own
strict reading of it; ``wfdb`` turns the files into samples, and what it makes of them must fit the header.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.data.sources.waveform_reader import Block, Description, Layout
from ecgmm.data.sources.wfdb16 import read_text
from ecgmm.data.sources.wfdb_header import BITS, STORED_BITS, Channel, parse_header, start_of
from ecgmm.leads import LEADS, channel_of_each_lead

NAME = "wfdb_package"
_UPPER_LEADS = {name.upper() for name in LEADS}
_MISSING = np.iinfo(np.int32).min


@dataclass(frozen=True)
class SignalFile:
    """One signal file of a record: its neighbours in the header.

    Attributes:
        ending: File name behind the name of the record.
        format: Number of its format.
        n_bytes_before: Bytes before the first sample.
        n_channels: Channels in it.
    """

    ending: str
    format: str
    n_bytes_before: int
    n_channels: int

    def n_bytes(self, n_samples: int) -> int:
        """Size of the file with so many samples of each channel."""
        n = n_samples * self.n_channels
        if self.format in ("310", "311"):  # three samples in four bytes
            return self.n_bytes_before + 4 * (n // 3) + (0, 2, 4)[n % 3]
        return self.n_bytes_before + (n * STORED_BITS[self.format] + 7) // 8


@dataclass(frozen=True)
class WfdbLayout(Layout):
    """Layout of any files that ``wfdb`` reads.

    Attributes:
        channels: Stored channel of each lead of ``leads.LEADS``.
        files: The signal files, in the order of their channels.
    """

    channels: tuple[int, ...]
    files: tuple[SignalFile, ...]

    @property
    def formats(self) -> list[str]:
        """Number of the format of each stored channel."""
        return [file.format for file in self.files for _ in range(file.n_channels)]


class WfdbPackageReader:
    """``WaveformReader`` of such recordings; its checksums are in lead order."""

    def describe(self, record: str, tree: TreeFiles) -> Description[WfdbLayout]:
        """See ``WaveformReader``."""
        header = parse_header(read_text(f"{tree.root}{record}.hea"), record.rpartition("/")[2])
        order = _channels_of_leads([channel.match["lead"] for channel in header.channels])
        leads = [header.channels[number] for number in order]
        layout = WfdbLayout(
            reader=NAME,
            rate_hz=header.rate_hz,
            n_samples=header.n_samples,
            gains_per_mv=tuple(lead.gain_per_mv for lead in leads),
            baselines=tuple(lead.baseline for lead in leads),
            channels=order,
            files=_signal_files(header.channels),
        )
        return Description(layout, start_of(header.match), tuple(lead.checksum for lead in leads))

    def sizes(self, record: str, layout: WfdbLayout) -> Sequence[tuple[str, int]]:
        """See ``WaveformReader``."""
        return [(f"{record}{file.ending}", file.n_bytes(layout.n_samples)) for file in layout.files]

    def read(self, records: Sequence[str], layout: WfdbLayout, checksums: NDArray[np.uint16] | None) -> Block:
        """See ``WaveformReader``."""
        samples = np.empty((len(records), len(LEADS), layout.n_samples), dtype=np.int32)
        reasons: list[Drop | None] = [None] * len(records)
        n_read = 0
        for number, record in enumerate(records):
            try:
                samples[n_read] = _samples(record, layout, None if checksums is None else checksums[number])
                n_read += 1
            except BadRecordError as error:
                reasons[number] = error.reason
        return Block(samples[:n_read], reasons)


def _channels_of_leads(names: list[str]) -> tuple[int, ...]:
    """Stored channel of each lead; channels of other names are passed over."""
    known = [number for number, name in enumerate(names) if name.strip().upper() in _UPPER_LEADS]
    try:
        order = channel_of_each_lead([names[number] for number in known])
    except ValueError:
        raise BadRecordError(Drop.LEADS) from None
    return tuple(known[place] for place in order)


def _signal_files(channels: list[Channel]) -> tuple[SignalFile, ...]:
    """The files of channels, each of one format, its channels side by side."""
    neighbours = groupby(channels, lambda channel: (channel.ending, channel.format, channel.n_bytes_before))
    files = tuple(SignalFile(*form, len(list(group))) for form, group in neighbours)
    if len({file.ending for file in files}) < len(files):
        raise BadRecordError(Drop.FORMAT)
    return files


def _samples(record: str, layout: WfdbLayout, checksums: NDArray[np.uint16] | None) -> NDArray[np.int64]:
    """Samples of a record, int64 ``[12, T]``, in which ``_MISSING`` marks the missing ones."""
    import wfdb  # brings pandas; few archives need it

    try:
        signals = wfdb.rdrecord(record, physical=False)
        stored = signals.d_signal.astype(np.int64)
    except Exception:  # damaged files make it raise nearly anything
        raise BadRecordError(Drop.FILE_UNREADABLE) from None
    formats = layout.formats
    if stored.shape != (layout.n_samples, len(formats)) or signals.fmt != formats:
        raise BadRecordError(Drop.HEADER_BROKEN)
    leads: NDArray[np.int64] = stored.T[list(layout.channels)]
    if checksums is not None and not np.array_equal(leads.sum(axis=1) % 65536, checksums):
        raise BadRecordError(Drop.CHECKSUM)
    n_bits = np.array([BITS[formats[channel]] for channel in layout.channels])[:, None]
    lowest = -(2 ** (n_bits - 1))
    if ((leads < lowest) | (leads >= -lowest)).any():  # unused bits of format 311 that are set
        raise BadRecordError(Drop.FILE_UNREADABLE)
    leads[leads == lowest] = _MISSING
    return leads
