"""Write the integrity report of a finished store into its folder."""

import json
from pathlib import Path

from ecgmm.data.lock import one_process
from ecgmm.data.store import Store
from ecgmm.errors import DataError
from ecgmm.files import read_json
from ecgmm.integrity.contents import SCHEMA_VERSION, measure
from ecgmm.integrity.page import render

JSON_NAME, PAGE_NAME = "integrity.json", "integrity.html"


def write_integrity(path: Path) -> None:
    """Write ``integrity.html`` and ``integrity.json``; the same store gives the same bytes.

    The numbers are written last: where they are those of the store, the page is there as well.

    Args:
        path: Folder of the store.

    Raises:
        DataError: If the folder holds no complete store.
    """
    with one_process(path, "writes the integrity report"):
        store = Store.open(path)
        measured = measure(store)
        _replace(path / PAGE_NAME, render(store, measured))
        _replace(path / JSON_NAME, json.dumps(measured, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def is_current(path: Path) -> bool:
    """Whether a store's folder holds the report of just this store, written by this version."""
    file = path / JSON_NAME
    if not file.exists() or not (path / PAGE_NAME).exists():
        return False
    try:
        found = read_json(file, "")
    except DataError:
        return False  # whatever lies there is replaced
    return (found.get("schema_version"), found.get("fingerprint")) == (SCHEMA_VERSION, Store.open(path).fingerprint)


def _replace(file: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part."""
    partial = file.with_name(f"{file.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)
