"""Zip archives written fast for benchmarks: each content is packed once, and directories of files that are none."""

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

TOP = "mimic-iv-ecg-diagnostic-electrocardiogram-matched-subset-1.0/"
_MODE = 0o100644 << 16
_LATEST = 45  # the version of the format that has zip64


def pack_tree(root: Path, archive: Path, *, deflated: bool) -> None:
    """Pack a folder; equal contents are deflated once."""
    packed: dict[bytes, bytes] = {}
    entries = []
    with archive.open("wb") as file:
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            content = path.read_bytes()
            name, checksum, offset = f"{TOP}{path.relative_to(root)}".encode(), zlib.crc32(content), file.tell()
            body = content
            if deflated:
                if content not in packed and len(packed) < 1000:
                    packed[content] = deflate(content)
                body = packed.get(content) or deflate(content)
            method = 8 * deflated
            head = (20, 0, method, 0, 0x21, checksum, len(body), len(content), len(name), 0)
            file.write(struct.pack("<4s5H3I2H", b"PK\x03\x04", *head) + name + body)
            entries.append(entry(name, method, checksum, len(body), len(content), offset))
        write_end(file, entries)


def deflate(content: bytes) -> bytes:
    """Content as zip archives have it."""
    stream = zlib.compressobj(6, zlib.DEFLATED, -15)
    return stream.compress(content) + stream.flush()


def write_directory(archive: Path, n_records: int) -> None:
    """Write an archive of the names of so many records of MIMIC-IV-ECG, with a hole where their contents would be."""
    n_hea, n_dat = 900, 45_000

    def entries() -> Iterable[bytes]:
        offset = 0
        for number in range(n_records):
            patient, study = 10_000_000 + number // 5, 40_000_000 + number
            for ending, packed, size in ((".dat", n_dat, 120_000), (".hea", n_hea, 1_800)):
                name = f"{TOP}files/p{patient // 10_000}/p{patient}/s{study}/{study}{ending}".encode()
                yield entry(name, 8, number, packed, size, offset)
                offset += 30 + len(name) + packed

    with archive.open("wb") as file:
        file.seek(n_records * (n_hea + n_dat + 400))
        write_end(file, entries())


def entry(name: bytes, method: int, checksum: int, packed: int, size: int, offset: int) -> bytes:
    """Entry of a central directory, its offset in 64 bits."""
    head = (3 << 8 | _LATEST, _LATEST, 0, method, 0, 0x21, checksum, packed, size, len(name), 12, 0, 0, 0)
    return (
        struct.pack("<4s6H3I5H2I", b"PK\x01\x02", *head, _MODE, 0xFFFFFFFF) + name + struct.pack("<2HQ", 1, 8, offset)
    )


def write_end(file: BinaryIO, entries: Iterable[bytes]) -> None:
    """Write the central directory and what ends an archive of zip64."""
    start, n = file.tell(), 0
    for one in entries:
        file.write(one)
        n += 1
    end = file.tell()
    file.write(struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, _LATEST, _LATEST, 0, 0, n, n, end - start, start))
    file.write(struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1))
    file.write(struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))
