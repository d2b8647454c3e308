"""Reading of the files of a raw tree, which is a folder or a zip archive through which paths lead as through a folder.

All that sources read goes through here; what ``TreeFiles`` has checked is opened again, and again only if it is a
regular file. Members of an archive are bounded by what its directory says and by what their reader takes.
"""

import errno
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.errors import DataError, printable
from ecgmm.files import file_sha256

if TYPE_CHECKING:
    from ecgmm.data.sources.archive import Archive

ENDING = ".zip"
MOST_UNPACKED_BYTES = 8 << 30
"""Largest table or HDF5 file of an archive: the largest ones published have two gigabytes."""
_INSIDE = f"{ENDING}/"


def is_archive(path: str) -> bool:
    """Whether a path is that of an archive, by its ending and because it is no folder."""
    return path.endswith(ENDING) and os.path.isfile(path)  # noqa: PTH113 (asked for each of a million files)


def is_root(path: Path) -> bool:
    """Whether a path is that of a folder or an archive."""
    return path.is_dir() or is_archive(str(path))


def in_archive(path: str) -> "tuple[Archive, str] | None":
    """The archive that a path leads through and the path in it; None where it leads through folders alone.

    Raises:
        DataError: If the archive cannot be used.
    """
    place = path.find(_INSIDE)
    while place >= 0:
        from ecgmm.data.sources.archive import archive_at  # numba takes a while, and folders need none

        archive = archive_at(path[: place + len(ENDING)])
        if archive is not None:
            return archive, path[place + len(_INSIDE) :]
        place = path.find(_INSIDE, place + 1)
    return None


def read_short(path: str, below_bytes: int) -> bytes | None:
    """Content of a file of a record; None where it has ``below_bytes`` or more.

    Raises:
        BadRecordError: If it is missing, no regular file, or cannot be read.
    """
    found = in_archive(path)
    if found is not None:
        archive, inside = found
        member = _member(archive, inside)
        if archive.size(member) >= below_bytes:
            return None
        try:
            return bytes(archive.read(inside, member))
        except OSError:
            raise BadRecordError(Drop.FILE_UNREADABLE) from None
    with _opened(path) as file:
        content = os.read(file, below_bytes)
    return content if len(content) < below_bytes else None


def read_whole(path: str, target: memoryview, n_bytes_before: int = 0) -> None:
    """Fill memory with a file of a record, which must have just so many bytes.

    Args:
        path: The file.
        target: The memory, of single bytes.
        n_bytes_before: Bytes at its beginning that are left out.

    Raises:
        BadRecordError: If it is missing, no regular file, cannot be read, or is shorter or longer.
    """
    found = in_archive(path)
    if found is not None:
        archive, inside = found
        member = _member(archive, inside)
        if archive.size(member) != n_bytes_before + len(target):
            raise BadRecordError(Drop.SIZE)
        try:
            archive.read_into(inside, member, bytearray(n_bytes_before), target)
        except OSError:
            raise BadRecordError(Drop.FILE_UNREADABLE) from None
        return
    with _opened(path) as file:
        n_bytes = os.readv(file, [bytearray(n_bytes_before), target, bytearray(1)])  # one more than there should be
    if n_bytes != n_bytes_before + len(target):
        raise BadRecordError(Drop.SIZE)


def member_size(archive: "Archive", folder: str, path: str) -> int:
    """Bytes of a member below a folder of an archive, as the archive says.

    Raises:
        BadRecordError: If there is none.
    """
    return archive.size(_member(archive, f"{folder}{path}"))


def _member(archive: "Archive", path: str) -> int:
    member = archive.find(path)
    if member is None:
        raise BadRecordError(Drop.FILE_MISSING)
    return member


