"""Fetch one file: into ``<name>.part``, verified, then renamed."""

import errno
import hashlib
import os
import stat
import time
from datetime import UTC, datetime
from io import BufferedWriter
from pathlib import Path
from typing import NamedTuple

from urllib3 import BaseHTTPResponse, HTTPHeaderDict

from ecgmm.data.download.answers import MOST_UNTOLD_BYTES, told_bytes
from ecgmm.data.download.checksum_list import LIST_NAME, PART_SUFFIX, ListedFile, check_list
from ecgmm.data.download.problems import OutOfRangeError, StoppedError, TransientError, UnavailableError
from ecgmm.data.download.room import check_free
from ecgmm.data.download.site import Site
from ecgmm.errors import DataError

CONTINUE_FROM = 2**20
"""A ``.part`` of at least so many bytes is continued; a smaller one is fetched again, which costs less than asking."""
MOST_LIST_BYTES = MOST_UNTOLD_BYTES
"""Five times the list of MIMIC-IV-ECG."""
LONGEST_LIST_S = 3600
"""No other deadline ends a list that comes slowly and never ends; that of MIMIC-IV-ECG needs 50 kB/s for it."""
_CHUNK = 2**16
# The file's own place cannot be written; others can.
_OF_THE_PLACE = {errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ELOOP, errno.ENAMETOOLONG, errno.EPERM, errno.EACCES}


class Fetched(NamedTuple):
    """Outcome for one file.

    Attributes:
        path: Its path in the tree.
        n_bytes: Bytes that came over the network for it, in the attempt that succeeded.
        problem: Why it is not there, None if it is.
    """

    path: str
    n_bytes: int
    problem: str | None


def fetch(site: Site, listed: ListedFile, root: Path) -> Fetched:
    """Fetch a file until it is right or the attempts are used up.

    Args:
        site: Where from.
        listed: Which.
        root: Folder of the tree; the file's folder is made.

    Raises:
        DataError: If the server cannot be reached at all.
    """
    target = root / listed.path
    part = _part_of(target)
    try:
        n_bytes = site.persist(lambda: _attempt(site, listed, part))
        part.replace(target)  # a link that is there is replaced, not followed
    except UnavailableError as error:
        return Fetched(listed.path, 0, str(error))
    except OSError as error:
        if error.errno not in _OF_THE_PLACE:
            raise
        return Fetched(listed.path, 0, f"it cannot be written here ({error.strerror}); see what is in its place")
    return Fetched(listed.path, n_bytes, None)


def fetch_list(site: Site, root: Path) -> Path:
    """Fetch ``SHA256SUMS.txt`` unless the one that is there has the size and time of the server's.

    Args:
        site: Where from.
        root: Folder of the tree.

    Returns:
        Path of the list.

    Raises:
        DataError: If the list cannot be had or is unsound.
    """
    file = root / LIST_NAME
    try:
        if not (file.exists() and _is_current(site, file)):
            site.persist(lambda: _fetch_list(site, file))
    except UnavailableError as error:
        raise DataError(
            f"{site.shown}/{LIST_NAME} cannot be had ({error}); see whether url is that of the tree"
        ) from None
    return file


def forget_list(file: Path) -> None:
    """Let the next download fetch the list again: files may be missing because the list is damaged or out of date."""
    os.utime(file, (0, 0))


def _part_of(target: Path) -> Path:
    return target.with_name(f"{target.name}{PART_SUFFIX}")


def _attempt(site: Site, listed: ListedFile, part: Path) -> int:
    """Bring ``part`` to the bytes of the list; returns how many of them came over the network."""
    digest, n_begun = _begun(part)
    if n_begun and digest.hexdigest() == listed.sha256:  # complete, and ended before it was renamed
        return 0
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        response = site.get(listed.path, n_begun)
    except OutOfRangeError:
        part.unlink()  # longer than the file, so no beginning of it
        raise
    with response:
        check_free(part.parent, told_bytes(response.headers) or 0)
        if response.status != 206:  # the server sends the whole, asked for the rest or not
            digest, n_begun = hashlib.sha256(), 0
        try:
            n_fetched = _write(site, response, part, bool(n_begun), digest)
        except UnavailableError:  # it has no end, so what came of it is no beginning
            part.unlink()
            raise
    if digest.hexdigest() != listed.sha256:
        part.unlink()  # nothing of it can be trusted
        raise TransientError("the bytes are not those of the checksum")
    return n_fetched


def _begun(part: Path) -> "tuple[hashlib._Hash, int]":
    """Digest and size of what is there of a large file. Our own name may be taken by a link or a FIFO, which goes."""
    if not os.path.lexists(part):
        return hashlib.sha256(), 0
    state = part.lstat()
    if not stat.S_ISREG(state.st_mode):
        part.unlink()
        return hashlib.sha256(), 0
    if state.st_size < CONTINUE_FROM:
        return hashlib.sha256(), 0
    with part.open("rb") as file:
        return hashlib.file_digest(file, "sha256"), file.tell()


def _write(
    site: Site,
    response: BaseHTTPResponse,
    part: Path,
    continued: bool,
    digest: "hashlib._Hash",
    deadline_s: float = float("inf"),
) -> int:
    n_bytes = 0
    with _open_for_writing(part, continued) as file:
        for chunk in response.stream(_CHUNK, decode_content=False):
            file.write(chunk)
            digest.update(chunk)
            n_bytes += len(chunk)
            if site.stopped.is_set():
                raise StoppedError
            if time.monotonic() > deadline_s:
                raise UnavailableError(f"it is not complete after {LONGEST_LIST_S} s")
    return n_bytes


def _open_for_writing(part: Path, continued: bool) -> BufferedWriter:
    """Open an unfinished file; a link that somebody put there is not followed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(part, flags | (os.O_APPEND if continued else os.O_TRUNC), 0o666)
    return os.fdopen(handle, "ab" if continued else "wb")


def _is_current(site: Site, file: Path) -> bool:
    try:
        headers = site.persist(lambda: site.headers_of(LIST_NAME))
    except UnavailableError:
        return False  # a server without HEAD; the whole list is fetched
    return told_bytes(headers) == file.stat().st_size and _modified_s(headers) == file.stat().st_mtime


def _fetch_list(site: Site, file: Path) -> None:
    """No checksum guards the list itself, so its length must be told: one cut short between two lines looks sound."""
    part = _part_of(file)
    with site.get(LIST_NAME) as response:
        told = told_bytes(response.headers)
        if told is None and response.headers.get("Transfer-Encoding", "").lower() != "chunked":
            raise UnavailableError("the server does not tell its length, so it could be cut short unseen")
        if told is not None and told > MOST_LIST_BYTES:
            raise UnavailableError(f"it has {told:,} bytes, and no list of a tree has more than {MOST_LIST_BYTES:,}")
        part.unlink(missing_ok=True)  # it is never continued, and may be a link
        try:
            _write(site, response, part, False, hashlib.sha256(), time.monotonic() + LONGEST_LIST_S)
            check_list(part)
        except (UnavailableError, DataError):
            part.unlink()
            raise
    modified_s = _modified_s(response.headers)
    if modified_s is not None:
        os.utime(part, (modified_s, modified_s))
    part.replace(file)


def _modified_s(headers: HTTPHeaderDict) -> float | None:
    """``Last-Modified`` in the one form that HTTP/1.1 allows; None where it is absent or no date."""
    try:
        modified = datetime.strptime(headers.get("Last-Modified", ""), "%a, %d %b %Y %H:%M:%S GMT")
    except ValueError:
        return None
    return modified.replace(tzinfo=UTC).timestamp()
