"""Recordings in memory as a source of one, so that arrays go the way of files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.data.sources.waveform_reader import Block, Description, Layout
from ecgmm.errors import ConfigError
from ecgmm.leads import N_LEADS, channels_of_leads

_STEPS_PER_MV = 100_000
_LARGEST = np.iinfo(np.int32).max
_MISSING = np.iinfo(np.int32).min


@dataclass(frozen=True, eq=False)
class ArrayReader:
    """``WaveformReader`` of one recording that is an array; its path is only a name for messages.

    Attributes:
        steps: int32 ``[1, 12, T]``, leads in standard order, 0.01 microvolts a step.
        rate_hz: Sampling rate.
        recorded: Whether each lead was recorded.
    """

    steps: NDArray[np.int32]
    rate_hz: float
    recorded: tuple[bool, ...]

    @staticmethod
    def of(millivolts: NDArray[np.floating], rate_hz: float, leads: Sequence[str]) -> "ArrayReader":
        """Reader of an array.

        Args:
            millivolts: ``[L, T]`` in mV, NaN where a sample is missing.
            rate_hz: Sampling rate.
            leads: Name of each row, in any order.

        Raises:
            ConfigError: If there is not one row for each name, or the names are none of the twelve leads or one twice.
        """
        if millivolts.ndim != 2 or millivolts.shape[0] != len(leads) or millivolts.shape[1] == 0:
            n = len(leads)
            raise ConfigError(f"millivolts has shape {millivolts.shape}; it must be [{n}, T], one row per lead")
        try:
            channels = channels_of_leads(leads)
        except ValueError as error:
            raise ConfigError(str(error)) from None
        in_mv = np.full((N_LEADS, millivolts.shape[1]), np.nan)
        for lead, place in enumerate(channels):
            if place is not None:
                in_mv[lead] = place[1] * millivolts[place[0]].astype(np.float64)
        in_steps = np.clip(np.rint(in_mv * _STEPS_PER_MV), -_LARGEST, _LARGEST)
        steps = np.where(np.isnan(in_steps), _MISSING, in_steps).astype(np.int32)
        return ArrayReader(steps[None], float(rate_hz), tuple(place is not None for place in channels))

    def record_of(self, file: Path) -> Path:
        """See ``WaveformReader``."""
        return file

    def describe(self, record: str, tree: TreeFiles) -> Description[Layout]:
        """See ``WaveformReader``."""
        gains, baselines = (float(_STEPS_PER_MV),) * N_LEADS, (0,) * N_LEADS
        layout = Layout("array", self.rate_hz, self.steps.shape[-1], gains, baselines, recorded=self.recorded)
        return Description(layout, "", baselines)

    def sizes(self, record: str, layout: Layout) -> Sequence[tuple[str, int]]:
        """See ``WaveformReader``."""
        return ()

    def read(self, records: Sequence[str], layout: Layout, checksums: NDArray[np.uint16] | None) -> Block:
        """See ``WaveformReader``."""
        return Block(self.steps, [None])