class _opened:  # noqa: N801  a context manager, and a class of two methods costs a third of one made of a generator
    """A file for the calls of ``os``: Python's own file objects cost as much again as reading does."""

    def __init__(self, path: str) -> None:
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)  # a FIFO is not waited for
        except (FileNotFoundError, NotADirectoryError):
            raise BadRecordError(Drop.FILE_MISSING) from None
        except OSError as error:
            is_socket = error.errno in (errno.ENXIO, errno.ENODEV)
            raise BadRecordError(Drop.NOT_A_FILE if is_socket else Drop.FILE_UNREADABLE) from None
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            os.close(self._file)
            raise BadRecordError(Drop.NOT_A_FILE)

    def __enter__(self) -> int:
        return self._file

    def __exit__(self, _type: type[BaseException] | None, error: BaseException | None, _traceback: object) -> None:
        os.close(self._file)
        if isinstance(error, OSError):
            raise BadRecordError(Drop.FILE_UNREADABLE) from None


@contextmanager
def plain_file(path: Path) -> Iterator[Path]:
    """A path at which libraries can open a file: its own, or that of an unpacked copy without a name, which goes.

    Raises:
        FileNotFoundError: If an archive has no such member.
        DataError: If the member is damaged or too large, or there is no room for it.
    """
    found = in_archive(str(path))
    if found is None:
        yield path
        return
    with tempfile.TemporaryFile() as file:
        _unpack(path, *found, file)
        file.flush()
        yield Path(f"/proc/self/fd/{file.fileno()}")


@contextmanager
def plain_files(path: str, others: Sequence[str] = ()) -> Iterator[str]:
    """As ``plain_file``, for a file that must have its own name, beside which its reader opens others.

    Args:
        path: The file.
        others: Names of those others; what is not there is left out.
    """
    found = in_archive(path)
    if found is None:
        yield path
        return
    archive, inside = found
    folder, slash, name = inside.rpartition("/")
    with tempfile.TemporaryDirectory(prefix="ecgmm-") as copies:
        for other in dict.fromkeys((name, *others)):
            if other == name or archive.find(f"{folder}{slash}{other}") is not None:
                with (Path(copies) / other).open("wb") as file:
                    _unpack(Path(path).with_name(other), archive, f"{folder}{slash}{other}", file)
        yield f"{copies}/{name}"


def _unpack(path: Path, archive: "Archive", inside: str, file: Any) -> None:
    member = archive.find(inside)
    if member is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    if archive.size(member) > MOST_UNPACKED_BYTES:
        raise DataError(
            f"{printable(path)} has more than {MOST_UNPACKED_BYTES:,} bytes; unpack the archive, and set data.root to"
            " the folder"
        )
    try:
        archive.unpack(inside, member, file)
    except BadRecordError:
        raise DataError(f"{printable(path)} is damaged in its archive; download the archive again") from None
    except OSError as error:
        raise DataError(
            f"{printable(path)} cannot be unpacked to {tempfile.gettempdir()} ({error.strerror}); make room there, or"
            " set TMPDIR to another folder"
        ) from None


def tree_sha256(path: Path) -> str:
    """sha256 of the bytes of a file; raises as ``plain_file`` and ``file_sha256``."""
    with plain_file(path) as file:
        return file_sha256(file)


def is_tree_file(path: Path) -> bool:
    """Whether there is a regular file, or a link to one, in a folder or in an archive."""
    found = in_archive(str(path))
    return path.is_file() if found is None else found[0].find(found[1]) is not None


def is_tree_folder(path: Path) -> bool:
    """Whether there is a folder, in a folder or, with a file in it, in an archive."""
    found = in_archive(f"{path}/")
    return path.is_dir() if found is None else any(name.startswith(found[1]) for name in found[0].names())


def walk_tree(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Folders of a tree at and below one, and the names of the files in each; none where there is no such folder."""
    found = in_archive(f"{folder}/")
    if found is None:
        yield from ((Path(here), files) for here, _, files in os.walk(folder))
        return
    archive, inside = found
    files: dict[str, list[str]] = {}
    for name in archive.names():
        if name.startswith(inside):
            where, _, last = name[len(inside) :].rpartition("/")
            files.setdefault(where, []).append(last)
    yield from ((folder / where, names) for where, names in files.items())
