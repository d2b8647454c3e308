"""The header pass: every header and file size is checked before the first sample is read, so mistakes show early."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.preparation.workers import Workers
from ecgmm.data.sources.drops import BadRecordError, Drop, dropped_table
from ecgmm.data.sources.known_values import FEW, MOST_UNREADABLE
from ecgmm.data.sources.side_by_side import side_by_side
from ecgmm.data.sources.source import READABLE_RATES_HZ
from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.data.sources.waveform_reader import Layout, WaveformReader
from ecgmm.errors import DataError, printable
from ecgmm.leads import N_LEADS
from ecgmm.progress import run_with_progress

_UNIT = 2048


@dataclass
class Usable:
    """N records of an index whose headers are in order.

    Attributes:
        frame: The index, these records only.
        layouts: Their layouts, each once.
        layout_of: int32 ``[N]``, which of them.
        checksums: uint16 ``[N, 12]``, as ``Description`` has them.
        dropped: The other records, as ``drops.dropped_table`` makes them.
    """

    frame: pl.DataFrame
    layouts: list[Layout]
    layout_of: NDArray[np.int32]
    checksums: NDArray[np.uint16]
    dropped: pl.DataFrame


def read_headers(
    root: Path,
    frame: pl.DataFrame,
    rate_hz: float | None,
    workers: Workers,
    reader: WaveformReader,
    follow_links: bool = False,
    n_readers: int = 1,
) -> Usable:
    """Check the headers of an index.

    Args:
        root: Folder of the raw tree.
        frame: As in ``SourceIndex``.
        rate_hz: Sampling rate that every header must show; None takes any that can be resampled.
        workers: Processes that read them.
        reader: The source's.
        follow_links: See ``DataConfig``.
        n_readers: Threads of each process.

    Raises:
        DataError: If many records lie behind links that leave the root.
    """
    parts: list[CheckedHeaders] = []

    def chunks() -> Iterator[int]:
        for part in workers.run(
            partial(check_headers, reader=reader, n_readers=n_readers), header_units(root, frame, rate_hz, follow_links)
        ):
            parts.append(part)
            yield len(part.layout_of)

    run_with_progress(chunks(), frame.height, "headers")
    checked = join_headers(parts)
    good = checked.layout_of >= 0
    _check_links(root, checked.reasons.count(Drop.LINK_OUTSIDE), frame.height)
    dropped = dropped_table(frame.filter(~good), [reason.value for reason in checked.reasons])
    return Usable(frame.filter(good), checked.layouts, checked.layout_of[good], checked.checksums[good], dropped)


def count_readers(usable: Usable, records: pl.Series) -> dict[str, int]:
    """Number of the records that each reader read, by its name; ``records`` are the ids of those that were kept."""
    names = pl.Series([usable.layouts[layout].reader for layout in usable.layout_of], dtype=pl.String)
    kept = names.filter(usable.frame["record"].is_in(records.implode()))
    return dict(kept.value_counts(name="n").sort(kept.name).iter_rows())


def _check_links(root: Path, n_outside: int, n_records: int) -> None:
    many = n_outside > FEW and n_outside > MOST_UNREADABLE * n_records
    if many or 0 < n_outside == n_records:
        raise DataError(
            f"{n_outside:,} of {n_records:,} records lie behind links that leave {printable(root)}; set"
            " data.follow_links=true if they are yours"
        )


@dataclass(frozen=True)
class HeaderUnit:
    """N headers that one process checks in one go.

    Attributes:
        root: Folder of the tree, with a slash at its end.
        paths: Paths below it, without extension.
        times: Time of each record in the index, None where it has none.
        starts: The same as readers give it, which is quicker to compare.
        rate_hz: Sampling rate that every header must show; None takes any that can be resampled.
        follow_links: Whether links may lead out of the root.
    """

    root: str
    paths: list[str]
    times: list[datetime | None]
    starts: list[str | None]
    rate_hz: float | None
    follow_links: bool


@dataclass(frozen=True)
class CheckedHeaders:
    """Result of the checks of N headers.

    Attributes:
        layouts: The layouts, each once.
        layout_of: int32 ``[N]``, which of them; -1 where the record cannot be used.
        reasons: Why not, in the order of those records.
        checksums: uint16 ``[N, 12]``.
    """

    layouts: list[Layout]
    layout_of: NDArray[np.int32]
    reasons: list[Drop]
    checksums: NDArray[np.uint16]


def header_units(root: Path, frame: pl.DataFrame, rate_hz: float | None, follow_links: bool) -> Iterator[HeaderUnit]:
    """Units of the headers of an index with columns path and time (as in ``SourceIndex``)."""
    for part in frame.select("path", "time").iter_slices(_UNIT):
        starts = part["time"].dt.strftime("%H:%M:%S %d/%m/%Y").to_list()
        yield HeaderUnit(f"{root}/", part["path"].to_list(), part["time"].to_list(), starts, rate_hz, follow_links)


def check_headers(unit: HeaderUnit, reader: WaveformReader, n_readers: int = 1) -> CheckedHeaders:
    """Read the headers of a unit and look at the sizes of their signal files, by so many threads."""
    borders = np.linspace(0, len(unit.paths), n_readers + 1).astype(int).tolist()
    rows = [range(*border) for border in itertools.pairwise(borders)]
    return join_headers(list(side_by_side(partial(_check_rows, unit, reader), rows, n_readers)))


def _check_rows(unit: HeaderUnit, reader: WaveformReader, rows: range) -> CheckedHeaders:
    numbers: dict[Layout, int] = {}
    layout_of = np.full(len(rows), -1, dtype=np.int32)
    checksums = np.zeros((len(rows), N_LEADS), dtype=np.uint16)
    reasons: list[Drop] = []
    tree = TreeFiles(unit.root, unit.follow_links)
    for place, row in enumerate(rows):
        path = unit.paths[row]
        try:
            tree.check_folder(path)
            layout, start, checksums[place] = reader.describe(path, tree)
            if start != unit.starts[row]:
                _check_time(start, unit.times[row])
            if layout.rate_hz != unit.rate_hz:
                check_rate(layout, unit.rate_hz)
            check_sizes(path, layout, reader, tree)
        except BadRecordError as error:
            reasons.append(error.reason)
            continue
        layout_of[place] = numbers.setdefault(layout, len(numbers))
    return CheckedHeaders(list(numbers), layout_of, reasons, checksums)


def check_rate(layout: Layout, wanted_hz: float | None) -> None:
    """Check that a record has the rate wanted, or with None one that can be resampled.

    Raises:
        BadRecordError: If it has not.
    """
    low, high = READABLE_RATES_HZ
    if wanted_hz is not None and layout.rate_hz != wanted_hz:
        raise BadRecordError(Drop.HEADER_RATE)
    if not low <= layout.rate_hz <= high:
        raise BadRecordError(Drop.RATE)


def check_sizes(path: str, layout: Layout, reader: WaveformReader, tree: TreeFiles) -> None:
    """Check that the files of a record's samples are there and as long as its header says.

    Raises:
        BadRecordError: If one is not.
    """
    for file, n_bytes in reader.sizes(path, layout):
        if tree.check_file(file) != n_bytes:
            raise BadRecordError(Drop.SIZE)


def join_headers(parts: list[CheckedHeaders]) -> CheckedHeaders:
    """Put the results of units together."""
    numbers: dict[Layout, int] = {}
    layout_of: list[NDArray[np.int32]] = []
    for part in parts:
        own = [numbers.setdefault(layout, len(numbers)) for layout in part.layouts]
        layout_of.append(np.array([*own, -1], dtype=np.int32)[part.layout_of])
    reasons = [reason for part in parts for reason in part.reasons]
    return CheckedHeaders(
        list(numbers),
        np.concatenate([np.empty(0, np.int32), *layout_of]),
        reasons,
        np.concatenate([np.empty((0, N_LEADS), np.uint16), *(part.checksums for part in parts)]),
    )


def _check_time(start: str, time: datetime | None) -> None:
    """Compare times that are not written alike; either may be absent."""
    if start and time is not None and parse_start(start) != time.replace(microsecond=0):
        raise BadRecordError(Drop.HEADER_TIME)


def parse_start(start: str) -> datetime:
    """Time of a recording as ``Description.start`` holds it, to the second.

    Raises:
        BadRecordError: If it is no time.
    """
    try:
        return datetime.strptime(
            start.partition(" ")[0].partition(".")[0] + start[start.index(" ") :], "%H:%M:%S %d/%m/%Y"
        )
    except ValueError:
        raise BadRecordError(Drop.HEADER_BROKEN) from None
