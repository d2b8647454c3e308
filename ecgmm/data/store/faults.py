"""Errors of opening a store: it is damaged, which only its content can prove, or the system refuses to read it."""

import errno
from pathlib import Path

from ecgmm.errors import DataError, printable

_NO_RIGHT = "may not be read ({why}); ask its owner for the right to read it"
_NO_HANDLE = "cannot be opened because too many files are open ({why}); close some or raise the limit (ulimit -n)"
_NO_MEMORY = "does not fit into the memory that this process may take ({why}); free some or raise the limit (ulimit -v)"
_NO_DISK = "cannot be read from its disk ({why}); see whether the disk is sound and mounted, then start again"
_OTHER = "cannot be read ({why}); remove that cause and start again"
_OF_ERRNO = {
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
    errno.EMFILE: _NO_HANDLE,
    errno.ENFILE: _NO_HANDLE,
    errno.ENOMEM: _NO_MEMORY,
    errno.EIO: _NO_DISK,
    errno.ESTALE: _NO_DISK,
    errno.ENODEV: _NO_DISK,
}
_MISSING = (errno.ENOENT, errno.ENOTDIR)


def damaged(folder: Path, what: str) -> DataError:
    """The error for a store whose content is proven not to be what was written.

    Args:
        folder: The store.
        what: What differs, as in "records.parquet is missing".
    """
    return DataError(
        f"{printable(folder)} is a damaged store: {what}; move it away and prepare it again, or bring back a copy of it"
    )


def not_read(file: Path, error: OSError | MemoryError) -> DataError:
    """The error for a file of a store, or its folder, that the system does not let us read; it may well be sound."""
    if isinstance(error, MemoryError):
        return DataError(f"{printable(file)} {_NO_MEMORY.format(why='out of memory')}")
    if error.errno in _MISSING:
        return damaged(file.parent, f"{file.name} is missing")
    cause = _OF_ERRNO.get(error.errno or 0, _OTHER).format(why=error.strerror or type(error).__name__)
    return DataError(f"{printable(file)} {cause}")


def not_taken(file: Path, error: BaseException) -> DataError:
    """The error for a table with the right content, or an unknown one, that polars could not read."""
    why = printable(error).splitlines()[0] if str(error) else type(error).__name__
    return DataError(
        f"{printable(file)} cannot be read ({why}); see that memory and open files suffice (ulimit -v, ulimit -n) and"
        " that polars is the version of constraints.txt"
    )
