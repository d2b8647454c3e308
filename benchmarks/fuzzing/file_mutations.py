"""Mutations that any file may suffer: of its bytes, or of the file as such."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from numpy.random import Generator

Mutation = Callable[[Path, Generator], None]
"""Changes ``<base>.hea`` or ``<base>.dat`` in place."""
_USUAL = b"0123456789 .-+/()#\n\tamVdIXe,:"


def pick(values: Sequence[Any], random: Generator) -> Any:
    """One of several values."""
    return values[int(random.integers(len(values)))]


def bytes_of(ending: str, change: Callable[[bytearray, Generator], None]) -> Mutation:
    """Change the bytes of one of a record's files."""

    def mutate(base: Path, random: Generator) -> None:
        path = base.with_suffix(ending)
        content = bytearray(path.read_bytes())
        change(content, random)
        path.write_bytes(content)

    return mutate


def flip_bit(content: bytearray, random: Generator) -> None:
    """One bit."""
    content[random.integers(len(content))] ^= 1 << int(random.integers(8))


def _some_bytes(number: int, random: Generator) -> bytes:
    """Any bytes, or those that headers are made of: such damage is harder to see."""
    return random.bytes(number) if random.random() < 0.3 else bytes(random.choice(list(_USUAL), number))


def other_bytes(content: bytearray, random: Generator) -> None:
    """Up to five bytes."""
    for place in random.integers(len(content), size=random.integers(1, 6)):
        content[place] = _some_bytes(1, random)[0]


def insert_bytes(content: bytearray, random: Generator) -> None:
    """Up to 24 bytes more."""
    place = int(random.integers(len(content) + 1))
    content[place:place] = _some_bytes(int(random.integers(1, 25)), random)


def remove_bytes(content: bytearray, random: Generator) -> None:
    """Up to 24 bytes less."""
    place = int(random.integers(len(content)))
    del content[place : place + int(random.integers(1, 25))]


def truncate(content: bytearray, random: Generator) -> None:
    """The end is missing."""
    del content[int(random.integers(len(content))) :]


def not_a_file(ending: str) -> Mutation:
    """A folder, a link to itself or to a device, or an empty file instead."""

    def mutate(base: Path, random: Generator) -> None:
        path = base.with_suffix(ending)
        path.unlink()
        make = pick(
            (path.mkdir, lambda: path.symlink_to(path), lambda: path.symlink_to("/dev/null"), path.touch), random
        )
        make()

    return mutate


def absent(ending: str) -> Mutation:
    """No file."""
    return lambda base, random: base.with_suffix(ending).unlink()
