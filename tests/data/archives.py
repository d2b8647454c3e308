"""Zip archives of trees for tests: as PhysioNet makes them, and with one member that is not what it should be."""

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

TOP = "a-set-of-electrocardiograms-1.0/"


def pack(folder: Path, archive: Path, method: int = zipfile.ZIP_DEFLATED, top: str = TOP) -> Path:
    """Pack a folder, its folders as members too, below one top folder."""
    with zipfile.ZipFile(archive, "w", method) as packed:
        for path in [folder, *sorted(folder.rglob("*"))]:
            name = f"{top}{path.relative_to(folder).as_posix()}".removesuffix(".")
            if name:
                packed.write(path, name)
    return archive


def pack_in_place(folder: Path, method: int = zipfile.ZIP_DEFLATED, top: str = TOP) -> Path:
    """Pack a folder, and put the archive in its place: the path of both is one, as it is a setting of the store."""
    aside = folder.rename(folder.with_name("aside"))
    return pack(aside, folder, method, top)


def edit_directory(archive: Path, name: str, **fields: int) -> None:
    """Change fields of the entry of a member in the central directory, and of nothing else."""
    places = {"flags": (8, "H"), "method": (10, "H"), "crc": (16, "I"), "packed": (20, "I"), "size": (24, "I")}
    places |= {"disk": (34, "H"), "attributes": (38, "I"), "offset": (42, "I")}
    content = bytearray(archive.read_bytes())
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(name.encode()))
    for field, value in fields.items():
        place, form = places[field]
        struct.pack_into(f"<{form}", content, entry + place, value)
    archive.write_bytes(content)


def write_archive(archive: Path, members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write members of any names."""
    with zipfile.ZipFile(archive, "w", method) as packed:
        for name, content in members.items():
            entry = zipfile.ZipInfo("x")
            entry.filename, entry.compress_type = name, method  # the class would mend the name
            packed.writestr(entry, content)
    return archive
