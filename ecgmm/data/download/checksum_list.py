"""The list of a published tree, ``SHA256SUMS.txt``: a line for each file, its sha256 and its path.

PhysioNet writes one space between them, ``sha256sum`` two, or a space and ``*``. The list of MIMIC-IV-ECG has
1.6 million lines, so it is read as a stream, again each time that it is needed.
"""

import posixpath
import re
import unicodedata
from array import array
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgmm.errors import DataError, printable
from ecgmm.files import open_regular

LIST_NAME = "SHA256SUMS.txt"
PART_SUFFIX = ".part"
"""Ending of the name of an unfinished file; no listed name may end so."""
MOST_FILES = 10_000_000
"""Six times those of MIMIC-IV-ECG; 80 MB of hashes."""
MOST_NAME_BYTES = 255 - len(PART_SUFFIX)
"""Longest name of a file or folder: file systems take 255."""
MOST_PATH_BYTES = 1024
"""Longest path in the tree: systems take 1,024 or 4,096, the root included."""
_LONGEST_LINE = 64 + 2 + MOST_PATH_BYTES + 16
_LINE = re.compile(r"([0-9a-fA-F]{64})[ \t]+\*?(\S.*)", re.DOTALL)


class ListedFile(NamedTuple):
    """A file of the tree.

    Attributes:
        path: Path relative to the root, with ``/``.
        sha256: Lower-case hexadecimal digest.
    """

    path: str
    sha256: str


def read_list(file: Path) -> Iterator[ListedFile]:
    """Yield the files in order of the list; a line for the list itself is passed over, it cannot hold its own digest.

    Args:
        file: ``SHA256SUMS.txt``.

    Raises:
        DataError: If a line is no digest and path, or the path is none that a file below the root can have.
    """
    # Names of any bytes come through, also those with a carriage return in them.
    with TextIOWrapper(open_regular(file), encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
        for number, line in enumerate(iter(lambda: lines.readline(_LONGEST_LINE), ""), 1):
            match = _LINE.fullmatch(line.removesuffix("\n").removesuffix("\r"))
            path = match[2].removeprefix("./") if match else ""
            if len(line) == _LONGEST_LINE:
                problem = "is longer than any of a list; see whether url holds a published tree"
            elif match is None:
                problem = "is no sha256 and path; see whether url holds a published tree"
            else:
                problem = _problem_of(path)
            if match is None or problem:
                raise DataError(f"line {number} of {printable(file)} {problem}")
            if path != LIST_NAME:
                yield ListedFile(path, match[1].lower())


def _problem_of(path: str) -> str:
    """Reason why no file below the root can have a path, empty if one can."""
    plain = path == posixpath.normpath(path) and "\\" not in path and "\x00" not in path
    if not plain or path.startswith(("/", "../")) or path in (".", ".."):
        return "has a path outside the tree; nothing of it was fetched"
    if path.endswith(PART_SUFFIX):
        return f"has a name that ends in {PART_SUFFIX}, as unfinished files do; nothing of it was fetched"
    if len(path) > MOST_NAME_BYTES or not path.isascii():  # of the others, nearly all, no bytes are counted
        longest = max(len(name.encode(errors="surrogateescape")) for name in path.split("/"))
        if longest > MOST_NAME_BYTES or len(path.encode(errors="surrogateescape")) > MOST_PATH_BYTES:
            return (
                f"has a path of more than {MOST_PATH_BYTES} bytes, or a name in it of more than {MOST_NAME_BYTES};"
                " nothing of it was fetched"
            )
    return ""


def check_list(file: Path) -> int:
    """Read the whole list before anything of it is fetched.

    Names that differ in case or in the form of their accents only count as one: on some disks they are.

    Args:
        file: ``SHA256SUMS.txt``.

    Returns:
        Number of files that it lists.

    Raises:
        DataError: As ``read_list``; or if it lists none, too many, one twice (two threads would write the same file),
            or a file and a folder of one name.
    """
    files, folders = _hashes(file)
    if len(files) == 1:
        raise DataError(f"{printable(file)} lists no file; see whether url holds a published tree")
    cure = "ask those who run the server for a sound list"
    n_twice = int((files[1:] == files[:-1]).sum())
    if n_twice:
        raise DataError(
            f"{printable(file)} lists {n_twice} paths more than once, or but for upper and lower case; {cure}"
        )
    if (files[np.searchsorted(files, folders).clip(max=len(files) - 1)] == folders).any():
        raise DataError(f"{printable(file)} lists a file and a folder of one name; {cure}")
    return len(files) - 1


def _hashes(file: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sorted hashes of the files, the list among them, and of the folders on the way to them; 8 bytes each."""
    files, folders = array("q", [_hash(LIST_NAME)]), array("q", [_hash("")])
    last: list[str] = []
    for listed in read_list(file):
        if len(files) > MOST_FILES:
            raise DataError(f"{printable(file)} lists more than {MOST_FILES:,} files; see whether url is right")
        files.append(_hash(listed.path))
        parts = listed.path.split("/")[:-1]
        if parts != last:  # lists are sorted, so few folders come more than once
            n_same = len(posixpath.commonprefix([parts, last]))
            folders.extend(_hash("/".join(parts[:depth])) for depth in range(n_same + 1, len(parts) + 1))
            last = parts
    sorted_ = np.frombuffer(files, np.int64), np.frombuffer(folders, np.int64)
    for hashes in sorted_:
        hashes.sort()  # in place
    return sorted_


def _hash(path: str) -> int:
    return hash(path.lower() if path.isascii() else unicodedata.normalize("NFC", path.casefold()))
