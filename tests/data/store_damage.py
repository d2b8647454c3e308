"""Ways in which a file of a store may be no longer what it was."""

import errno
import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from ecgmm.data.store.store import DROPPED, EVIDENCE, MANIFEST, RECORDS, REPORTS, WAVEFORMS

FILES = (MANIFEST, RECORDS, REPORTS, EVIDENCE, DROPPED, WAVEFORMS)


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def _link(file: Path) -> None:
    elsewhere = file.parent.with_name("elsewhere")
    elsewhere.mkdir(exist_ok=True)
    file.rename(elsewhere / file.name)
    file.symlink_to(elsewhere / file.name)


def _to_itself(file: Path) -> None:
    file.unlink()
    file.symlink_to(file)


def _dangling(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.parent / "nowhere")


REPLACED: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda file: file.write_bytes(b""),
    "half": lambda file: os.truncate(file, file.stat().st_size // 2),
    "a byte short": lambda file: os.truncate(file, file.stat().st_size - 2),
    "garbage": lambda file: file.write_bytes(random.Random(0).randbytes(file.stat().st_size)),
    "text": lambda file: file.write_text("garbage\n" * 100),
    "a link to nothing": _dangling,
    "a folder": _folder,
    "a FIFO": _fifo,
    "a link to itself": _to_itself,
}
"""What stands in a file's place; none of these opens."""
PROVEN = ("missing", "empty", "half", "a byte short", "garbage", "text", "a link to nothing")
"""Of these the content proves that the store is damaged; the others may hide a sound file."""

MOVED: dict[str, Callable[[Path], object]] = {
    "a link to the file": _link,
    "a hard link": lambda file: os.link(file, file.with_name("also")),
    "a copy": lambda file: shutil.copy(shutil.move(file, file.with_name("old")), file),
}
"""The same content, reached otherwise."""

SYSTEM_SAYS_NO = [
    getattr(errno, name)
    for name in ("EACCES", "EPERM", "EIO", "ENOMEM", "EMFILE", "ENFILE", "ESTALE", "ELOOP", "ENODEV", "EINTR", "EBUSY")
]


@contextmanager
def refused(file: Path, number: int) -> Iterator[None]:
    """Let the system refuse to open a file."""
    original = os.open

    def refuse(path: str | os.PathLike[str], *arguments: int, **options: int | None) -> int:
        if Path(path) == file:
            raise OSError(number, os.strerror(number), str(file))
        return original(path, *arguments, **options)  # type: ignore[arg-type]  # as they came

    with mock.patch("os.open", refuse):
        yield
