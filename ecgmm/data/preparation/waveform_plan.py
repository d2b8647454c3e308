"""Which records are read, and where in the store each goes: settled before the first sample is read."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.preparation.units import UNIT, Form, Unit
from ecgmm.data.preparation.workers import Workers
from ecgmm.data.sources.drops import Drop, dropped_table
from ecgmm.data.sources.headers import CheckedHeaders, check_headers, header_units, join_headers
from ecgmm.data.sources.known_values import FEW, MOST_UNREADABLE
from ecgmm.data.sources.wfdb_format import Layout
from ecgmm.errors import DataError, printable
from ecgmm.progress import run_with_progress


@dataclass
class Usable:
    """The N records of an index whose headers are in order.

    Attributes:
        frame: The index, these records only.
        layouts: What their headers say, each once.
        layout_of: int32 ``[N]``, which of them.
        checksums: uint16 ``[N, 12]`` of the stored channels.
        dropped: The other records, as ``drops.dropped_table`` makes them.
    """

    frame: pl.DataFrame
    layouts: list[Layout]
    layout_of: NDArray[np.int32]
    checksums: NDArray[np.uint16]
    dropped: pl.DataFrame


def read_headers(
    root: Path, frame: pl.DataFrame, rate_hz: float, workers: Workers, follow_links: bool = False
) -> Usable:
    """Check the headers of an index.

    Args:
        root: Folder of the raw tree.
        frame: As in ``SourceIndex``.
        rate_hz: Sampling rate that every header must show.
        workers: Who reads them.
        follow_links: See ``DataConfig``.

    Raises:
        DataError: If many records lie behind links that leave the root.
    """
    parts: list[CheckedHeaders] = []

    def chunks() -> Iterator[int]:
        for part in workers.run(check_headers, header_units(root, frame, rate_hz, follow_links)):
            parts.append(part)
            yield len(part.layout_of)

    run_with_progress(chunks(), frame.height, "headers")
    found = join_headers(parts)
    good = found.layout_of >= 0
    _check_links(root, found.reasons.count(Drop.LINK_OUTSIDE), frame.height)
    dropped = dropped_table(frame.filter(~good), [reason.value for reason in found.reasons])
    return Usable(frame.filter(good), found.layouts, found.layout_of[good], found.checksums[good], dropped)


def _check_links(root: Path, n_outside: int, n_records: int) -> None:
    many = n_outside > FEW and n_outside > MOST_UNREADABLE * n_records
    if many or 0 < n_outside == n_records:
        raise DataError(
            f"{n_outside:,} of {n_records:,} records lie behind links that leave {printable(root)}; set"
            " data.follow_links=true if they are yours"
        )


@dataclass
class WaveformPlan:
    """The records to read, and their slots.

    Attributes:
        usable: The records.
        has_report: bool ``[N]``.
        root: Folder of the raw tree.
        first_slot: Slot of the first record.
        form: What the records are brought to.
    """

    usable: Usable
    has_report: NDArray[np.bool_]
    root: Path
    first_slot: int
    form: Form

    def __post_init__(self) -> None:
        windows = np.array([len(self.form.starts(layout)) for layout in self.usable.layouts], dtype=np.int64)
        ends = self.first_slot + np.cumsum(windows[self.usable.layout_of])
        self._slots = ends - windows[self.usable.layout_of]
        self.end = int(ends[-1]) if len(ends) else self.first_slot
        """The slot behind the last one."""

    def units(self) -> Iterator[Unit]:
        """The records in units."""
        frame = self.usable.frame.select("record", "path", training=self.usable.frame["split"] == "train")
        for number, part in enumerate(frame.iter_slices(UNIT)):
            rows = slice(number * UNIT, number * UNIT + part.height)
            own, layout_of = np.unique(self.usable.layout_of[rows], return_inverse=True)
            yield Unit(
                part["record"].to_numpy(),
                [f"{self.root}/{path}" for path in part["path"]],
                [self.usable.layouts[layout] for layout in own],
                layout_of.astype(np.int32),
                self.usable.checksums[rows],
                self.has_report[rows],
                part["training"].to_numpy(),
                self._slots[rows],
            )
