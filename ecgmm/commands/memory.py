"""Memory of a worker between two jobs."""

import ctypes
import gc
import resource


def give_back_memory() -> None:
    """Give memory that nothing holds any more back to the system, so that a worker does not grow with its jobs.

    The C library keeps what was freed for later. Between the jobs of a sweep, whose models and batches differ in size,
    the next job finds no use for much of it.
    """
    gc.collect()
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):  # of the GNU C library; others keep less
        library.malloc_trim(0)


def peak_memory_mb() -> int:
    """Most memory that this process has had at a time, in MB of 2^20 bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
