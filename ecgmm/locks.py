"""One process at a time works on a folder; who waits is told for whom."""

import errno
import fcntl
import json
import logging
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ecgmm.errors import DataError, printable

log = logging.getLogger(__name__)

_MOST_BYTES = 1024
_WITHOUT_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)


@contextmanager
def one_process(path: Path, doing: str) -> Iterator[None]:
    """Let one process at a time work on a folder; the others wait, and find what it made when they go on.

    The lock is a file beside the folder that names its holder's process id and host. It goes with the process that
    holds it, however that ends; only of a process on another host it cannot be known whether it lives. On a file system
    without locks (some NFS and Lustre mounts) the file itself is the lock: nobody waits, and after a kill it stays.

    Args:
        path: The folder, which need not be there.
        doing: What is done to it, as in "process 12 on host a prepares stores/x".

    Raises:
        DataError: If a process on another host holds the lock, or died with it; if something that is no lock is at its
            place; or if the folder around it cannot be written.
    """
    lock = _Lock(path.with_name(f"{path.name}.lock"), f"{doing} {printable(path)}")
    with lock.held():
        yield


@dataclass
class _Lock:
    """The file of a lock, and the words for what its holder does."""

    file: Path
    doing: str

    @contextmanager
    def held(self) -> Iterator[None]:
        handle = self._acquire()
        try:
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode(), 0)
            try:
                yield
            finally:
                if self._is_there(handle):  # and not what somebody put in its place
                    self.file.unlink()  # while the lock is held: one who waits sees that it has got an old file
        finally:
            os.close(handle)

    def _acquire(self) -> int:
        while True:
            handle, is_new = self._open()
            try:
                self._wait(handle, is_new)
                if self._is_there(handle):
                    self._check_holder(handle)
                    return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)

    def _open(self) -> tuple[int, bool]:
        """Open the file, and say whether this made it."""
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            while True:
                for new in (os.O_CREAT | os.O_EXCL, 0):
                    try:
                        return os.open(self.file, flags | new, 0o644), bool(new)
                    except (FileExistsError, FileNotFoundError) as error:
                        if self.file.is_symlink():
                            raise self._no_lock("is a link") from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            if error.errno in (errno.EISDIR, errno.ELOOP, errno.ENXIO):
                raise self._no_lock("is no regular file") from None
            blocked = isinstance(error, FileExistsError | NotADirectoryError)
            why = "a file is where its folder should be" if blocked else error.strerror
            raise DataError(
                f"{printable(self.file)} cannot be opened for writing ({why}), without which two processes could work"
                f" on one folder; see that no other user's process {self.doing}, or set paths.* to a folder that can be"
                " written"
            ) from None

    def _wait(self, handle: int, is_new: bool) -> None:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise self._no_lock("is no regular file")
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                log.info("waiting for %s%s", self._holder(handle)[0], self.doing)
                fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _WITHOUT_LOCKS:
                raise
            if not is_new:
                raise DataError(
                    f"{self._holder(handle)[0]}{self.doing} is at work or was killed, and the file system cannot tell"
                    f" which ({error.strerror}); end it, then move {printable(self.file)} away"
                ) from None

    def _is_there(self, handle: int) -> bool:
        try:
            return os.path.samestat(self.file.lstat(), os.fstat(handle))
        except FileNotFoundError:
            return False

    def _check_holder(self, handle: int) -> None:
        words, host = self._holder(handle)
        if host not in (None, socket.gethostname()):
            raise DataError(
                f"{words}{self.doing} is at work or was killed; end it there, then remove {printable(self.file)}"
            )

    def _holder(self, handle: int) -> tuple[str, str | None]:
        """Words for the holder that the file names, and its host; None where it names none, for a moment or a kill."""
        content = os.pread(handle, _MOST_BYTES, 0)
        if not content:
            return "a process that ", None
        try:
            named = json.loads(content)
            pid, host = int(named["pid"]), str(named["host"])
        except (ValueError, TypeError, KeyError, RecursionError):
            raise self._no_lock("holds something else than a lock") from None
        return f"process {pid} on host {printable(host)} that ", host

    def _no_lock(self, what: str) -> DataError:
        return DataError(
            f"{printable(self.file)} {what}, where a lock would be while a process {self.doing}; see that none does,"
            " then move it away and start again"
        )
