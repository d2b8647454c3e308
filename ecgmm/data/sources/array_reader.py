"""Recordings in memory as a source of one, so that arrays go the way of files; and arrays as steps of a layout."""

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
NO_CHECKSUMS = (0,) * N_LEADS


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
            steps, recorded = steps_of(millivolts, leads)
        except ValueError as error:
            raise ConfigError(str(error)) from None
        return ArrayReader(steps[None], float(rate_hz), recorded)

    def record_of(self, file: Path) -> Path:
        """See ``WaveformReader``."""
        return file

    def describe(self, record: str, tree: TreeFiles) -> Description[Layout]:
        """See ``WaveformReader``."""
        return Description(
            layout_of_steps("array", self.rate_hz, self.steps.shape[-1], self.recorded), "", NO_CHECKSUMS
        )

    def sizes(self, record: str, layout: Layout) -> Sequence[tuple[str, int]]:
        """See ``WaveformReader``."""
        return ()

    def read(self, records: Sequence[str], layout: Layout, checksums: NDArray[np.uint16] | None) -> Block:
        """See ``WaveformReader``."""
        return Block(self.steps, [None])


def steps_of(millivolts: NDArray[np.floating], leads: Sequence[str]) -> tuple[NDArray[np.int32], tuple[bool, ...]]:
    """Bring rows of named leads into standard order and into steps of 0.01 microvolts.

    Args:
        millivolts: ``[L, T]`` in mV, NaN where a sample is missing.
        leads: Name of each row, in any order; rows of other names are passed over.

    Returns:
        int32 ``[12, T]``, and whether each lead was recorded.

    Raises:
        ValueError: If a lead is named twice, or none is.
    """
    channels = channels_of_leads(leads)
    in_mv = np.full((N_LEADS, millivolts.shape[1]), np.nan)
    for lead, place in enumerate(channels):
        if place is not None:
            in_mv[lead] = place[1] * millivolts[place[0]].astype(np.float64)
    in_steps = np.clip(np.rint(in_mv * _STEPS_PER_MV), -_LARGEST, _LARGEST)
    is_missing = np.isnan(in_steps)
    steps = np.where(is_missing, 0, in_steps).astype(np.int32)
    steps[is_missing] = _MISSING
    return steps, tuple(place is not None for place in channels)


def layout_of_steps(reader: str, rate_hz: float, n_samples: int, recorded: tuple[bool, ...]) -> Layout:
    """Layout of such steps."""
    return Layout(reader, rate_hz, n_samples, (float(_STEPS_PER_MV),) * N_LEADS, (0,) * N_LEADS, recorded=recorded)
