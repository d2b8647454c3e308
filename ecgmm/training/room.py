"""Room that a run takes on the disk, known before it is trained."""

import shutil
from pathlib import Path
from typing import NamedTuple

from ecgmm.errors import ConfigError, printable
from ecgmm.files import in_units
from ecgmm.models.method import Method

_BESIDE_WEIGHTS = 2_000_000
"""Predictions, metrics and figures of a few thousand records."""


class Room(NamedTuple):
    """Bytes that a run takes when it is finished, and most of them while it is trained."""

    finished: int
    training: int


def room_of(method: Method, keep_checkpoints: bool) -> Room:
    """Estimate the room of a run: its weights, and two checkpoints of weights with both moments of AdamW.

    Args:
        method: With all its weights, frozen ones too, which a run keeps as well.
        keep_checkpoints: Whether the finished run keeps the checkpoints beside its weights.
    """
    weights = sum(value.nbytes for value in method.state_dict().values())
    moments = 2 * sum(weight.nbytes for weight in method.parameters() if weight.requires_grad)
    checkpoints = 0 if method.closed_form else 2 * (weights + moments)
    finished = weights + _BESIDE_WEIGHTS
    return Room(finished + checkpoints * keep_checkpoints, finished + checkpoints)


def refuse_full_disk(directory: Path, room: Room) -> None:
    """Refuse to train what the disk cannot hold.

    Args:
        directory: The run directory or, where it is not there yet, one that will be.
        room: Of the run, or of the runs together.

    Raises:
        ConfigError: If less is free than is needed while training.
    """
    there = next(folder for folder in (directory, *directory.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if room.training > free:
        raise ConfigError(
            f"{printable(directory)} needs about {in_units(room.training)} while it is trained, and the disk has"
            f" {in_units(free)} free; free some, or set paths.outputs to a folder on another disk"
        )
