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
from ecgmm.leads import N_LEADS, channels_of_leads

NAME = "wfdb_package"
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
        channels: Stored channel of each lead that was recorded, in the order of ``leads.LEADS``.
        files: The signal files, in the order of their channels.
    """

    channels: tuple[int, ...]
    files: tuple[SignalFile, ...]

    @property
    def formats(self) -> list[str]:
        """Number of the format of each stored channel."""
        return [file.format for file in self.files for _ in range(file.n_channels)]


class WfdbPackageReader:
    """``WaveformReader`` of such recordings; its checksums are in lead order.

    Args:
        some_leads: Whether recordings may lack leads.
    """

    def __init__(self, some_leads: bool = False) -> None:
        self._fewest_leads = 1 if some_leads else N_LEADS

    def describe(self, record: str, tree: TreeFiles) -> Description[WfdbLayout]:
        """See ``WaveformReader``."""
        text, stem = read_text(f"{tree.root}{record}.hea"), record.rpartition("/")[2]
        header = parse_header(text, stem, self._fewest_leads)
        places = self._channels_of_leads([channel.match["lead"] for channel in header.channels])
        leads = [None if place is None else header.channels[place[0]] for place in places]
        signs = [0 if place is None else place[1] for place in places]
        layout = WfdbLayout(
            reader=NAME,
            rate_hz=header.rate_hz,
            n_samples=header.n_samples,
            gains_per_mv=tuple(
                lead.gain_per_mv * sign if lead else 1.0 for lead, sign in zip(leads, signs, strict=True)
            ),
            baselines=tuple(lead.baseline if lead else 0 for lead in leads),
            recorded=tuple(lead is not None for lead in leads),
            channels=tuple(place[0] for place in places if place is not None),
            files=_signal_files(header.channels),
        )
        return Description(layout, start_of(header.match), tuple(lead.checksum if lead else 0 for lead in leads))

    def _channels_of_leads(self, names: list[str]) -> list[tuple[int, int] | None]:
        """Stored channel and sign of each lead; channels of other names are passed over."""
        try:
            places = channels_of_leads(names)
        except ValueError:
            raise BadRecordError(Drop.LEADS) from None
        if len(places) - places.count(None) < self._fewest_leads:
            raise BadRecordError(Drop.LEADS)
        return places

    def sizes(self, record: str, layout: WfdbLayout) -> Sequence[tuple[str, int]]:
        """See ``WaveformReader``."""
        return [(f"{record}{file.ending}", file.n_bytes(layout.n_samples)) for file in layout.files]

    def read(self, records: Sequence[str], layout: WfdbLayout, checksums: NDArray[np.uint16] | None) -> Block:
        """See ``WaveformReader``."""
        samples = np.full((len(records), N_LEADS, layout.n_samples), _MISSING, dtype=np.int32)
        recorded = np.array(layout.recorded)
        reasons: list[Drop | None] = [None] * len(records)
        n_read = 0
        for number, record in enumerate(records):
            try:
                own = None if checksums is None else checksums[number][recorded]
                samples[n_read, recorded] = _samples(record, layout, own)
                n_read += 1
            except BadRecordError as error:
                reasons[number] = error.reason
        return Block(samples[:n_read], reasons)


def _signal_files(channels: list[Channel]) -> tuple[SignalFile, ...]:
    """The files of channels, each of one format, its channels side by side."""
    neighbours = groupby(channels, lambda channel: (channel.ending, channel.format, channel.n_bytes_before))
    files = tuple(SignalFile(*form, len(list(group))) for form, group in neighbours)
    if len({file.ending for file in files}) < len(files):
        raise BadRecordError(Drop.FORMAT)
    return files


def _samples(record: str, layout: WfdbLayout, checksums: NDArray[np.uint16] | None) -> NDArray[np.int64]:
    """Samples of the leads that were recorded, int64 ``[L, T]``, in which ``_MISSING`` marks the missing ones."""
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
