"""Central directory of a zip archive, as arrays: what Python's ``zipfile`` keeps as an object of a kilobyte a member.

Names are not kept. A member is found by the 64-bit hash of its path (FNV-1a), and its name is compared where it is
read, in front of its content. Source of the format: APPNOTE.TXT 6.3.10 of PKWARE,
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
"""

import os
import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.sources.archive_kernels import Fault, parse
from ecgmm.errors import DataError, printable

MOST_MEMBERS = 10_000_000
"""MIMIC-IV-ECG has 1.6 million files, and a folder for each record; the arrays of so many take 450 MB."""
_CHUNK = 1 << 22
_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_MOST_COMMENT = 0xFFFF
_AGAIN = "download it again"
_UNPACK = "unpack it, and set data.root to the folder"
_FAULTS = {
    Fault.DAMAGED: ("is damaged: its central directory is not what a zip archive has", _AGAIN),
    Fault.ENCRYPTED: ("is encrypted", f"{_UNPACK} with its password"),
    Fault.METHOD: ("is packed by another method than deflate", f"{_UNPACK}, or pack it with deflate"),
    Fault.SPECIAL: ("is a link or no regular file", "pack the files themselves, without links"),
    Fault.NAME: ("has a name that leads out of the archive, or that no file has", "take an archive of plain paths"),
    Fault.DISK: ("lies in another part of a split archive", "join the parts with zip -s 0, or unpack them"),
    Fault.SIZE: ("has a size that it cannot have", _AGAIN),
}


class Directory(NamedTuple):
    """The N files of an archive, in the order of their hashes; folders are left out.

    Attributes:
        hashes: uint64 ``[N]``, of each path below the top folder.
        offsets: int64 ``[N]``, first byte of the header in front of each file's content.
        packed: int64 ``[N]``, bytes in the archive.
        sizes: int64 ``[N]``, bytes once unpacked.
        checksums: uint32 ``[N]``, CRC-32.
        deflated: bool ``[N]``; the others are stored as they are.
        top: Folder that holds everything, with a slash at its end; empty where there is none.
        start: First byte of the directory itself.
        n_bytes: Its length.
    """

    hashes: NDArray[np.uint64]
    offsets: NDArray[np.int64]
    packed: NDArray[np.int64]
    sizes: NDArray[np.int64]
    checksums: NDArray[np.uint32]
    deflated: NDArray[np.bool_]
    top: bytes
    start: int
    n_bytes: int


def read_directory(file: int, name: str) -> Directory:
    """Read the central directory of an archive.

    Args:
        file: The open archive; its position is neither used nor changed.
        name: Path of the archive, for messages.

    Raises:
        DataError: If it is no whole zip archive, or has what is not read: one sentence with the member's number.
    """
    start, n_bytes, n_members = _find(file, name)
    shown, memory = printable(name), np.zeros(3, dtype=np.int64)
    hashes = np.empty((2, n_members), dtype=np.uint64)
    numbers = np.empty((3, n_members), dtype=np.int64)
    checksums, deflated = np.empty(n_members, dtype=np.uint32), np.empty(n_members, dtype=np.bool_)
    top, rest, at = b"", b"", start
    while at < start + n_bytes:
        content = rest + os.pread(file, min(_CHUNK, start + n_bytes - at), at)
        if len(content) == len(rest):  # the archive became shorter
            raise _refused(shown, Fault.DAMAGED)
        at += len(content) - len(rest)
        if not memory[1]:
            top = _top(content)
        part, folder = np.frombuffer(content, dtype=np.uint8), np.frombuffer(top, dtype=np.uint8)
        used, fault = parse(part, folder, start, memory, hashes, numbers, checksums, deflated)
        if fault:
            raise _refused(shown, Fault(fault), int(memory[1]) + 1)
        rest = content[used:]
    n_files = int(memory[0])
    if rest or memory[1] != n_members:
        raise _refused(shown, Fault.DAMAGED)
    if memory[2]:  # not all of it lies in the folder that the first member lies in
        top = b""
    return _sorted(
        shown, hashes[int(bool(top)), :n_files], numbers[:, :n_files], checksums, deflated, top, start, n_bytes
    )


