"""The list of a published tree, ``SHA256SUMS.txt``: a line for each file, its sha256 and its path.

PhysioNet writes one space between them, ``sha256sum`` two, or a space and ``*``. The list of MIMIC-IV-ECG has
1.6 million lines, so it is read as a stream, again each time that it is needed.
"""

import posixpath
import re
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ecgmm.errors import DataError

LIST_NAME = "SHA256SUMS.txt"
_LINE = re.compile(r"([0-9a-fA-F]{64})[ \t]+\*?(\S.*)")


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
        DataError: If a line is no digest and path, or the path leaves the root.
    """
    with file.open(encoding="utf-8", errors="surrogateescape") as lines:  # names of any bytes come through
        for number, line in enumerate(lines, 1):
            match = _LINE.fullmatch(line.rstrip("\n"))
            if match is None:
                raise DataError(
                    f"line {number} of {file} is no sha256 and path; see whether url holds a published tree"
                )
            path = match[2].removeprefix("./")
            if not _is_inside(path):
                raise DataError(f"line {number} of {file} has a path outside the tree; nothing of it was fetched")
            if path != LIST_NAME:
                yield ListedFile(path, match[1].lower())


def _is_inside(path: str) -> bool:
    """Whether a path is a plain one below the root, also on the way there."""
    plain = path == posixpath.normpath(path) and "\\" not in path and "\x00" not in path
    return plain and not path.startswith(("/", "../")) and path not in (".", "..")


def check_list(file: Path) -> int:
    """Read the whole list before anything of it is fetched.

    Args:
        file: ``SHA256SUMS.txt``.

    Returns:
        Number of files that it lists.

    Raises:
        DataError: As ``read_list``; or if it lists none, or one twice (two threads would write the same file).
    """
    hashes = array("q", (hash(listed.path) for listed in read_list(file)))  # 8 bytes a path
    if not hashes:
        raise DataError(f"{file} lists no file; see whether url holds a published tree")
    n_twice = int((np.diff(np.sort(np.frombuffer(hashes, np.int64))) == 0).sum())
    if n_twice:
        raise DataError(f"{file} lists {n_twice} paths more than once; ask those who run the server for a sound list")
    return len(hashes)
