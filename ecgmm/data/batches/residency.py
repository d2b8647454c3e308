"""Places of the waveforms while batches are made: the store's file, memory or the GPU.

See docs/understand/batches.md.
"""

import logging
import os
import time
from typing import Protocol

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecgmm.errors import ConfigError

RESIDENCIES = ("disk", "memory", "gpu")
_MOST_OF_FREE = 0.8  # the rest is for the model, its activations and the page cache
_ROWS_AT_ONCE = 256

log = logging.getLogger(__name__)


class Waveforms(Protocol):
    """Waveforms of a store, gathered by the numbers of their rows.

    Attributes:
        n_leads: Leads of a row.
        pinned: Whether batches are in page-locked memory, which a GPU reads without waiting.
    """

    n_leads: int
    pinned: bool

    def gather(self, rows: NDArray[np.int64]) -> Tensor:
        """Rows of the store as int16 ``[B, L, T]``; a copy."""

    def announce(self, rows: NDArray[np.int64]) -> None:
        """Announce the rows that are gathered next."""


class HostWaveforms:
    """Waveforms in the store's memory-mapped file, or copied from it.

    Args:
        waveforms: int16 ``[N, L, T]``.
        pinned: Whether to gather into page-locked memory.
        index: int64, where in ``waveforms`` each row of the store is; None where all are in their place.
    """

    def __init__(
        self, waveforms: NDArray[np.int16], pinned: bool = False, index: NDArray[np.int64] | None = None
    ) -> None:
        self.n_leads = waveforms.shape[1]
        self.pinned = pinned
        self._waveforms = np.asarray(waveforms)  # a plain view: numpy takes a slower way through a memmap
        self._index = index
        # macOS has no such call; there a batch is read when it is gathered.
        can_announce = isinstance(waveforms, np.memmap) and hasattr(os, "posix_fadvise")
        self._file = _File(waveforms) if can_announce else None  # type: ignore[arg-type]  # a memmap by then

    def gather(self, rows: NDArray[np.int64]) -> Tensor:
        """One copy, from the page cache or memory into the batch."""
        places = rows if self._index is None else self._index[rows]
        assert (places >= 0).all(), "a row that was not copied"
        batch = torch.empty((len(rows), *self._waveforms.shape[1:]), dtype=torch.int16, pin_memory=self.pinned)
        # mode="raise" would copy twice; every row comes from the store's own table.
        np.take(self._waveforms, places, axis=0, out=batch.numpy(), mode="clip")
        return batch

    def announce(self, rows: NDArray[np.int64]) -> None:
        """Have the disk read all of them at once; a memory map would read piece by piece, each after the last."""
        if self._file is not None:
            self._file.announce(rows)


class _File:
    """The file below a memory map, open for advice."""

    def __init__(self, waveforms: np.memmap) -> None:
        self._descriptor = os.open(str(waveforms.filename), os.O_RDONLY)
        self._offset, self._row_bytes = waveforms.offset, waveforms[:1].nbytes

    def __del__(self) -> None:
        os.close(self._descriptor)

    def announce(self, rows: NDArray[np.int64]) -> None:
        for start in (rows * self._row_bytes + self._offset).tolist():
            os.posix_fadvise(self._descriptor, start, self._row_bytes, os.POSIX_FADV_WILLNEED)


class DeviceWaveforms:
    """Waveforms copied to a device; batches are gathered there, so that only row numbers cross the bus.

    Args:
        waveforms: int16 ``[N, L, T]`` of the store.
        rows: int64, the rows to copy.
        device: Where to.
    """

    def __init__(self, waveforms: NDArray[np.int16], rows: NDArray[np.int64], device: torch.device) -> None:
        self.n_leads = waveforms.shape[1]
        self.pinned = False
        self._index = _index(rows, len(waveforms))
        self._held = torch.empty((len(rows), *waveforms.shape[1:]), dtype=torch.int16, device=device)
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            block = torch.from_numpy(waveforms[rows[start : start + _ROWS_AT_ONCE]])
            self._held[start : start + len(block)].copy_(block)

    def gather(self, rows: NDArray[np.int64]) -> Tensor:
        """Gather on the device."""
        places = self._index[rows]
        assert (places >= 0).all(), "a row that was not copied"
        return self._held.index_select(0, torch.from_numpy(places).to(self._held.device))

    def announce(self, rows: NDArray[np.int64]) -> None:
        """Nothing to do: the rows are there already."""


