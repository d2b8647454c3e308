"""A store is whole or not there, wherever its making stops, and what was done is not done again."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

from ecgmm.data.store.journal import Journal
from ecgmm.data.store.partial_store import PartialStore, RowFile, reserve, settle
from ecgmm.data.store.store import DROPPED, EVIDENCE, REPORTS, Store
from ecgmm.errors import DataError
from ecgmm.leads import N_LEADS

N_TIMES = 20
ROW_BYTES = N_LEADS * N_TIMES * 2
OTHERS = {
    REPORTS: pl.DataFrame({"report": [0], "statements": [["a"]], "text": ["a"]}),
    EVIDENCE: pl.DataFrame({"record": [0]}),
    DROPPED: pl.DataFrame({"record": [1], "path": ["a"], "reason": ["b"]}),
}


def block(first: int, stop: int) -> Any:
    """Rows whose every sample is the number of the row."""
    return np.repeat(np.arange(first, stop, dtype=np.int16), N_LEADS * N_TIMES).reshape(-1, N_LEADS, N_TIMES)


def write(path: Path, n: int, base: Store | None = None) -> None:
    """Make a store of ``n`` rows, or let one grow to as many."""
    first = 0 if base is None else base.records.height
    with PartialStore(path, N_TIMES, f"{n} rows", base) as store:
        reserve({store: n})
        for row in range(first, n):
            if store.journal.find(str(row)) is None:
                with RowFile(store.waveforms, ROW_BYTES) as file:
                    file.write(row, block(row, row + 1))
                store.journal.add(str(row), b"done")
        records = pl.DataFrame({"record": np.arange(n)})
        store.finish(records, OTHERS, {"n_records": n, "n_times": N_TIMES, "parameters": {"root": "/a"}})


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Killed(BaseException):
    """As SIGKILL: nothing catches it."""


@pytest.fixture
def die_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Make the process die before the k-th step that changes a file."""
    steps = {"left": -1}

    def dying(original: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            if steps["left"] == 0:
                raise Killed
            steps["left"] -= 1
            return original(*arguments, **options)

        return step

    for owner, names in (
        (os, ("pwrite", "truncate", "link")),
        (Path, ("rename", "unlink", "mkdir", "write_text", "write_bytes")),
        (shutil, ("rmtree",)),
        (pl.DataFrame, ("write_parquet",)),
        (Journal, ("add",)),
    ):
        for name in names:
            monkeypatch.setattr(owner, name, dying(getattr(owner, name)))

    def set_steps(count: int) -> None:
        steps["left"] = count

    yield set_steps
    steps["left"] = -1


def attempt(path: Path, n: int) -> bool:
    """Make, or go on making, a store as preparation does; False if the process was killed on the way."""
    try:
        settle(path)
        base = Store.open(path) if path.exists() else None
        if base is None or base.records.height < n:
            write(path, n, base)
    except Killed:
        return False
    return True


@pytest.mark.parametrize("grown_from", [0, 3])
def test_killed_before_any_step_it_goes_on_and_ends_the_same(
    tmp_path: Path, die_at: Callable[[int], None], grown_from: int
) -> None:
    def begin(folder: Path) -> Path:
        folder.mkdir()
        if grown_from:
            write(folder / "x", grown_from)
        return folder

    undisturbed = begin(tmp_path / "undisturbed")
    assert attempt(undisturbed / "x", 6)
    expected = content(undisturbed)
    heights = {grown_from, 6}
    survived = False
    for step in range(1000):
        folder = begin(tmp_path / str(step))
        die_at(step)
        survived = attempt(folder / "x", 6)
        die_at(-1)
        if (folder / "x").exists():
            assert Store.open(folder / "x").records.height in heights
        assert attempt(folder / "x", 6)
        assert content(folder) == expected
        if survived:
            break
    assert survived
    assert step > 10


def test_what_the_journal_holds_is_not_done_again(tmp_path: Path) -> None:
    with PartialStore(tmp_path / "x", N_TIMES, "5 rows") as store:
        reserve({store: 5})
        with RowFile(store.waveforms, ROW_BYTES) as file:
            file.write(0, block(7, 8))  # not what the next call would write
        store.journal.add("0", b"done")
    write(tmp_path / "x", 5)
    np.testing.assert_array_equal(Store.open(tmp_path / "x").waveforms[:, 0, 0], [7, 1, 2, 3, 4])


def test_work_for_something_else_is_thrown_away(tmp_path: Path) -> None:
    with PartialStore(tmp_path / "x", N_TIMES, "other rows") as store:
        reserve({store: 50})
        store.journal.add("0", b"done")
    write(tmp_path / "x", 5)
    np.testing.assert_array_equal(Store.open(tmp_path / "x").waveforms, block(0, 5))
    assert (tmp_path / "x" / "waveforms.npy").stat().st_size == 128 + 5 * ROW_BYTES


def test_a_damaged_journal_is_begun_anew(tmp_path: Path) -> None:
    with PartialStore(tmp_path / "x", N_TIMES, "5 rows") as store:
        store.journal.add("0", b"done")
    (tmp_path / "x.journal").write_bytes(b"no database" * 500)
    write(tmp_path / "x", 5)
    np.testing.assert_array_equal(Store.open(tmp_path / "x").waveforms, block(0, 5))


def test_a_growing_store_can_be_read_meanwhile_and_shares_its_rows(tmp_path: Path) -> None:
    write(tmp_path / "x", 3)
    before = Store.open(tmp_path / "x")
    inode = (tmp_path / "x" / "waveforms.npy").stat().st_ino
    with PartialStore(tmp_path / "x", N_TIMES, "growth", before) as store:
        reserve({store: 9})
        with RowFile(store.waveforms, ROW_BYTES) as file:
            file.write(3, block(3, 9))
        assert Store.open(tmp_path / "x").fingerprint == before.fingerprint
    write(tmp_path / "x", 5, before)  # the growth above was given up
    after = Store.open(tmp_path / "x")
    np.testing.assert_array_equal(before.waveforms, block(0, 3))
    np.testing.assert_array_equal(after.waveforms, block(0, 5))
    assert (tmp_path / "x" / "waveforms.npy").stat().st_ino == inode
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_gaps_are_filled_from_the_end_however_often(tmp_path: Path) -> None:
    with PartialStore(tmp_path / "x", N_TIMES, "gaps") as store:
        reserve({store: 8})
        with RowFile(store.waveforms, ROW_BYTES) as file:
            file.write(0, block(0, 8))
        slots = np.array([0, 2, 3, 6, 7])
        for _ in range(2):
            np.testing.assert_array_equal(store.close_gaps(slots, 0), [0, 2, 3, 1, 4])
        written = np.fromfile(store.waveforms, np.int16)[64:].reshape(8, -1)[:5, 0]
        np.testing.assert_array_equal(written, [0, 6, 2, 3, 7])


def test_room_is_checked_before_the_first_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        total: int
        used: int
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 9 * 10**8, 10**8))
    with (
        PartialStore(tmp_path / "x", 5000, "much") as store,
        pytest.raises(DataError, match=r"0\.1 GB free and the store needs 1\.3 GB"),
    ):
        reserve({store: 10_000})


