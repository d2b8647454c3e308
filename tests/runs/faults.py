"""What can become of a file of a run, one fault after the other."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

FILES = (
    "run.json",
    "config.yaml",
    "metrics.json",
    "predictions.parquet",
    "history.csv",
    "model/model.json",
    "model/model.safetensors",
    "model/statements.json",
    "model/tokeniser/tokenizer.json",
)


def half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 4)


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def link(path: Path) -> None:
    """To the right content, elsewhere: what a link leads to is not looked at."""
    elsewhere = Path(tempfile.mkdtemp()) / f"elsewhere-{path.name}"
    shutil.copy(path, elsewhere)
    path.unlink()
    path.symlink_to(elsewhere)


def unreadable(path: Path) -> None:
    """Root reads everything, so the tests also have ``os.open`` refuse this name."""
    path.chmod(0)


FAULTS: dict[str, Callable[[Path], None]] = {
    "missing": Path.unlink,
    **{made.__name__: made for made in (empty, half, garbage, flipped, folder, fifo, link, unreadable)},
}
