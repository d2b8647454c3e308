"""Stores of several rates from one reading: each the one that a reading of its own makes, whatever interrupts it."""

import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ecgmm.data.preparation import preparation
from ecgmm.data.preparation.opening import store_path
from ecgmm.data.preparation.preparation import prepare_stores
from ecgmm.data.sources.source import DataConfig
from ecgmm.data.store.journal import Journal
from ecgmm.data.store.store import Store
from tests.data.archives import pack_in_place
from tests.data.preparation.test_growth import content_of, drop_some, interrupt_after, list_first
from tests.data.preparation.test_preparation import SHUFFLED
from tests.data.trees import SHORT, MimicTree, data_config, naming_steps, write_ptb_xl, write_record

RATES_HZ = (500, 100)
SLIDING = "data.window={length_s:0.4,mode:sliding,stride_s:0.25,pad:zero}"
Contents = dict[str, dict[str, bytes]]


@pytest.fixture(autouse=True)
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecgmm.data.preparation.waveform_plan.UNIT", 4)
    monkeypatch.setattr("ecgmm.data.preparation.units.BLOCK", 3)


def damaged_tree(root: Path) -> MimicTree:
    """A tree of two layouts, with records that headers, sizes or samples show to be unusable; 28 have both files."""
    tree = MimicTree(root)
    write_record(tree.root / tree.rows[17]["path"], naming_steps(700), SHUFFLED)
    drop_some(tree)
    tree.file(3, ".hea").unlink()
    tree.file(5, ".dat").write_bytes(bytes(100))
    tree.edit_header(12, "200.0(0)", "1.0(0)")  # beyond the range of the store
    return tree


def at_rates(config: DataConfig, stores: Path) -> list[DataConfig]:
    return [replace(config, stores=str(stores), rate_hz=rate_hz) for rate_hz in RATES_HZ]


def contents(stores: Path) -> Contents:
    """All files of all stores of a folder, in which nothing else lies."""
    return {folder.name: content_of(folder) for folder in stores.iterdir()}


def made_one_by_one(config: DataConfig, stores: Path) -> Contents:
    """The stores that a call for each makes."""
    for one in at_rates(config, stores):
        prepare_stores([one])
    return contents(stores)


class Damaged(NamedTuple):
    """A tree of records some of which are damaged, and the stores that a call for each rate makes of it."""

    config: DataConfig
    expected: Contents


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Damaged:
    folder = tmp_path_factory.mktemp("damaged")
    config = data_config("mimic_iv_ecg", damaged_tree(folder / "tree").root, folder / "stores", SHORT)
    return Damaged(config, made_one_by_one(config, folder / "stores"))


def test_each_store_is_that_of_its_own_reading(tmp_path: Path, damaged: Damaged) -> None:
    wanted = at_rates(damaged.config, tmp_path / "stores")
    paths = prepare_stores(wanted)
    assert paths == [store_path(config) for config in wanted]
    assert contents(tmp_path / "stores") == damaged.expected
    manifests = [Store.open(path).manifest for path in paths]
    assert [manifest["rate_hz"] for manifest in manifests] == [500, 100]
    assert sum(manifests[0]["dropped"].values()) == 6


def test_so_it_is_from_an_archive_in_windows_and_by_several_readers(tmp_path: Path) -> None:
    root = pack_in_place(damaged_tree(tmp_path / "set.zip").root)
    config = data_config("mimic_iv_ecg", root, tmp_path, SLIDING, "data.readers=3")
    expected = made_one_by_one(config, tmp_path / "one by one")
    prepare_stores(at_rates(config, tmp_path / "stores"))
    assert contents(tmp_path / "stores") == expected


@pytest.mark.slow  # processes take a second or two to start
def test_processes_make_the_same_stores(tmp_path: Path, damaged: Damaged) -> None:
    prepare_stores([replace(config, n_processes=2) for config in at_rates(damaged.config, tmp_path / "stores")])
    assert contents(tmp_path / "stores") == damaged.expected


def test_every_file_is_opened_as_often_as_for_one_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: Damaged
) -> None:
    opened: list[str] = []
    plain = os.open

    def noted(path: Any, *arguments: Any, **others: Any) -> int:
        if "/files/" in str(path):
            opened.append(str(path))
        return plain(path, *arguments, **others)

    monkeypatch.setattr(os, "open", noted)
    wanted = at_rates(damaged.config, tmp_path / "stores")
    prepare_stores([replace(wanted[0], stores=str(tmp_path / "one"))])
    for_one = opened.copy()
    opened.clear()
    prepare_stores(wanted)
    assert opened == for_one
    assert sum(path.endswith(".dat") for path in opened) == 28


