"""How a training process asks its system for memory."""

import ctypes
import platform

import torch

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h
_LARGEST = 2**30


def keep_freed_memory() -> None:
    """Have freed tensors' memory used again, not given back to the system and fetched anew in every step.

    glibc maps each large block by itself and unmaps it when it is freed, so that all its pages are made anew for the
    next tensor: a sixth to a quarter of a step on a CPU (docs/engineering-log.md). Numbers do not change. On other
    systems there is nothing to do. Deterministic algorithms would also fill all fresh memory, in case that someone
    reads it.
    """
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # added by torch
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST)
        libc.mallopt(_M_TRIM_THRESHOLD, _LARGEST)
