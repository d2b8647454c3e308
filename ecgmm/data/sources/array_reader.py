"""Recordings in memory as a source of one, so that arrays go the way of files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.data.sources.waveform_reader import Block, Description, Layout
from ecgmm.errors import ConfigError
from ecgmm.leads import N_LEADS, channel_of_each_lead

_STEPS_PER_MV = 100_000
_LARGEST = np.iinfo(np.int32).max
_MISSING = np.iinfo(np.int32).min


@dataclass(frozen=True, eq=False)
class ArrayReader:
    """``WaveformReader`` of one recording that is an array; its path is only a name for messages.

    Attributes:
        steps: int32 ``[1, 12, T]``, leads in standard order, 0.01 microvolts a step.
        rate_hz: Sampling rate.
    """

    steps: NDArray[np.int32]
    rate_hz: float

    @staticmethod
    def of(millivolts: NDArray[np.floating], rate_hz: float, leads: Sequence[str]) -> "ArrayReader":
        """Reader of an array.

        Args:
            millivolts: ``[12, T]`` in mV, NaN where a sample is missing.
            rate_hz: Sampling rate.
            leads: Name of each row, in any order.

        Raises:
            ConfigError: If the array is not of twelve rows, or the names are not those of the twelve leads.
        """
        if millivolts.ndim != 2 or millivolts.shape[0] != N_LEADS or millivolts.shape[1] == 0:
            raise ConfigError(f"millivolts has shape {millivolts.shape}; it must be [12, T], one row per lead")
        try:
            order = channel_of_each_lead(leads)
        except ValueError as error:
            raise ConfigError(str(error)) from None
        in_steps = np.clip(np.rint(millivolts[order].astype(np.float64) * _STEPS_PER_MV), -_LARGEST, _LARGEST)
        steps = np.where(np.isnan(in_steps), _MISSING, in_steps).astype(np.int32)
        return ArrayReader(steps[None], float(rate_hz))

    def record_of(self, file: Path) -> Path:
        """See ``WaveformReader``."""
        return file

    def describe(self, record: str, tree: TreeFiles) -> Description[Layout]:
        """See ``WaveformReader``."""
        gains, baselines = (float(_STEPS_PER_MV),) * N_LEADS, (0,) * N_LEADS
        return Description(Layout("array", self.rate_hz, self.steps.shape[-1], gains, baselines), "", baselines)

    def sizes(self, record: str, layout: Layout) -> Sequence[tuple[str, int]]:
        """See ``WaveformReader``."""
        return ()

    def read(self, records: Sequence[str], layout: Layout, checksums: NDArray[np.uint16] | None) -> Block:
        """See ``WaveformReader``."""
        return Block(self.steps, [None])
