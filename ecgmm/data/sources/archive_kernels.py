"""Loops over the central directory of a zip archive, compiled by numba."""

import stat
from enum import IntEnum
from typing import Any

import numpy as np

from ecgmm.compiled import compiled


class Fault(IntEnum):
    """What is wrong with a member of an archive."""

    DAMAGED = 1
    ENCRYPTED = 2
    METHOD = 3
    SPECIAL = 4
    NAME = 5
    DISK = 6
    SIZE = 7


_DAMAGED, _ENCRYPTED, _METHOD, _SPECIAL, _NAME, _DISK, _SIZE = (int(fault) for fault in Fault)
_FIRST, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_SECRET_FLAGS = 0x1 | 0x40 | 0x2000  # encrypted, strongly so, with its directory
_PATCH_FLAG = 0x20
_STORED, _DEFLATED = 0, 8
_TYPE, _REGULAR, _FOLDER = stat.S_IFMT(0xFFFF), stat.S_IFREG, stat.S_IFDIR
_SLASH, _BACKSLASH, _DOT, _COLON = b"/\\.:"
_ALL_16, _ALL_32 = 0xFFFF, 0xFFFFFFFF
_MOST_DEFLATED = 1032  # times its size, by the longest copy of the shortest codes
_SLACK = 64


@compiled
def parse(
    content: Any, top: Any, end: Any, memory: Any, hashes: Any, numbers: Any, checksums: Any, deflated: Any
) -> Any:
    """Go on in a central directory from ``memory``: files so far, members so far, members outside the top folder.

    Args:
        content: uint8, a part of the directory that begins with a member.
        top: uint8, name of the folder that everything is expected in.
        end: Byte behind the last member's content.
        memory: int64 ``[3]``, changed.
        hashes: uint64 ``[2, N]``, filled: of each path, and of the same below its first folder.
        numbers: int64 ``[3, N]``, filled: offset, packed size, size.
        checksums: uint32 ``[N]``, filled.
        deflated: bool ``[N]``, filled.

    Returns:
        Bytes of the part that whole members take, and the ``Fault`` of the next one, 0 for none.
    """
    at = 0
    while at + 46 <= len(content):
        if content[at] != 0x50 or content[at + 1] != 0x4B or content[at + 2] != 1 or content[at + 3] != 2:
            return at, _DAMAGED
        flags, method = _number(content, at + 8, 2), _number(content, at + 10, 2)
        packed, size = _number(content, at + 20, 4), _number(content, at + 24, 4)
        n_name, n_extra = _number(content, at + 28, 2), _number(content, at + 30, 2)
        disk, offset = _number(content, at + 34, 2), _number(content, at + 42, 4)
        kind = _number(content, at + 40, 2) & _TYPE
        name, extra = at + 46, at + 46 + n_name
        following = extra + n_extra + _number(content, at + 32, 2)
        if following > len(content):
            break
        if memory[1] == hashes.shape[1]:
            return at, _DAMAGED
        while extra + 4 <= name + n_name + n_extra:
            field, n_field = _number(content, extra, 2), _number(content, extra + 2, 2)
            extra += 4
            if extra + n_field > name + n_name + n_extra:
                return at, _DAMAGED
            if field == 1:
                n_needed = 8 * ((size == _ALL_32) + (packed == _ALL_32) + (offset == _ALL_32)) + 4 * (disk == _ALL_16)
                if n_field < n_needed:
                    return at, _DAMAGED
                place = extra
                if size == _ALL_32:
                    size, place = _number(content, place, 8), place + 8
                if packed == _ALL_32:
                    packed, place = _number(content, place, 8), place + 8
                if offset == _ALL_32:
                    offset, place = _number(content, place, 8), place + 8
                if disk == _ALL_16:
                    disk = _number(content, place, 4)
            extra += n_field
        if not _is_plain(content[name : name + n_name]):
            return at, _NAME
        whole, below, is_below = _hashes(content[name : name + n_name], top)
        memory[2] += not is_below
        memory[1] += 1
        at = following
        if content[name + n_name - 1] == _SLASH:
            continue
        fault = 0
        if disk != 0:
            fault = _DISK
        elif flags & _SECRET_FLAGS:
            fault = _ENCRYPTED
        elif (method != _STORED and method != _DEFLATED) or flags & _PATCH_FLAG:
            fault = _METHOD
        elif kind != 0 and kind != _REGULAR:
            fault = _SPECIAL
        elif not _is_possible(method, offset, packed, size, end - 30 - n_name):
            fault = _SIZE
        if fault:
            memory[1] -= 1
            return at, fault
        file = memory[0]
        hashes[0, file], hashes[1, file] = whole, below
        numbers[0, file], numbers[1, file], numbers[2, file] = offset, packed, size
        checksums[file] = _number(content, name - 30, 4)
        deflated[file] = method == _DEFLATED
        memory[0] = file + 1
    return at, 0


@compiled
def _is_possible(method: Any, offset: Any, packed: Any, size: Any, end: Any) -> Any:
    """Whether a member can have its sizes: what deflate can make of a size, within the archive."""
    if offset < 0 or packed < 0 or size < 0 or packed > end or offset > end - packed:
        return False
    if method == _STORED:
        return packed == size
    return packed <= size + size // 8 + _SLACK and size // _MOST_DEFLATED <= packed


@compiled
def find(path: Any, hashes: Any) -> Any:
    """Place of a path (uint8) among sorted hashes; -1 where it is not there."""
    wanted, _, _ = _hashes(path, path[:0])
    low, high = 0, len(hashes)
    while low < high:
        middle = (low + high) // 2
        if hashes[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < len(hashes) and hashes[low] == wanted else -1


@compiled
def _number(content: Any, at: Any, n_bytes: Any) -> Any:
    """Little-endian number as int64; one beyond its range is negative."""
    value = np.int64(0)
    for place in range(n_bytes):
        value |= np.int64(content[at + place]) << np.int64(8 * place)
    return value


@compiled
def _hashes(name: Any, top: Any) -> Any:
    """Hash of a name, hash of what follows the top folder, and whether it begins with that folder."""
    whole, below = _FIRST, _FIRST
    is_below = len(name) >= len(top) > 0
    for place in range(len(name)):
        byte = np.uint64(name[place])
        whole = (whole ^ byte) * _PRIME
        if place >= len(top):
            below = (below ^ byte) * _PRIME
        elif is_below and name[place] != top[place]:
            is_below = False
    return whole, below, is_below


@compiled
def _is_plain(name: Any) -> Any:
    """Whether a name is a path below a folder: relative, of parts that are neither empty, ``.`` nor ``..``."""
    if len(name) == 0 or name[0] == _SLASH or (len(name) > 1 and name[1] == _COLON):
        return False
    n_part, only_dots = 0, True
    for place in range(len(name) + 1):
        if place == len(name) or name[place] == _SLASH:
            if n_part == 0:
                return place == len(name)  # the slash at the end of a folder
            if only_dots and n_part <= 2:
                return False
            n_part, only_dots = 0, True
        else:
            if name[place] < 32 or name[place] == 127 or name[place] == _BACKSLASH:
                return False
            only_dots = only_dots and name[place] == _DOT
            n_part += 1
    return True
