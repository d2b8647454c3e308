"""Files that others may have left or damaged: regular ones only, read up to a bound, written whole or not at all."""

import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

from ecgmm.console.system_errors import naming
from ecgmm.errors import DataError, printable

MOST_JSON_BYTES = 64 << 20
"""A JSON file of ours is far below it: the manifest of 2,000 classes has one megabyte."""


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading.

    Raises:
        DataError: If it is a folder, a FIFO, a device or a socket, none of which is ever waited for.
        OSError: As ``open``.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise DataError(f"{printable(path)} is not a regular file; put the file itself there")
    return os.fdopen(handle, "rb")


def read_bounded(path: Path, most_bytes: int) -> bytes:
    """Content of a regular file.

    Raises:
        DataError: If it is none, or longer than ``most_bytes``.
        OSError: As ``open``.
    """
    with open_regular(path) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise DataError(f"{printable(path)} is larger than {most_bytes:,} bytes; it is not what its name says")
    return content


def read_json(path: Path, cure: str) -> dict[str, Any]:
    """Read a JSON object.

    Args:
        path: The file.
        cure: What the user should do where it is missing or damaged, as in "train the run again".

    Raises:
        DataError: If it is missing, cannot be read, or holds no JSON object of finite numbers.
    """
    try:
        content = json.loads(read_bounded(path, MOST_JSON_BYTES), parse_constant=_refuse_constant)
    except FileNotFoundError:
        raise DataError(f"{printable(path)} is missing; {cure}") from None
    except OSError as error:
        raise DataError(f"{printable(path)} cannot be read ({error.strerror}); {cure}") from None
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        if isinstance(error, DataError):
            raise
        raise DataError(f"{printable(path)} is damaged: it holds no JSON; {cure}") from None
    if not isinstance(content, dict):
        raise DataError(f"{printable(path)} is damaged: it holds no JSON object; {cure}")
    return content


def _refuse_constant(name: str) -> None:
    raise ValueError(name)  # NaN and infinities are no JSON


def write_whole(path: Path, content: bytes, private: bool = False) -> None:
    """Write a file as ``whole_file`` does, all at once."""
    with whole_file(path, private) as file:
        file.write(content)


@contextmanager
def whole_path(path: Path) -> Iterator[Path]:
    """A path to write at, so that a reader sees the old content or the new, never half of one, and no link is followed.

    Args:
        path: Where the content is when the context ends without an error; its folder is there.
    """
    partial = path.with_name(f".{secrets.token_hex(8)}.partial")  # a name that nobody could have put a link at
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def remove_unfinished(folder: Path) -> None:
    """Remove what a process that was killed while it wrote left at and below a folder that has one writer."""
    for partial in folder.rglob(".*.partial"):
        partial.unlink()


@contextmanager
def whole_file(path: Path, private: bool = False) -> Iterator[BinaryIO]:
    """A file to write, see ``whole_path``.

    Args:
        path: The file.
        private: Whether its owner alone may read it.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with whole_path(path) as partial:
        handle = os.open(partial, flags, 0o600 if private else 0o666)
        with naming(path), os.fdopen(handle, "wb") as file:
            yield file


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write strict JSON, as ``write_whole`` does."""
    write_whole(path, (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())


def inside(folder: Path, *parts: str) -> Path:
    """A path inside a folder from others, reached through no link: what it names lies where it seems to lie.

    The folder itself may be a link, since the user named it.

    Raises:
        DataError: If a part is a link, or leaves the folder.
    """
    path = folder
    for part in parts:
        assert "/" not in part
        assert part not in ("", ".", "..")
        path = path / part
        if path.is_symlink():
            raise DataError(f"{printable(path)} is a link, which is not followed; put the file itself there")
    return path


def file_sha256(path: Path) -> str:
    """sha256 of a regular file's bytes, in hex.

    Raises:
        DataError: If it is no regular file.
        OSError: As ``open``.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def in_units(n_bytes: float) -> str:
    """A number of bytes for people to read, as in ``96.5 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} TB"
