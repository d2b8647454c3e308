"""Bring a folder to what a published tree's list says."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import compress, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.download.checksum_list import ListedFile, check_list, read_list
from ecgmm.data.download.fetch import Fetched, fetch, forget_list
from ecgmm.data.download.room import check_room
from ecgmm.data.download.site import Site
from ecgmm.data.download.threads import in_threads
from ecgmm.errors import DataError, printable
from ecgmm.files import file_sha256, in_units
from ecgmm.progress import run_with_progress

log = logging.getLogger(__name__)

MOST_PROBLEMS = 1000
_CHECKED_TOGETHER = 64


@dataclass
class Outcome:
    """Outcome of a call of ``mirror``.

    Attributes:
        n_wanted: Files that should be there.
        n_fetched: Files that were fetched.
        n_bytes: Bytes of these that came over the network.
        problems: The files that are not there or not right, each with why.
    """

    n_wanted: int
    n_fetched: int = 0
    n_bytes: int = 0
    problems: list[Fetched] = field(default_factory=list)


def mirror(site: Site, root: Path, list_file: Path, wants: Callable[[str], bool]) -> Outcome:
    """Hash every file that is there, and fetch those that are missing or wrong.

    Memory is one byte a listed file, and a few files in flight.

    Args:
        site: Where from.
        root: Folder of the tree.
        list_file: Its ``SHA256SUMS.txt``.
        wants: Whether a path is to be there; files that are not wanted are left as they are.

    Raises:
        DataError: If the list is unsound, the disk has no room, the server cannot be reached, or so many files fail
            that the address must be wrong.
    """
    n_listed = check_list(list_file)
    wanted = np.fromiter((wants(listed.path) for listed in read_list(list_file)), bool, n_listed)
    missing = _find_missing(site, root, list_file, wanted)
    outcome = Outcome(n_wanted=int(wanted.sum()))
    if missing.any():
        check_room(site, root, (listed.path for listed in compress(read_list(list_file), missing)))
        try:
            _fetch_all(site, root, list_file, missing, outcome)
        finally:
            if outcome.problems:
                forget_list(list_file)
    return outcome


def _find_missing(site: Site, root: Path, list_file: Path, wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those of the wanted files, bool ``[number of listed files]``, that are not there or have other bytes."""
    missing = wanted.copy()
    chunks = _chunks(enumerate(read_list(list_file)), wanted)

    def check(chunk: list[tuple[int, ListedFile]]) -> list[tuple[int, bool]]:
        return [(row, not _is_right(root / listed.path, listed.sha256)) for row, listed in chunk]

    def checked() -> Iterator[int]:
        for results in in_threads(check, chunks, site.connection.n_parallel, site.stopped):
            for row, is_missing in results:
                missing[row] = is_missing
            yield len(results)

    run_with_progress(checked(), int(wanted.sum()), "Checking files that are there")
    return missing


def _chunks(
    listed: Iterator[tuple[int, ListedFile]], wanted: NDArray[np.bool_]
) -> Iterator[list[tuple[int, ListedFile]]]:
    chosen = compress(listed, wanted)
    while chunk := list(islice(chosen, _CHECKED_TOGETHER)):
        yield chunk


def _is_right(file: Path, sha256: str) -> bool:
    try:
        return file_sha256(file) == sha256
    except (FileNotFoundError, NotADirectoryError, DataError):  # what is no regular file is not the published one
        return False


def _fetch_all(site: Site, root: Path, list_file: Path, missing: NDArray[np.bool_], outcome: Outcome) -> None:
    start = time.monotonic()
    files = compress(read_list(list_file), missing)

    def fetched() -> Iterator[int]:
        n_parallel = site.connection.n_parallel
        for result in in_threads(lambda file: fetch(site, file, root), files, n_parallel, site.stopped):
            _count(outcome, result)
            yield 1

    run_with_progress(fetched(), int(missing.sum()), "Fetching files")
    seconds = time.monotonic() - start
    rate = f"{outcome.n_fetched / seconds:.0f} files/s, {in_units(outcome.n_bytes / seconds)}/s"
    log.info("fetched %d files, %s in %.0f s (%s)", outcome.n_fetched, in_units(outcome.n_bytes), seconds, rate)


def _count(outcome: Outcome, result: Fetched) -> None:
    if result.problem is None:
        outcome.n_fetched += 1
        outcome.n_bytes += result.n_bytes
        return
    outcome.problems.append(result)
    if len(outcome.problems) == MOST_PROBLEMS:
        raise DataError(
            f"{MOST_PROBLEMS} files cannot be had, the last {printable(result.path)} ({result.problem});"
            " see whether url is right"
        )
