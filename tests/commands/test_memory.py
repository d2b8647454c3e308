"""What a worker gives back between two jobs."""

import ctypes
import os

import psutil
import pytest

from ecgmm.commands.memory import give_back_memory

MB = 1 << 20


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only the GNU C library gives back on request"
)
def test_memory_that_is_freed_in_pieces_goes_back_to_the_system() -> None:
    process = psutil.Process(os.getpid())
    pieces = [bytes(1000) for _ in range(200 * MB // 1000)]
    kept = pieces[::1000]  # one of a thousand stays, and holds the end of the heap
    del pieces
    before = process.memory_info().rss
    give_back_memory()
    assert before - process.memory_info().rss > 100 * MB
    assert len(kept) > 0
