"""Mutations of one record's samples, each by the name that the table of ``benchmarks.fuzz`` shows."""

from pathlib import Path

import numpy as np
from numpy.random import Generator

from benchmarks.fuzzing.file_mutations import (
    Mutation,
    absent,
    bytes_of,
    flip_bit,
    insert_bytes,
    not_a_file,
    other_bytes,
    pick,
    remove_bytes,
    truncate,
)


def _blank_out(content: bytearray, random: Generator) -> None:
    start, length = int(random.integers(len(content))), int(random.integers(1, 4000))
    content[start : start + length] = bytes([pick((0, 255, 128), random)]) * len(content[start : start + length])


def _repeat_part(content: bytearray, random: Generator) -> None:
    start = int(random.integers(len(content)))
    content[start:start] = content[start : start + 24 * int(random.integers(1, 20))]


def _swap_bytes(content: bytearray, random: Generator) -> None:
    content[:] = np.frombuffer(bytes(content), "<i2").byteswap().tobytes()


def _shift(content: bytearray, random: Generator) -> None:
    places = int(random.integers(1, 24))
    content[:] = content[places:] + content[:places]


def _huge(base: Path, random: Generator) -> None:
    """A header that announces gigabytes, and a sparse file that has them."""
    header, n_samples = base.with_suffix(".hea"), int(pick((1 << 18, (1 << 20) + 1, 10**8, 4 * 10**9), random))
    header.write_text(header.read_text().replace(" 500 500 ", f" 500 {n_samples} ", 1))
    with base.with_suffix(".dat").open("r+b") as file:
        file.truncate(n_samples * 24)


def _resized(base: Path, random: Generator) -> None:
    """A valid record of another length."""
    header, dat, n_samples = base.with_suffix(".hea"), base.with_suffix(".dat"), int(random.integers(1, 1500))
    samples = np.resize(np.fromfile(dat, "<i2").reshape(-1, 12), (n_samples, 12))
    lines = header.read_text().replace(" 500 500 ", f" 500 {n_samples} ", 1).split("\n")
    for line, total in zip(range(1, 13), samples.sum(axis=0, dtype=np.int16), strict=True):
        fields = lines[line].split(" ")
        lines[line] = " ".join([*fields[:6], str(total), *fields[7:]])
    header.write_text("\n".join(lines))
    dat.write_bytes(samples.tobytes())


SAMPLES: dict[str, Mutation] = {
    "flip_bit": bytes_of(".dat", flip_bit),
    "other_bytes": bytes_of(".dat", other_bytes),
    "insert_bytes": bytes_of(".dat", insert_bytes),
    "remove_bytes": bytes_of(".dat", remove_bytes),
    "truncate": bytes_of(".dat", truncate),
    "blank_out": bytes_of(".dat", _blank_out),
    "repeat_part": bytes_of(".dat", _repeat_part),
    "swap_bytes": bytes_of(".dat", _swap_bytes),
    "shift": bytes_of(".dat", _shift),
    "huge": _huge,
    "resized": _resized,
    "absent": absent(".dat"),
    "not_a_file": not_a_file(".dat"),
}
