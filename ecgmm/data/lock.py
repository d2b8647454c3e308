"""One process at a time works on a folder; who waits is told for whom."""

import fcntl
import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecgmm.errors import DataError

log = logging.getLogger(__name__)


@contextmanager
def one_process(path: Path, doing: str) -> Iterator[None]:
    """Let one process at a time work on a folder; the others wait, and find what it made when they go on.

    The lock is a file beside the folder that names its holder's process id and host. It goes with the process that
    holds it, however that ends; only of a process on another host it cannot be known whether it lives.

    Args:
        path: The folder, which need not be there.
        doing: What is done to it, as in "process 12 on host a prepares stores/x".

    Raises:
        DataError: If a process on another host holds the lock, or died with it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.with_name(f"{path.name}.lock")
    handle = _acquire(file, f"{doing} {path}")
    try:
        _check_host(handle, file, f"{doing} {path}")
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode(), 0)
        try:
            yield
        finally:
            file.unlink()  # while the lock is held: one who waits sees that it has got an old file
    finally:
        os.close(handle)


def _acquire(file: Path, doing: str) -> int:
    while True:
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("waiting for %s", _holder(handle) + doing)
            fcntl.flock(handle, fcntl.LOCK_EX)
        if _is_still_there(file, handle):
            return handle
        os.close(handle)


def _is_still_there(file: Path, handle: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _holder(handle: int) -> str:
    content = os.pread(handle, 1024, 0)  # empty for a moment after the file was made
    return "process {pid} on host {host} that ".format(**json.loads(content)) if content else "a process that "


def _check_host(handle: int, file: Path, doing: str) -> None:
    content = os.pread(handle, 1024, 0)
    if content and json.loads(content)["host"] != socket.gethostname():
        raise DataError(f"{_holder(handle)}{doing} is at work or was killed; end it there, then remove {file}")
