"""A raw tree in a zip archive, as it was downloaded: members are read where they lie, and the archive stays packed.

A path leads through the archive as through a folder: ``/data/set.zip/files/p1000/...``. The folder that holds all of an
archive's members, as in those of PhysioNet, is left out of it.
"""

import os
import stat
import struct
from collections.abc import Iterator
from functools import lru_cache
from threading import Lock
from typing import Any, BinaryIO

import numpy as np
from isal import isal_zlib

from ecgmm.data.sources.archive_directory import read_directory
from ecgmm.data.sources.archive_kernels import find
from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.errors import DataError, printable

_LOCAL = b"PK\x03\x04"
_LOCAL_BYTES = 30
_HEAD = struct.Struct("<4s2x2H16x2H")
"""Signature, flags, method, and lengths of name and extra field of the header in front of a member's content."""
_CHUNK = 1 << 20
_PIECE = 1 << 13  # packed; it gives 8 MB at most, and mostly what fits in a core's cache
_RAW = -15  # deflated data without a head of its own


class DamagedMemberError(BadRecordError):
    """The content of a member is not what the archive's directory says of it."""

    def __init__(self) -> None:
        super().__init__(Drop.FILE_UNREADABLE)


class Archive:
    """An open archive; threads and processes read it side by side, since no position in it is shared.

    Args:
        path: Its path.

    Raises:
        DataError: As ``read_directory``, or if it is no regular file.
        OSError: As ``open``.
    """

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO is not waited for
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            raise DataError(f"{printable(path)} is not a regular file; set data.root to the archive or to a folder")
        self._directory = read_directory(self._file, path)
        self._n_extra = 0  # bytes between name and content, mostly the same for all members of an archive

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            os.close(self._file)

    def find(self, path: str) -> int | None:
        """Number of a member by its path; None where there is none."""
        place = int(find(np.frombuffer(_encoded(path), dtype=np.uint8), self._directory.hashes))
        return None if place < 0 else place

    def size(self, member: int) -> int:
        """Bytes of a member's content, as the directory says."""
        return int(self._directory.sizes[member])

    def read(self, path: str, member: int) -> bytearray:
        """Content of a member whose size the caller has found small enough.

        Args:
            path: Its path, which is compared with the name in front of the content.
            member: Its number.

        Raises:
            DamagedMemberError: If it is not what the directory says.
            OSError: As ``read``.
        """
        content = bytearray(self.size(member))
        self.read_into(path, member, bytearray(), memoryview(content))
        return content

    def read_into(self, path: str, member: int, before: bytearray, target: memoryview) -> None:
        """Fill memory with the content of a member, which has just so many bytes; raises as ``read``.

        Args:
            path: Its path.
            member: Its number.
            before: Filled first.
            target: Filled with what follows.
        """
        if self._directory.deflated[member]:
            if before:
                target[:] = memoryview(self.read(path, member))[len(before) :]
            else:
                self._inflate_into(path, member, target)
            return
        self._read_behind_head(path, member, [before, target])  # where it lies: a copy would cost as much as reading
        self._check(member, isal_zlib.crc32(target, isal_zlib.crc32(before)))

    def _inflate_into(self, path: str, member: int, target: memoryview) -> None:
        """Fill memory piece by piece: pieces stay in the cache, and none is larger than deflate makes of ``_PIECE``."""
        packed, inflate, end = (
            memoryview(bytearray(int(self._directory.packed[member]))),
            isal_zlib.decompressobj(_RAW),
            0,
        )
        self._read_behind_head(path, member, [packed])
        for start in range(0, len(packed), _PIECE):
            try:
                piece = inflate.decompress(packed[start : start + _PIECE])
            except isal_zlib.error:  # type: ignore[misc]  # its stub declares an instance
                raise DamagedMemberError from None
            if end + len(piece) > len(target):
                raise DamagedMemberError
            target[end : end + len(piece)] = piece
            end += len(piece)
            if inflate.eof and start + _PIECE < len(packed):
                raise DamagedMemberError
        if end != len(target) or not inflate.eof or inflate.unused_data:
            raise DamagedMemberError
        self._check(member, isal_zlib.crc32(target))

    def _read_behind_head(self, path: str, member: int, targets: list[bytearray | memoryview]) -> None:
        """Fill memory with what follows a member's header, in one call if its length is that of the last one's."""
        name, offset = self._directory.top + _encoded(path), int(self._directory.offsets[member])
        wanted = sum(map(len, targets))
        for _ in range(2):
            head = bytearray(_LOCAL_BYTES + len(name) + self._n_extra)
            n_bytes = os.preadv(self._file, [head, *targets], offset)
            n_extra = self._checked_head(head, name, member)
            if len(head) == _LOCAL_BYTES + len(name) + n_extra:
                if n_bytes != len(head) + wanted:
                    break
                return
            self._n_extra = n_extra
        raise DamagedMemberError

    def _check(self, member: int, checksum: int) -> None:
        if checksum != self._directory.checksums[member]:
            raise DamagedMemberError

    def unpack(self, path: str, member: int, file: BinaryIO) -> None:
        """Write the content of a member of any size; raises as ``read``."""
        name, place = self._directory.top + _encoded(path), int(self._directory.offsets[member])
        head = os.pread(self._file, _LOCAL_BYTES + len(name), place).ljust(_LOCAL_BYTES, b"\0")
        place += len(head) + self._checked_head(head, name, member)
        left, to_come, checksum = int(self._directory.packed[member]), self.size(member), 0
        inflate = isal_zlib.decompressobj(_RAW)
        while left:
            chunk = os.pread(self._file, min(left, _CHUNK), place)
            if not chunk:
                raise DamagedMemberError
            place, left = place + len(chunk), left - len(chunk)
            pieces = _inflated(inflate, chunk) if self._directory.deflated[member] else iter((chunk,))
            for piece in pieces:
                to_come, checksum = to_come - len(piece), isal_zlib.crc32(piece, checksum)
                if to_come < 0:
                    raise DamagedMemberError
                file.write(piece)
        is_whole = not self._directory.deflated[member] or (inflate.eof and not inflate.unused_data)
        if to_come or not is_whole:
            raise DamagedMemberError
        self._check(member, checksum)

    def _checked_head(self, head: bytes | bytearray, name: bytes, member: int) -> int:
        """Length of the extra field behind a header, which must be that of the member."""
        signature, flags, method, n_name, n_extra = _HEAD.unpack_from(head)
        is_it = signature == _LOCAL and n_name == len(name) and head[_LOCAL_BYTES : _LOCAL_BYTES + n_name] == name
        if not is_it or flags & 1 or method != 8 * self._directory.deflated[member]:
            raise DamagedMemberError
        return int(n_extra)

    def names(self) -> Iterator[str]:
        """Paths of the files, read from the directory again, since they are not kept."""
        place, end = self._directory.start, self._directory.start + self._directory.n_bytes
        content, at = b"", 0
        while place < end or at < len(content):
            n_entry = 46 + sum(struct.unpack_from("<3H", content, at + 28)) if at + 46 <= len(content) else 1 << 18
            if at + n_entry > len(content) and place < end:
                more = os.pread(self._file, min(_CHUNK, end - place), place)
                if not more:
                    return  # the archive became shorter; what it lists no longer is missing
                place, content, at = place + len(more), content[at:] + more, 0
                continue
            (n_name,) = struct.unpack_from("<H", content, at + 28)
            name = content[at + 46 : at + 46 + n_name]
            at += n_entry
            if not name.endswith(b"/"):
                yield name[len(self._directory.top) :].decode(errors="surrogateescape")


def _encoded(path: str) -> bytes:
    return path.encode(errors="surrogateescape")


def _inflated(inflate: Any, chunk: bytes) -> Iterator[bytes]:
    """Content of a piece of deflated data, in pieces that fit in memory whatever its ratio."""
    if inflate.eof:
        raise DamagedMemberError
    piece = b"-"
    while chunk or piece:
        try:
            piece = inflate.decompress(chunk, _CHUNK)
        except isal_zlib.error:  # type: ignore[misc]  # its stub declares an instance
            raise DamagedMemberError from None
        chunk = inflate.unconsumed_tail
        yield piece


def archive_at(path: str) -> Archive | None:
    """The archive at a path, read once as long as it does not change; None where there is no file.

    Raises:
        DataError: If it cannot be used.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 (a Path for each of a million files costs twice as much)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    with _ONE_READS:
        try:
            return _opened(path, status.st_ino, status.st_size, status.st_mtime_ns)
        except OSError as error:
            raise DataError(
                f"{printable(path)} cannot be read ({error.strerror}); make it readable for yourself"
            ) from None


_ONE_READS = Lock()  # threads that begin together would read the directory once each


@lru_cache(maxsize=1)
def _opened(path: str, *_: int) -> Archive:
    return Archive(path)
