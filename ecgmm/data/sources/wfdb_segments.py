"""WFDB recordings in several segments: records of their own, one after the other, and gaps between them.

Segments may lack leads that others have. Their rate and scales must be one, as a store has one of each per recording.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.data.sources.waveform_reader import Block, Description, Layout
from ecgmm.data.sources.wfdb16 import read_text
from ecgmm.data.sources.wfdb_header import MOST_SAMPLES, Segment, SegmentList, parse_segments, start_of
from ecgmm.data.sources.wfdb_package import MISSING, WfdbLayout, WfdbPackageReader, read_leads
from ecgmm.leads import N_LEADS

NAME = "wfdb_segments"


@dataclass(frozen=True)
class SegmentedLayout(Layout):
    """Layout of a recording in several segments.

    Attributes:
        segments: Name and layout of each segment, both None for a gap, and its samples.
    """

    segments: tuple[tuple[str | None, WfdbLayout | None, int], ...]


class WfdbSegmentsReader:
    """``WaveformReader`` of such recordings; a checksum is that of all segments together, in lead order.

    Args:
        some_leads: Whether recordings may lack leads.
    """

    def __init__(self, some_leads: bool = False) -> None:
        self._segments = WfdbPackageReader(some_leads=True)
        self._fewest_leads = 1 if some_leads else N_LEADS

    def describe(self, record: str, tree: TreeFiles) -> Description[SegmentedLayout] | None:
        """See ``WaveformReader``; None for a recording in one piece."""
        whole = parse_segments(read_text(f"{tree.root}{record}.hea"), record.rpartition("/")[2])
        if whole is None:
            return None
        described = [self._describe(segment, record, tree) for segment in whole.segments]
        layouts = [one.layout for one in described if one is not None]
        if not layouts or any(layout.rate_hz != layouts[0].rate_hz for layout in layouts):
            raise BadRecordError(Drop.SEGMENTS)
        per_frame = round(layouts[0].rate_hz / whole.rate_hz)
        layout = _joined(whole, described, per_frame)
        if sum(layout.recorded) < self._fewest_leads:
            raise BadRecordError(Drop.LEADS)
        sums = np.array([one.checksums for one in described if one is not None]).sum(axis=0) % 65536
        return Description(layout, start_of(whole.match), tuple(sums.tolist()))

    def _describe(self, segment: Segment, record: str, tree: TreeFiles) -> Description[WfdbLayout] | None:
        if segment.name is None or not segment.n_frames:  # a gap, or the list of all channels
            return None
        path = _beside(record, segment.name)
        tree.check_file(f"{path}.hea")
        return self._segments.describe(path, tree)

    def sizes(self, record: str, layout: SegmentedLayout) -> Sequence[tuple[str, int]]:
        """See ``WaveformReader``."""
        return [
            size
            for name, own, _ in layout.segments
            if name is not None and own is not None
            for size in self._segments.sizes(_beside(record, name), own)
        ]

    def read(self, records: Sequence[str], layout: SegmentedLayout, checksums: NDArray[np.uint16] | None) -> Block:
        """See ``WaveformReader``."""
        samples = np.full((len(records), N_LEADS, layout.n_samples), MISSING, dtype=np.int32)
        reasons: list[Drop | None] = [None] * len(records)
        n_read = 0
        for number, record in enumerate(records):
            try:
                totals = self._fill(record, layout, samples[n_read])
                if checksums is not None and not np.array_equal(totals % 65536, checksums[number]):
                    raise BadRecordError(Drop.CHECKSUM)
                n_read += 1
            except BadRecordError as error:
                samples[n_read] = MISSING
                reasons[number] = error.reason
        return Block(samples[:n_read], reasons)

    def _fill(self, record: str, layout: SegmentedLayout, samples: NDArray[np.int32]) -> NDArray[np.int64]:
        """Fill ``[12, T]``; returns the sum of what each lead stores."""
        first, totals = 0, np.zeros(N_LEADS, dtype=np.int64)
        for name, own, n_samples in layout.segments:
            if name is not None and own is not None:
                leads, sums = read_leads(_beside(record, name), own)
                samples[:, first : first + n_samples] = leads
                totals += sums
            first += n_samples
        return totals


def _beside(record: str, name: str) -> str:
    folder, slash, _ = record.rpartition("/")
    return f"{folder}{slash}{name}"


def _joined(whole: SegmentList, described: list[Description[WfdbLayout] | None], per_frame: int) -> SegmentedLayout:
    """The layout of the whole, each lead on the scale that all segments which have it share."""
    gains, baselines, recorded = [1.0] * N_LEADS, [0] * N_LEADS, [False] * N_LEADS
    segments: list[tuple[str | None, WfdbLayout | None, int]] = []
    rate_hz = whole.rate_hz * per_frame
    for segment, one in zip(whole.segments, described, strict=True):
        n_samples = segment.n_frames * per_frame
        if one is None:
            segments.append((None, None, n_samples))
            continue
        own = one.layout
        if own.n_samples != n_samples or own.rate_hz != rate_hz:
            raise BadRecordError(Drop.SEGMENTS)
        for lead in np.flatnonzero(own.recorded).tolist():
            scale = (own.gains_per_mv[lead], own.baselines[lead])
            if recorded[lead] and scale != (gains[lead], baselines[lead]):
                raise BadRecordError(Drop.SEGMENTS)
            (gains[lead], baselines[lead]), recorded[lead] = scale, True
        segments.append((segment.name, own, n_samples))
    if whole.n_frames * per_frame > MOST_SAMPLES:
        raise BadRecordError(Drop.SIZE)
    return SegmentedLayout(
        reader=NAME,
        rate_hz=rate_hz,
        n_samples=whole.n_frames * per_frame,
        gains_per_mv=tuple(gains),
        baselines=tuple(baselines),
        recorded=tuple(recorded),
        segments=tuple(segments),
    )
