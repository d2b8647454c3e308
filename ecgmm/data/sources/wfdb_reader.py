"""WFDB recordings of any kind: by the fast reader where it can, by the ``wfdb`` package where it cannot."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.data.sources.waveform_reader import Block, Description, Layout, WaveformReader
from ecgmm.data.sources.wfdb16 import Wfdb16Layout, Wfdb16Reader
from ecgmm.data.sources.wfdb_package import WfdbLayout, WfdbPackageReader
from ecgmm.data.sources.wfdb_segments import SegmentedLayout, WfdbSegmentsReader

_ENDINGS = (".hea", ".dat", ".mat")
_LEFT_TO_THE_PACKAGE = (Drop.FORMAT, Drop.LEADS)


class WfdbReader:
    """``WaveformReader`` of WFDB recordings.

    Args:
        some_leads: Whether recordings may lack leads.
    """

    def __init__(self, some_leads: bool = False) -> None:
        self._fast, self._package = Wfdb16Reader(), WfdbPackageReader(some_leads)
        self._segments = WfdbSegmentsReader(some_leads)

    def record_of(self, file: Path) -> Path:
        """See ``WaveformReader``."""
        return file.with_suffix("") if file.suffix in _ENDINGS else file

    def describe(self, record: str, tree: TreeFiles) -> Description[Layout]:
        """See ``WaveformReader``."""
        tree.check_file(f"{record}.hea")
        try:
            return cast(Description[Layout], self._fast.describe(record, tree))
        except BadRecordError as error:
            if error.reason not in _LEFT_TO_THE_PACKAGE:
                raise
            segmented = self._segments.describe(record, tree)
            return cast(Description[Layout], segmented or self._package.describe(record, tree))

    def sizes(self, record: str, layout: Layout) -> Sequence[tuple[str, int]]:
        """See ``WaveformReader``."""
        if isinstance(layout, Wfdb16Layout):
            return self._fast.sizes(record, layout)
        if isinstance(layout, SegmentedLayout):
            return self._segments.sizes(record, layout)
        assert isinstance(layout, WfdbLayout)
        return self._package.sizes(record, layout)

    def read(self, records: Sequence[str], layout: Layout, checksums: NDArray[np.uint16] | None) -> Block:
        """See ``WaveformReader``."""
        if isinstance(layout, Wfdb16Layout):
            return self._fast.read(records, layout, checksums)
        if isinstance(layout, SegmentedLayout):
            return self._segments.read(records, layout, checksums)
        assert isinstance(layout, WfdbLayout)
        return self._package.read(records, layout, checksums)


WFDB: WaveformReader = WfdbReader()
"""The reader of archives of twelve leads, in which a record without one of them is damaged."""
