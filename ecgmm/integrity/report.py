"""Write the integrity report of a finished store into its folder."""

import json
from pathlib import Path

from ecgmm.data.store.digests import is_sealed, seal
from ecgmm.data.store.store import Store
from ecgmm.errors import DataError
from ecgmm.files import file_sha256, read_json, write_whole
from ecgmm.integrity.contents import SCHEMA_VERSION, measure
from ecgmm.integrity.page import render
from ecgmm.locks import one_process

JSON_NAME, PAGE_NAME = "integrity.json", "integrity.html"


def write_integrity(path: Path) -> None:
    """Write ``integrity.html`` and ``integrity.json``; the same store gives the same bytes.

    Both name records, so that their owner alone may read them. The numbers are written last, with the digest of the
    page: where they are those of the store, the page is there as well.

    Args:
        path: Folder of the store.

    Raises:
        DataError: If the folder holds no complete store, or the files cannot be written.
    """
    with one_process(path, "writes the integrity report"):
        store = Store.open(path)
        measured = measure(store)
        _replace(path / PAGE_NAME, render(store, measured))
        sealed = seal({**measured, "page_sha256": file_sha256(path / PAGE_NAME)})
        _replace(path / JSON_NAME, json.dumps(sealed, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def is_current(path: Path) -> bool:
    """Whether a store's folder holds the whole report of just this store, written by this version."""
    try:
        saved = read_json(path / JSON_NAME, "")
        page_sha256 = file_sha256(path / PAGE_NAME)
    except (DataError, OSError):
        return False
    wanted = {"schema_version": SCHEMA_VERSION, "fingerprint": Store.open(path).fingerprint, "page_sha256": page_sha256}
    return is_sealed(saved) and wanted.items() <= saved.items()


def _replace(file: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part."""
    try:
        write_whole(file, text.encode(), private=True)
    except IsADirectoryError:
        raise DataError(
            f"{file} is a folder, where the integrity report would be; move it away and start again"
        ) from None