def together(wanted: list[DataConfig]) -> None:
    prepare_stores(wanted)


def one_by_one(wanted: list[DataConfig]) -> None:
    for config in reversed(wanted):
        prepare_stores([config])


@pytest.mark.parametrize(("n_units", "go_on", "n_left"), [(0, together, 7), (5, together, 2), (6, one_by_one, 2)])
def test_interrupted_between_units_both_go_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damaged: Damaged,
    n_units: int,
    go_on: Callable[[list[DataConfig]], None],
    n_left: int,
) -> None:
    wanted = at_rates(damaged.config, tmp_path / "stores")
    interrupt_after(monkeypatch, n_units)
    with pytest.raises(KeyboardInterrupt):
        prepare_stores(wanted)
    after = interrupt_after(monkeypatch, 1000)
    go_on(wanted)
    assert contents(tmp_path / "stores") == damaged.expected
    assert len(after) == n_left  # 28 records in units of 4


@pytest.mark.parametrize("n_told", [1, 3, 10])
def test_interrupted_before_a_journal_is_told_both_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: Damaged, n_told: int
) -> None:
    """The journals are told one after the other, so that a unit may be done for one store and not for the other."""
    wanted = at_rates(damaged.config, tmp_path / "stores")
    told: list[str] = []
    add = Journal.add

    def interrupted(self: Journal, key: str, result: bytes) -> None:
        if len(told) == n_told:
            raise KeyboardInterrupt
        told.append(key)
        add(self, key, result)

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "add", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prepare_stores(wanted)
    prepare_stores(wanted)
    assert contents(tmp_path / "stores") == damaged.expected


def test_interrupted_between_the_stores_the_second_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: Damaged
) -> None:
    wanted = at_rates(damaged.config, tmp_path / "stores")

    def interrupted(manifest: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("ecgmm.data.preparation.one_reading.print_summary", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prepare_stores(wanted)
    assert [store_path(config).exists() for config in wanted] == [True, False]
    done = interrupt_after(monkeypatch, 1000)
    prepare_stores(wanted)
    assert contents(tmp_path / "stores") == damaged.expected
    assert len(done) == 1  # the four that only their samples showed to be unusable, which the first store lacks


def test_a_store_that_is_there_is_not_touched_and_the_other_is_made(tmp_path: Path, damaged: Damaged) -> None:
    wanted = at_rates(damaged.config, tmp_path / "stores")
    [there] = prepare_stores(wanted[1:])
    before = {path.name: (path.stat().st_ino, path.read_bytes()) for path in there.iterdir()}
    prepare_stores(wanted)
    assert {path.name: (path.stat().st_ino, path.read_bytes()) for path in there.iterdir()} == before
    assert contents(tmp_path / "stores") == damaged.expected


def test_stores_grow_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = MimicTree(tmp_path / "tree")
    list_first(tree, 21)
    config = data_config("mimic_iv_ecg", tree.root, tmp_path, SHORT)
    together, alone = (at_rates(config, tmp_path / name) for name in ("together", "alone"))
    prepare_stores(together)
    prepare_stores(alone)
    tree.write_tables()
    expected = made_one_by_one(config, tmp_path / "alone")
    done = interrupt_after(monkeypatch, 1000)
    prepare_stores(together)
    assert len(done) == 3  # 9 records in units of 4, once for both
    assert contents(tmp_path / "together") == expected


def test_recordings_published_at_several_rates_are_read_at_each(tmp_path: Path) -> None:
    for rate_hz in RATES_HZ:
        write_ptb_xl(tmp_path / "tree", rate_hz=rate_hz)
    config = data_config("ptb_xl", tmp_path / "tree", tmp_path)
    expected = made_one_by_one(config, tmp_path / "one by one")
    prepare_stores(at_rates(config, tmp_path / "stores"))
    assert contents(tmp_path / "stores") == expected
    assert {json.loads(files["manifest.json"])["rate_hz"] for files in expected.values()} == {100, 500}


def test_calls_lock_the_stores_in_one_order_and_so_never_wait_for_one_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: Damaged
) -> None:
    locked: list[Path] = []

    def noted(path: Path, doing: str) -> AbstractContextManager[None]:
        locked.append(path)
        if len(locked) % 2 == 0:
            raise KeyboardInterrupt
        return nullcontext()

    monkeypatch.setattr(preparation, "one_process", noted)
    wanted = at_rates(damaged.config, tmp_path / "stores")
    for order in (wanted, wanted[::-1]):
        with pytest.raises(KeyboardInterrupt):
            prepare_stores(order)
    assert locked[:2] == locked[2:]
