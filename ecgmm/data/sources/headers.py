"""The header pass: every header and file size is checked before the first sample is read, so mistakes show early."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.data.sources.links import Links
from ecgmm.data.sources.wfdb_format import HeaderReader, Layout, parse_start
from ecgmm.leads import N_LEADS

_UNIT = 2048


@dataclass(frozen=True)
class HeaderUnit:
    """N headers to check.

    Attributes:
        prefix: What to put before each path.
        paths: Paths without extension.
        times: Time of each record in the index, None where it has none.
        starts: The same as headers usually write it, which is quicker to compare.
        rate_hz: Sampling rate that every header must show.
        follow_links: Whether links may lead out of the root.
    """

    prefix: str
    paths: list[str]
    times: list[datetime | None]
    starts: list[str | None]
    rate_hz: float
    follow_links: bool


@dataclass(frozen=True)
class CheckedHeaders:
    """What was found for each of N records.

    Attributes:
        layouts: The layouts, each once.
        layout_of: int32 ``[N]``, which of them; -1 where the record cannot be used.
        reasons: Why not, in the order of those records.
        checksums: uint16 ``[N, 12]`` of the stored channels.
    """

    layouts: list[Layout]
    layout_of: NDArray[np.int32]
    reasons: list[Drop]
    checksums: NDArray[np.uint16]


def header_units(root: Path, frame: pl.DataFrame, rate_hz: float, follow_links: bool) -> Iterator[HeaderUnit]:
    """The headers of an index with columns path and time (as in ``SourceIndex``), in units."""
    for part in frame.select("path", "time").iter_slices(_UNIT):
        starts = part["time"].dt.strftime("%H:%M:%S %d/%m/%Y").to_list()
        yield HeaderUnit(f"{root}/", part["path"].to_list(), part["time"].to_list(), starts, rate_hz, follow_links)


def check_headers(unit: HeaderUnit) -> CheckedHeaders:
    """Read the headers of a unit and look at the sizes of their signal files."""
    numbers: dict[Layout, int] = {}
    layout_of = np.full(len(unit.paths), -1, dtype=np.int32)
    checksums = np.zeros((len(unit.paths), N_LEADS), dtype=np.uint16)
    reasons: list[Drop] = []
    reader = _reader()
    links = Links(unit.prefix, unit.follow_links)
    for row, path in enumerate(unit.paths):
        try:
            links.check_folder(path)
            links.check_file(f"{path}.hea")
            layout, start, checksums[row] = reader.read(f"{unit.prefix}{path}.hea")
            if start != unit.starts[row]:
                _check_time(start, unit.times[row])
            if layout.rate_hz != unit.rate_hz:
                raise BadRecordError(Drop.HEADER_RATE)
            if links.check_file(f"{path}{layout.ending}") != layout.n_bytes:
                raise BadRecordError(Drop.SIZE)
        except BadRecordError as error:
            reasons.append(error.reason)
            continue
        layout_of[row] = numbers.setdefault(layout, len(numbers))
    return CheckedHeaders(list(numbers), layout_of, reasons, checksums)


@lru_cache(maxsize=1)
def _reader() -> HeaderReader:
    return HeaderReader()  # of this process, so that a header seen before is not parsed again


def join_headers(parts: list[CheckedHeaders]) -> CheckedHeaders:
    """Put the units together again."""
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
