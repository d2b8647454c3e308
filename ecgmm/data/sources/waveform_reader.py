"""Interface between the recordings of a source, whatever the format of their files, and preparation and prediction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.sources.drops import Drop
from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.leads import N_LEADS

Steps: TypeAlias = NDArray[np.int16] | NDArray[np.int32]
"""Samples as they were recorded, in steps of a layout; the smallest number of their type marks a missing one."""


@dataclass(frozen=True)
class Layout:
    """Layout that many recordings of an archive share; a reader adds what it needs to read them.

    Attributes:
        reader: Name of the reader, under which the manifest counts these recordings.
        rate_hz: Sampling rate in Hz.
        n_samples: Samples of each lead.
        gains_per_mv: Steps per mV of each lead of ``leads.LEADS``; negative for one that is stored inverted, and 1 for
            one that was not recorded.
        baselines: Step of 0 mV of each lead, in the same order.
        recorded: Whether each lead was recorded, in the same order; every sample of the others is missing.
    """

    reader: str
    rate_hz: float
    n_samples: int
    gains_per_mv: tuple[float, ...]
    baselines: tuple[int, ...]
    recorded: tuple[bool, ...] = field(default=(True,) * N_LEADS, kw_only=True)


L = TypeVar("L", bound=Layout)


class Description(NamedTuple, Generic[L]):
    """Description of one recording: what it shares with others, and what is its own.

    Attributes:
        layout: The shared part.
        start: Time and date as ``12:04:00 22/09/2182``, empty where they are not known.
        checksums: Twelve numbers below 65536 that ``WaveformReader.read`` compares; all 0 where there are none.
    """

    layout: L
    start: str
    checksums: tuple[int, ...]


class Block(NamedTuple):
    """Samples of recordings of one layout.

    Attributes:
        samples: ``[R, 12, T]``, leads in standard order, contiguous. The next block may use the same memory.
        reasons: One entry per recording asked for: None for the R recordings in ``samples``, else why it is not there.
    """

    samples: Steps
    reasons: list[Drop | None]


class WaveformReader(Protocol):
    """Reader of the recordings of a source. It holds no state, for it is sent to other processes.

    A recording is named by its path without extension, as in ``SourceIndex.frame``.
    """

    def record_of(self, file: Path) -> Path:
        """Recording that a file belongs to, by the file's name; the path itself where it names no such file."""

    def describe(self, record: str, tree: TreeFiles) -> Description[Layout]:
        """Describe a recording of a tree from its header.

        Raises:
            BadRecordError: If there is no header, or it announces what cannot be used.
        """

    def sizes(self, record: str, layout: Layout) -> Sequence[tuple[str, int]]:
        """Files that hold the samples of a recording, and the bytes that each must have."""

    def read(self, records: Sequence[str], layout: Layout, checksums: NDArray[np.uint16] | None) -> Block:
        """Read recordings of one layout.

        Args:
            records: Full paths without extension.
            layout: As ``describe`` gave it for each of them.
            checksums: uint16 ``[N, 12]``, theirs; None does not compare them.
        """