def test_room_is_checked_for_all_stores_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(2 * 10**9))
    with PartialStore(tmp_path / "x", 5000, "much") as one, PartialStore(tmp_path / "y", 5000, "more") as other:
        for store in (one, other):
            reserve({store: 10_000})  # 1.2 GB, and 64 MB for the tables
        with pytest.raises(DataError, match=r"2\.0 GB free and the 2 stores need 2\.5 GB"):
            reserve({one: 10_000, other: 10_000})


def test_a_disk_that_becomes_full_keeps_what_was_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pwrite = os.pwrite

    def fill_up(file: int, data: Any, offset: int) -> int:
        if offset > 1500:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return pwrite(file, memoryview(data)[:500], offset)  # short writes are continued

    monkeypatch.setattr(os, "pwrite", fill_up)
    with pytest.raises(DataError, match="became full; free some space and start again, which goes on"):
        write(tmp_path / "x", 5)
    with PartialStore(tmp_path / "x", N_TIMES, "5 rows") as store:
        assert [store.journal.find(str(row)) for row in range(5)] == [b"done", b"done", b"done", None, None]
    monkeypatch.setattr(os, "pwrite", pwrite)
    write(tmp_path / "x", 5)
    np.testing.assert_array_equal(Store.open(tmp_path / "x").waveforms, block(0, 5))
