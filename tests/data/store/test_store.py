"""What was written is read back; what is incomplete or damaged never opens."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ecgmm.data.store.store import SCHEMA_VERSION, Store
from ecgmm.errors import DataError
from tests.data.trees import edit_manifest, write_store

BLOCK = np.arange(3 * 12 * 20, dtype=np.int16).reshape(3, 12, 20)
RECORDS = pl.DataFrame({"record": [5, 6, 7]})
REPORTS = pl.DataFrame({"report": [0], "statements": [["a"]], "text": ["a"]})


def write(path: Path) -> Store:
    return write_store(path, BLOCK, RECORDS, REPORTS, {"parameters": {"root": "/data"}})


def test_what_was_written_is_read_back_and_cannot_be_changed(tmp_path: Path) -> None:
    store = write(tmp_path / "store")
    np.testing.assert_array_equal(store.waveforms, BLOCK)
    assert store.records.equals(RECORDS)
    assert store.reports.equals(REPORTS)
    expected = {"schema_version": SCHEMA_VERSION, "n_records": 3, "n_times": 20, "parameters": {"root": "/data"}}
    assert {name: store.manifest[name] for name in expected} == expected
    assert set(store.manifest) - set(expected) == {"content", "evidence", "files", "sha256"}
    with pytest.raises(ValueError, match="read-only"):
        store.waveforms[0] = 0
    assert store.fingerprint == Store.open(tmp_path / "store").fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_the_fingerprint_is_that_of_the_manifest(tmp_path: Path) -> None:
    before = write(tmp_path / "store").fingerprint
    edit_manifest(tmp_path / "store", rate_hz=100)
    assert Store.open(tmp_path / "store").fingerprint != before


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: (path / "manifest.json").unlink(), "not a complete store"),
        (lambda path: (path / "manifest.json").write_text("{"), "damaged store: .*; move it away"),
        (lambda path: (path / "manifest.json").write_text('{"schema_version": 0}'), "another version"),
        (lambda path: (path / "records.parquet").write_bytes(b"x"), "damaged store"),
        (lambda path: (path / "reports.parquet").unlink(), "damaged store"),
        (lambda path: os.truncate(path / "waveforms.npy", 700), "damaged store"),
        (lambda path: RECORDS[:2].write_parquet(path / "records.parquet"), "damaged store"),
    ],
)
def test_an_incomplete_or_damaged_store_never_opens(tmp_path: Path, damage: Any, message: str) -> None:
    write(tmp_path / "store")
    damage(tmp_path / "store")
    with pytest.raises(DataError, match=message):
        Store.open(tmp_path / "store")
