"""Recordings that are one file each, in millivolts once read: CSV, NumPy, and the formats of ``device_formats``.

A file is read as a whole when it is described and again when its samples are asked for; it is named with its ending.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.sources.array_reader import NO_CHECKSUMS, layout_of_steps, steps_of
from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.data.sources.tree_reading import plain_files
from ecgmm.data.sources.waveform_reader import Block, Description, Layout
from ecgmm.data.sources.wfdb_header import MOST_SAMPLES
from ecgmm.errors import ConfigError
from ecgmm.leads import N_LEADS
from ecgmm.signal.derived_leads import derivable

MOST_BYTES = 1 << 26
"""Largest file: half an hour of twelve leads in 16 bits takes a third of it."""


class Recording(NamedTuple):
    """Content of a file.

    Attributes:
        millivolts: ``[L, T]``, NaN where a sample is missing.
        rate_hz: Sampling rate.
        leads: Name of each row.
        damaged: Whether a checksum that the file holds is not that of its content.
    """

    millivolts: NDArray[np.floating]
    rate_hz: float
    leads: Sequence[str]
    damaged: bool = False


Parse = Callable[[Path], Recording]
"""Reads a regular file of at most ``MOST_BYTES``; raises ``BadRecordError``, or nearly anything for a damaged file."""


class WholeFilesReader:
    """``WaveformReader`` of such recordings.

    Args:
        parsers: Name of the reader and how it reads, by the ending of the file in small letters.
        some_leads: Whether recordings may lack leads that do not follow from others.
    """

    def __init__(self, parsers: Mapping[str, tuple[str, Parse]], some_leads: bool) -> None:
        self._parsers, self._some_leads = parsers, some_leads

    def record_of(self, file: Path) -> Path:
        """See ``WaveformReader``."""
        return file

    def describe(self, record: str, tree: TreeFiles) -> Description[Layout]:
        """See ``WaveformReader``."""
        if tree.check_file(record) > MOST_BYTES:
            raise BadRecordError(Drop.SIZE, f"it has more than {MOST_BYTES:,} bytes")
        layout, _, _ = self._read(f"{tree.root}{record}")
        there = sum(layout.recorded) + len(derivable(layout.recorded))
        if not self._some_leads and there < N_LEADS:
            raise BadRecordError(Drop.LEADS)
        return Description(layout, "", NO_CHECKSUMS)

    def sizes(self, record: str, layout: Layout) -> Sequence[tuple[str, int]]:
        """See ``WaveformReader``; ``describe`` has read the file."""
        return ()

    def read(self, records: Sequence[str], layout: Layout, checksums: NDArray[np.uint16] | None) -> Block:
        """See ``WaveformReader``; a checksum is the file's own."""
        samples = np.empty((len(records), N_LEADS, layout.n_samples), dtype=np.int32)
        reasons: list[Drop | None] = [None] * len(records)
        n_read = 0
        for number, record in enumerate(records):
            try:
                own, steps, damaged = self._read(record)
                if damaged and checksums is not None:
                    raise BadRecordError(Drop.CHECKSUM)
                if own != layout:
                    raise BadRecordError(Drop.SIZE)  # it was another file when it was described
                samples[n_read] = steps
                n_read += 1
            except BadRecordError as error:
                reasons[number] = error.reason
        return Block(samples[:n_read], reasons)

    def _read(self, record: str) -> tuple[Layout, NDArray[np.int32], bool]:
        name, parse = self._parsers[Path(record).suffix.lower()]
        try:
            with plain_files(record, (f"{Path(record).stem}.json",)) as file:
                millivolts, rate_hz, leads, damaged = parse(Path(file))
        except ConfigError:  # a package that is not there
            raise
        except (OSError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError, MemoryError) as error:
            raise BadRecordError(Drop.FILE_UNREADABLE, f"it is no {name} file, or damaged") from error
        if millivolts.ndim != 2 or len(leads) != len(millivolts):
            raise BadRecordError(Drop.FILE_UNREADABLE, "it does not hold one row or column for each lead")
        if not 0 < millivolts.shape[1] <= MOST_SAMPLES:
            raise BadRecordError(Drop.SIZE, f"it must hold 1 to {MOST_SAMPLES:,} samples of a lead")
        if not np.isfinite(rate_hz) or rate_hz <= 0:
            raise BadRecordError(Drop.RATE)
        try:
            steps, recorded = steps_of(millivolts, leads)
        except ValueError:
            raise BadRecordError(Drop.LEADS) from None
        return layout_of_steps(name, rate_hz, steps.shape[1], recorded), steps, damaged