class NoWaveforms:
    """Waveforms without samples, for methods that look at none: nothing is read and nothing is moved.

    Args:
        n_leads: Leads of a row.
        pinned: Whether the rest of a batch is wanted in page-locked memory.
    """

    def __init__(self, n_leads: int, pinned: bool = False) -> None:
        self.n_leads = n_leads
        self.pinned = pinned

    def gather(self, rows: NDArray[np.int64]) -> Tensor:
        """int16 ``[B, L, 0]``."""
        return torch.empty(len(rows), self.n_leads, 0, dtype=torch.int16)

    def announce(self, rows: NDArray[np.int64]) -> None:
        """Nothing to do: nothing will be read."""


def place_waveforms(
    waveforms: NDArray[np.int16], rows: NDArray[np.int64], residency: str, device: torch.device
) -> Waveforms:
    """Bring waveforms to the place where batches are made of them.

    Args:
        waveforms: int16 ``[N, L, T]`` of the store.
        rows: int64, the rows that will be gathered, each once.
        residency: ``disk``, ``memory`` or ``gpu``.
        device: Where the batches are wanted.

    Raises:
        ConfigError: If the rows do not fit there, or ``gpu`` is asked for and the device is none.
    """
    pinned = device.type == "cuda"
    if residency == "disk":
        return HostWaveforms(waveforms, pinned)
    if residency == "gpu" and not pinned:
        raise ConfigError(
            f"data.residency=gpu needs a GPU and training runs on {device.type}; set data.residency=memory or"
            " trainer.accelerator=gpu"
        )
    needed = len(rows) * waveforms[:1].nbytes
    _check_fits(needed, residency, device)
    started = time.monotonic()
    if residency == "gpu":
        placed: Waveforms = DeviceWaveforms(waveforms, rows, device)
    else:
        placed = HostWaveforms(_copy(waveforms, rows), pinned, _index(rows, len(waveforms)))
    log.info(
        "copied %.1f GB of waveforms (data.residency=%s) in %.0f s", needed / 1e9, residency, time.monotonic() - started
    )
    return placed


def _check_fits(needed_bytes: int, residency: str, device: torch.device) -> None:
    if residency == "gpu":
        free_bytes, where = torch.cuda.mem_get_info(device)[0], "the GPU"
    else:
        free_bytes, where = psutil.virtual_memory().available, "this machine"
    if needed_bytes > _MOST_OF_FREE * free_bytes:
        raise ConfigError(
            f"data.residency={residency} needs {needed_bytes / 1e9:.1f} GB for the waveforms of the run and {where} has"
            f" {free_bytes / 1e9:.1f} GB free, of which a fifth is left to training; set data.residency=disk, or a"
            " smaller data.rate_hz or train_fraction"
        )


def _index(rows: NDArray[np.int64], n_rows: int) -> NDArray[np.int64]:
    index = np.full(n_rows, -1, dtype=np.int64)
    index[rows] = np.arange(len(rows))
    return index


def _copy(waveforms: NDArray[np.int16], rows: NDArray[np.int64]) -> NDArray[np.int16]:
    held = np.empty((len(rows), *waveforms.shape[1:]), dtype=np.int16)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        held[start : start + _ROWS_AT_ONCE] = waveforms[rows[start : start + _ROWS_AT_ONCE]]
    return held
