"""The fingerprint is that of the content, wherever the store lies and however its files are packed."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from ecgmm.data.store.store import RECORDS, Store
from ecgmm.errors import DataError
from ecgmm.files import file_sha256
from tests.data.trees import edit_manifest


def test_fingerprint_follows_the_content_and_not_the_place(tmp_path: Path, tiny_store: Path) -> None:
    moved = shutil.copytree(tiny_store, tmp_path / "moved")
    original = Store.open(tiny_store).fingerprint
    manifest = json.loads((moved / "manifest.json").read_text())
    edit_manifest(moved, parameters=manifest["parameters"] | {"root": "/somewhere/else"})
    assert Store.open(moved).fingerprint == original
    edit_manifest(moved, parameters=manifest["parameters"] | {"limit_mv": 9.0})
    assert Store.open(moved).fingerprint != original


def test_fingerprint_does_not_hang_on_how_a_table_is_packed(tmp_path: Path, tiny_store: Path) -> None:
    other = shutil.copytree(tiny_store, tmp_path / "other")
    original = Store.open(tiny_store)
    original.records.write_parquet(other / RECORDS, compression="lz4")
    with pytest.raises(DataError, match=r"damaged store: records\.parquet was changed"):
        Store.open(other)
    edit_manifest(other, files=original.manifest["files"] | {RECORDS: file_sha256(other / RECORDS)})
    assert Store.open(other).fingerprint == original.fingerprint
    assert pl.read_parquet(other / RECORDS).equals(original.records)


def test_the_manifest_holds_no_path_of_this_machine(tiny_store: Path) -> None:
    assert str(tiny_store.parent.parent) not in (tiny_store / "manifest.json").read_text()
    assert Store.open(tiny_store).manifest["parameters"]["root"].startswith("path:")