def _sorted(
    shown: str,
    hashes: NDArray[np.uint64],
    numbers: NDArray[np.int64],
    checksums: NDArray[np.uint32],
    deflated: NDArray[np.bool_],
    top: bytes,
    start: int,
    n_bytes: int,
) -> Directory:
    by_place = np.argsort(numbers[0])
    ends = numbers[0, by_place] + numbers[1, by_place]
    if (ends[:-1] > numbers[0, by_place[1:]]).any():
        raise DataError(f"{shown} has members that lie in one another, as in a zip bomb; do not use it, and {_AGAIN}")
    by_hash = np.argsort(hashes)
    hashes = hashes[by_hash]
    if (hashes[1:] == hashes[:-1]).any():
        raise DataError(f"{shown} has two members of one name; take an archive in which each name stands once")
    offsets, packed, sizes = (part[by_hash] for part in numbers)
    return Directory(
        hashes, offsets, packed, sizes, checksums[by_hash], deflated[by_hash], top, start=start, n_bytes=n_bytes
    )


def _refused(shown: str, fault: Fault, number: int | None = None) -> DataError:
    what, cure = _FAULTS[fault]
    member = "" if number is None or fault is Fault.DAMAGED else f"member {number:,} of "
    return DataError(f"{member}{shown} {what}; {cure}")


def _top(content: bytes) -> bytes:
    """First folder in the name of the first member."""
    if len(content) < 46:
        return b""
    name = content[46 : 46 + int.from_bytes(content[28:30], "little")]
    folder, slash, _ = name.partition(b"/")
    return folder + slash if slash else b""


def _find(file: int, name: str) -> tuple[int, int, int]:
    """First byte of the directory, its length and the number of its members."""
    shown, size = printable(name), os.fstat(file).st_size
    first = max(size - _MOST_COMMENT - 22, 0)
    tail = os.pread(file, size - first, first)
    place = tail.rfind(_END)
    while place >= 0 and place + 22 + int.from_bytes(tail[place + 20 : place + 22], "little") != len(tail):
        place = tail.rfind(_END, 0, place)
    if place < 0:
        if tail and not os.pread(file, 4, 0).startswith(b"PK"):
            raise DataError(f"{shown} is no zip archive; set data.root to the archive, or to an unpacked folder")
        raise DataError(f"{shown} is cut short: it does not end as a zip archive does; {_AGAIN}")
    disk, disk_of_start, n_here, n_members, n_bytes, start = struct.unpack_from("<4H2I", tail, place + 4)
    end = first + place
    located = os.pread(file, 20, end - 20) if end >= 20 else b""
    if located.startswith(_LOCATOR_64):
        end_64, n_disks = struct.unpack_from("<QI", located, 8)
        record = os.pread(file, 56, end_64) if end_64 < end else b""
        if len(record) < 56 or not record.startswith(_END_64):
            raise _refused(shown, Fault.DISK if n_disks > 1 else Fault.DAMAGED)
        disk, disk_of_start, n_here, n_members, n_bytes, start = struct.unpack_from("<2I4Q", record, 16)
        end = end_64
    if disk or disk_of_start or n_here != n_members:
        what, cure = "is a part of a split archive", _FAULTS[Fault.DISK][1]
        raise DataError(f"{shown} {what}; {cure}")
    if start + n_bytes > end or n_members * 46 > n_bytes:
        raise _refused(shown, Fault.DAMAGED)
    if n_members > MOST_MEMBERS:
        raise DataError(f"{shown} has {n_members:,} members, and up to {MOST_MEMBERS:,} are read; {_UNPACK}")
    return start, n_bytes, n_members
