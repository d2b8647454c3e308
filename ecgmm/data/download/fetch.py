"""Fetch one file: into ``<name>.part``, verified, then renamed."""

import hashlib
import os
from email.utils import mktime_tz, parsedate_tz
from pathlib import Path
from typing import NamedTuple

from urllib3 import BaseHTTPResponse, HTTPHeaderDict

from ecgmm.data.download.checksum_list import LIST_NAME, ListedFile, check_list
from ecgmm.data.download.site import OutOfRangeError, Site, StoppedError, TransientError, UnavailableError
from ecgmm.errors import DataError

CONTINUE_FROM = 2**20
"""A ``.part`` of at least so many bytes is continued; a smaller one is fetched again, which costs less than asking."""
_CHUNK = 2**18


class Fetched(NamedTuple):
    """What became of a file.

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
    except UnavailableError as error:
        return Fetched(listed.path, 0, str(error))
    part.replace(target)
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
            f"{site.url}/{LIST_NAME} cannot be had ({error}); see whether url is that of the tree"
        ) from None
    return file


def forget_list(file: Path) -> None:
    """Let the next download fetch the list again: files may be missing because the list is damaged or out of date."""
    os.utime(file, (0, 0))


def _part_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _attempt(site: Site, listed: ListedFile, part: Path) -> int:
    """Bring ``part`` to the bytes of the list; returns how many of them came over the network."""
    digest, n_begun = _begun(part)
    if n_begun and digest.hexdigest() == listed.sha256:  # complete, and ended before it was renamed
        return 0
    try:
        response = site.get(listed.path, n_begun)
    except OutOfRangeError:
        part.unlink()  # longer than the file, so no beginning of it
        raise
    with response:
        if response.status != 206:  # the server sends the whole, asked for the rest or not
            digest, n_begun = hashlib.sha256(), 0
        n_fetched = _write(site, response, part, "ab" if n_begun else "wb", digest)
    if digest.hexdigest() != listed.sha256:
        part.unlink()  # nothing of it can be trusted
        raise TransientError("the bytes are not those of the checksum")
    return n_fetched


def _begun(part: Path) -> "tuple[hashlib._Hash, int]":
    """Digest and size of what is there of a large file."""
    if not part.exists() or part.stat().st_size < CONTINUE_FROM:
        return hashlib.sha256(), 0
    with part.open("rb") as file:
        return hashlib.file_digest(file, "sha256"), file.tell()


def _write(site: Site, response: BaseHTTPResponse, part: Path, mode: str, digest: "hashlib._Hash") -> int:
    part.parent.mkdir(parents=True, exist_ok=True)
    n_bytes = 0
    with part.open(mode) as file:
        for chunk in response.stream(_CHUNK, decode_content=False):
            file.write(chunk)
            digest.update(chunk)
            n_bytes += len(chunk)
            if site.stopped.is_set():
                raise StoppedError
    return n_bytes


def _is_current(site: Site, file: Path) -> bool:
    try:
        headers = site.persist(lambda: site.headers_of(LIST_NAME))
    except UnavailableError:
        return False  # a server without HEAD; the whole list is fetched
    return headers.get("Content-Length") == str(file.stat().st_size) and _modified_s(headers) == file.stat().st_mtime


def _fetch_list(site: Site, file: Path) -> None:
    """No checksum guards the list itself, so its length must be told: one cut short between two lines looks sound."""
    part = _part_of(file)
    with site.get(LIST_NAME) as response:
        if "Content-Length" not in response.headers and response.headers.get("Transfer-Encoding") != "chunked":
            raise UnavailableError("the server does not tell its length, so it could be cut short unseen")
        _write(site, response, part, "wb", hashlib.sha256())
    check_list(part)
    modified_s = _modified_s(response.headers)
    if modified_s is not None:
        os.utime(part, (modified_s, modified_s))
    part.replace(file)


def _modified_s(headers: HTTPHeaderDict) -> float | None:
    modified = parsedate_tz(headers.get("Last-Modified", ""))
    return None if modified is None else mktime_tz(modified)
