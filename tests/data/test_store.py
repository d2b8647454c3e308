"""A store is complete or not there; a full disk and damage end in one sentence."""

import errno
import json
import multiprocessing
import os
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

from ecgmm.data.store import Store, StoreWriter, one_process
from ecgmm.errors import DataError

BLOCK = np.arange(3 * 12 * 20, dtype=np.int16).reshape(3, 12, 20)
RECORDS = pl.DataFrame({"record": [5, 6, 7]})
REPORTS = pl.DataFrame({"report": [0], "statements": [["a"]], "text": ["a"]})


def write(path: Path) -> None:
    with StoreWriter(path, n_times=20, most_rows=9) as writer:
        writer.append(BLOCK[:1])
        writer.append(BLOCK[1:])
        writer.finish(RECORDS, REPORTS, {"n_times": 20, "parameters": {"root": "/data"}})


def test_what_was_written_is_read_back_and_cannot_be_changed(tmp_path: Path) -> None:
    write(tmp_path / "store")
    store = Store.open(tmp_path / "store")
    np.testing.assert_array_equal(store.waveforms, BLOCK)
    assert store.records.equals(RECORDS)
    assert store.reports.equals(REPORTS)
    assert store.manifest == {"schema_version": 1, "n_times": 20, "parameters": {"root": "/data"}}
    with pytest.raises(ValueError, match="read-only"):
        store.waveforms[0] = 0
    assert store.fingerprint == Store.open(tmp_path / "store").fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_the_fingerprint_is_that_of_the_manifest(tmp_path: Path) -> None:
    write(tmp_path / "store")
    before = Store.open(tmp_path / "store").fingerprint
    path = tmp_path / "store" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"rate_hz": 100}))
    assert Store.open(tmp_path / "store").fingerprint != before


def write_and_fail(path: Path, error: BaseException) -> None:
    with StoreWriter(path, 20, 9) as writer:
        writer.append(BLOCK)
        raise error


def test_an_exception_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_and_fail(tmp_path / "store", KeyboardInterrupt())
    assert not list(tmp_path.iterdir())


def test_a_disk_that_becomes_full_leaves_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pwrite = os.pwrite

    def fill_up(file: int, data: Any, offset: int) -> int:
        if offset > 500:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return pwrite(file, memoryview(data)[:500], offset)

    monkeypatch.setattr(os, "pwrite", fill_up)
    with pytest.raises(DataError, match=r"became full and nothing was kept; free some space"):
        write(tmp_path / "store")
    assert not list(tmp_path.iterdir())


def test_room_is_checked_before_the_first_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        total: int
        used: int
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 9 * 10**8, 10**8))
    with pytest.raises(DataError, match=r"0\.1 GB free and the store needs 1\.3 GB"):
        StoreWriter(tmp_path / "store", n_times=5000, most_rows=10_000)
    assert not list(tmp_path.iterdir())


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, offset: pwrite(file, memoryview(data)[:500], offset))
    write(tmp_path / "store")
    np.testing.assert_array_equal(Store.open(tmp_path / "store").waveforms, BLOCK)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: (path / "manifest.json").unlink(), "not a complete store"),
        (lambda path: (path / "manifest.json").write_text("{"), "damaged store; remove"),
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


def hold(folder: Path, seconds: float, started: Any) -> None:
    with one_process(folder, "prepares"):
        started.set()
        time.sleep(seconds)


def test_a_second_writer_waits_for_the_first(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    started = context.Event()
    first = context.Process(target=hold, args=(tmp_path, 0.4, started))
    first.start()
    started.wait(10)
    before = time.monotonic()
    with one_process(tmp_path, "prepares"):
        waited = time.monotonic() - before
    first.join()
    assert waited > 0.2
