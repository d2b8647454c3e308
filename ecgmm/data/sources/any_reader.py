"""Recordings of any format that is read, each by the reader that its ending names; without one of these it is WFDB."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.sources import array_files, device_formats
from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.data.sources.waveform_reader import Block, Description, Layout, WaveformReader
from ecgmm.data.sources.wfdb_reader import WfdbReader
from ecgmm.data.sources.whole_files import WholeFilesReader

ENDINGS = (*array_files.PARSERS, *device_formats.PARSERS)
"""Endings of recordings that are one file and not WFDB, in small letters."""


class AnyReader:
    """``WaveformReader`` of recordings of any format.

    Args:
        some_leads: Whether recordings may lack leads.
    """

    def __init__(self, some_leads: bool) -> None:
        self._wfdb: WaveformReader = WfdbReader(some_leads)
        self._files: WaveformReader = WholeFilesReader(array_files.PARSERS | device_formats.PARSERS, some_leads)

    def _of(self, record: Path | str) -> WaveformReader:
        return self._files if Path(record).suffix.lower() in ENDINGS else self._wfdb

    def record_of(self, file: Path) -> Path:
        """See ``WaveformReader``."""
        return self._of(file).record_of(file)

    def describe(self, record: str, tree: TreeFiles) -> Description[Layout]:
        """See ``WaveformReader``."""
        return self._of(record).describe(record, tree)

    def sizes(self, record: str, layout: Layout) -> Sequence[tuple[str, int]]:
        """See ``WaveformReader``."""
        return self._of(record).sizes(record, layout)

    def read(self, records: Sequence[str], layout: Layout, checksums: NDArray[np.uint16] | None) -> Block:
        """See ``WaveformReader``; records of one layout are of one reader, whose name it holds."""
        return self._of(records[0]).read(records, layout, checksums)


ANY: WaveformReader = AnyReader(some_leads=False)
"""The reader of recordings of any format that have the twelve leads, or those that the others follow from."""
ANY_LEADS: WaveformReader = AnyReader(some_leads=True)
"""The reader of recordings of any format and any leads."""
