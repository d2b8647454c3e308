"""Check of the room on the disk for what is still to come. The list tells no sizes; some files are asked for theirs."""

import logging
import math
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ecgmm.data.download.answers import told_bytes
from ecgmm.data.download.problems import UnavailableError
from ecgmm.data.download.site import Site
from ecgmm.errors import DataError, printable
from ecgmm.files import in_units

log = logging.getLogger(__name__)

_SAMPLES = 5


@dataclass
class _Group:
    """Files that are likely of one size: those of one suffix below one folder of the root."""

    n_files: int = 0
    samples: list[str] = field(default_factory=list)


def check_room(site: Site, root: Path, missing: Iterable[str]) -> None:
    """Refuse to begin a download that the disk cannot hold.

    Args:
        site: Asked for the sizes of up to five files of each kind, and of each file that lies in the root itself.
        root: Folder of the tree, which is there.
        missing: Paths of the files that will be fetched.

    Raises:
        DataError: If there is less room than the files need.
    """
    groups = _groups(missing)
    block = os.statvfs(root).f_frsize
    needed, about = 0, "about"
    for name, group in groups.items():
        sizes = [size for path in group.samples if (size := _size(site, path)) is not None]
        if sizes:
            # Each file ends in a block of its own, and one more block a file pays for the folders.
            blocks = sum(math.ceil(size / block) + 1 for size in sizes) / len(sizes)
            needed += round(group.n_files * blocks * block)
        else:
            about = "more than"
            log.warning(
                "the server does not tell the size of %s; the room for it is not checked beforehand", printable(name)
            )
    free = shutil.disk_usage(root).free
    n_files = sum(group.n_files for group in groups.values())
    log.info("%d files to fetch, %s %s; %s free", n_files, about, in_units(needed), in_units(free))
    if needed > free:
        raise DataError(
            f"{n_files} files need {about} {in_units(needed)}, and the disk of {printable(root)} has {in_units(free)}"
            " free; free some, set data.root to a folder on another disk, or take a subset=... of the patients"
        )


def check_free(folder: Path, n_bytes: int) -> None:
    """Refuse an answer that the disk cannot hold, where the server did not tell its size before.

    Raises:
        DataError: If the disk has less room.
    """
    free = shutil.disk_usage(folder).free
    if n_bytes > free:
        raise DataError(
            f"a file has {in_units(n_bytes)}, and the disk of {printable(folder)} has {in_units(free)} free; free some,"
            " or set data.root to a folder on another disk"
        )


def _groups(paths: Iterable[str]) -> dict[str, _Group]:
    groups: dict[str, _Group] = defaultdict(_Group)
    for path in paths:
        folder, slash, rest = path.partition("/")
        group = groups[f"{folder}/*{PurePosixPath(rest).suffix}" if slash else path]
        group.n_files += 1
        if len(group.samples) < _SAMPLES:
            group.samples.append(path)
    return groups


def _size(site: Site, path: str) -> int | None:
    try:
        return told_bytes(site.persist(lambda: site.headers_of(path)))
    except UnavailableError:
        return None  # fetching will tell
