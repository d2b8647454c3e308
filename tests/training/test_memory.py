"""Memory of freed tensors stays with the process: large ones are no mappings of their own, which go when freed."""

import platform
import subprocess
import sys

import pytest

COUNT = """
import ctypes, sys, torch
from ecgmm.training.memory import keep_freed_memory

class Mallinfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd")] + [
        ("rest", ctypes.c_size_t * 5)
    ]

mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = Mallinfo
if sys.argv[1] == "keep":
    keep_freed_memory()
before = mallinfo().hblkhd
large = torch.empty(2**26, dtype=torch.uint8)
print(mallinfo().hblkhd - before)
"""


def mapped_bytes(how: str) -> int:
    found = subprocess.run([sys.executable, "-c", COUNT, how], check=True, capture_output=True, text=True)
    return int(found.stdout)


@pytest.mark.skipif(platform.libc_ver() < ("glibc", "2.33"), reason="glibc tells since 2.33")
def test_a_large_tensor_is_no_mapping_of_its_own() -> None:
    assert mapped_bytes("usual") >= 2**26
    assert mapped_bytes("keep") == 0
