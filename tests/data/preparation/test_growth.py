"""A store goes on after a kill and grows with its source; what it holds does not depend on the way."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ecgmm.data.preparation import unit_pass, units
from ecgmm.data.preparation.opening import store_path
from ecgmm.data.preparation.preparation import prepare_store
from ecgmm.data.store.store import Store
from ecgmm.data.store.waveform_file import HEADER_BYTES
from ecgmm.errors import ConfigError, DataError
from tests.data.trees import SHORT, MimicTree, data_config, naming_steps, prepare


@pytest.fixture(autouse=True)
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecgmm.data.preparation.waveform_plan.UNIT", 4)
    monkeypatch.setattr(units, "BLOCK", 3)


def content(store: Store) -> dict[str, bytes]:
    return content_of(store.path)


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def check_samples(store: Store) -> None:
    for row, record in enumerate(store.records["record"]):
        np.testing.assert_array_equal(store.waveforms[row], np.roll(naming_steps(500), record - 40_000_000, axis=1))


def list_first(tree: MimicTree, n: int) -> None:
    """Let the tables list the first ``n`` records only; the tree's own lists stay whole."""
    rows, reports = tree.rows, tree.reports
    tree.rows, tree.reports = rows[:n], reports[:n]
    tree.write_tables()
    tree.rows, tree.reports = rows, reports


def interrupt_after(monkeypatch: pytest.MonkeyPatch, n_units: int) -> list[int]:
    """Raise in the unit after ``n_units``; the list that is returned gets the first record of each unit done."""
    done: list[int] = []
    do_unit = unit_pass.do_unit

    def counted(unit: units.Unit) -> list[unit_pass.Result]:
        if len(done) == n_units:
            raise KeyboardInterrupt
        done.append(int(unit.records[0]))
        return do_unit(unit)

    monkeypatch.setattr("ecgmm.data.preparation.waveform_pass.do_unit", counted)
    return done


@pytest.mark.parametrize("n_units", [0, 1, 5, 7])
def test_an_interrupted_preparation_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_units: int
) -> None:
    tree = MimicTree(tmp_path / "tree")
    undisturbed = content(prepare("mimic_iv_ecg", tree.root, SHORT, f"data.store={tmp_path / 'undisturbed'}"))
    config = data_config("mimic_iv_ecg", tree.root, tmp_path / "stores", SHORT)
    before = interrupt_after(monkeypatch, n_units)
    with pytest.raises(KeyboardInterrupt):
        prepare_store(config)
    assert not store_path(config).exists()
    after = interrupt_after(monkeypatch, 1000)
    assert content(Store.open(prepare_store(config))) == undisturbed
    assert len(before) == n_units
    assert len(before) + len(after) == 8  # 30 records in units of 4
    assert [path.name for path in (tmp_path / "stores").iterdir()] == [store_path(config).name]


def test_a_record_that_changed_meanwhile_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = MimicTree(tmp_path / "tree")
    config = data_config("mimic_iv_ecg", tree.root, tmp_path / "stores", SHORT)
    interrupt_after(monkeypatch, 5)
    with pytest.raises(KeyboardInterrupt):
        prepare_store(config)
    tree.edit_header(0, "200.0(0)/mV", "400.0(0)/mV")
    after = interrupt_after(monkeypatch, 1000)
    store = Store.open(prepare_store(config))
    assert after[0] == 40_000_000
    assert len(after) == 4
    np.testing.assert_array_equal(store.waveforms[0, 6], np.rint(naming_steps(500)[6] / 2))


def test_other_settings_do_not_go_on_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = MimicTree(tmp_path / "tree")
    named = f"data.store={tmp_path / 'mine'}"
    interrupt_after(monkeypatch, 5)
    with pytest.raises(KeyboardInterrupt):
        prepare("mimic_iv_ecg", tree.root, SHORT, named)
    after = interrupt_after(monkeypatch, 1000)
    prepare("mimic_iv_ecg", tree.root, SHORT, named, "data.limit_mv=2.0")
    assert len(after) == 8


def drop_some(tree: MimicTree) -> None:
    """Make three records unusable in ways that only their samples show."""
    for number in (0, 7, 8):
        samples = bytearray(tree.file(number, ".dat").read_bytes())
        samples[77] ^= 1
        tree.file(number, ".dat").write_bytes(samples)


def test_gaps_of_dropped_records_are_closed(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    drop_some(tree)
    store = prepare("mimic_iv_ecg", tree.root, SHORT)
    check_samples(store)
    assert store.records["record"].to_list() == [40_000_000 + n for n in (27, *range(1, 7), 28, 29, *range(9, 27))]
    assert store.manifest["dropped"] == {"checksum wrong": 3}
    dropped = pl.read_parquet(store.path / "dropped.parquet")
    assert dropped["record"].to_list() == [40_000_000, 40_000_007, 40_000_008]
    assert dropped["path"].to_list() == [tree.rows[number]["path"] for number in (0, 7, 8)]


def test_several_processes_make_the_same_store(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    drop_some(tree)
    stores = [
        prepare("mimic_iv_ecg", tree.root, SHORT, f"data.store={tmp_path / str(n)}", f"data.n_processes={n}")
        for n in (1, 2)
    ]
    assert content(stores[0]) == content(stores[1])


def test_new_records_extend_a_store_without_rewriting_it(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    fresh = prepare("mimic_iv_ecg", tree.root, SHORT, f"data.store={tmp_path / 'fresh'}")
    list_first(tree, 21)
    named = f"data.store={tmp_path / 'grown'}"
    small = prepare("mimic_iv_ecg", tree.root, SHORT, named)
    inode = (small.path / "waveforms.npy").stat().st_ino
    drop_some(tree)
    tree.write_tables()
    grown = prepare("mimic_iv_ecg", tree.root, SHORT, named)
    assert (grown.path / "waveforms.npy").stat().st_ino == inode
    assert grown.records["record"].to_list()[:21] == small.records["record"].to_list()
    check_samples(grown)
    check_samples(small)  # opened before, and still there
    assert grown.records.sort("record").drop("report").equals(fresh.records.sort("record").drop("report"))
    same = ("lead_sums", "lead_std_mv", "split", "evidence", "kept", "text", "n_patients")
    assert {name: grown.manifest[name] for name in same} == {name: fresh.manifest[name] for name in same}
    texts = [s.records.join(s.reports, on="report").sort("record")["text"].to_list() for s in (grown, fresh)]
    assert texts[0] == texts[1]


def test_records_whose_files_come_later_are_taken_up(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    moved = [tree.file(number, ".dat") for number in (3, 11)]
    for path in moved:
        path.rename(path.with_suffix(".away"))
    small = prepare("mimic_iv_ecg", tree.root, SHORT)
    assert small.manifest["dropped"] == {"file missing": 2}
    for path in moved:
        path.with_suffix(".away").rename(path)
    grown = prepare("mimic_iv_ecg", tree.root, SHORT)
    assert grown.manifest["dropped"] == {}
    assert grown.records["record"].to_list()[-2:] == [40_000_003, 40_000_011]
    check_samples(grown)


def test_a_damaged_store_is_not_added_to(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    list_first(tree, 21)
    store = prepare("mimic_iv_ecg", tree.root, SHORT)
    with store.waveform_file.open("r+b") as file:
        file.seek(HEADER_BYTES + 1001)
        file.write(b"\x07")
    before = content_of(store.path)
    tree.write_tables()
    with pytest.raises(DataError, match=r"damaged store: 1 of 21 waveforms .* \(rows 0\); move it away"):
        prepare("mimic_iv_ecg", tree.root, SHORT)
    assert content_of(store.path) == before


def test_a_store_whose_source_has_nothing_to_add_is_not_touched(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    tree.file(5, ".hea").unlink()
    drop_some(tree)  # which only their samples show, each time anew
    store = prepare("mimic_iv_ecg", tree.root, SHORT)
    before = {path.name: (path.stat().st_ino, path.read_bytes()) for path in store.path.iterdir()}
    prepare("mimic_iv_ecg", tree.root, SHORT)
    assert {path.name: (path.stat().st_ino, path.read_bytes()) for path in store.path.iterdir()} == before
    assert [path.name for path in store.path.parent.iterdir()] == [store.path.name]
    tree.root.rename(tmp_path / "away")
    assert prepare_store(data_config("mimic_iv_ecg", tree.root, tmp_path / "stores", SHORT)) == store.path


def test_new_reports_of_known_records_are_taken_up(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    store = prepare("mimic_iv_ecg", tree.root, SHORT)
    tree.reports[4]["report_1"] = "Atrial fibrillation"
    tree.write_tables()
    grown = prepare("mimic_iv_ecg", tree.root, SHORT)
    assert grown.fingerprint != store.fingerprint
    report = grown.records.filter(pl.col("record") == 40_000_004)["report"][0]
    assert "atrial fibrillation" in grown.reports["text"][report]
    check_samples(grown)


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: [table[3].update(subject_id=9) for table in (tree.rows, tree.reports)],
        lambda tree: [table[3].update(ecg_time="2182-09-22 13:04:00") for table in (tree.rows, tree.reports)],
        lambda tree: [table.pop(3) for table in (tree.rows, tree.reports)],
    ],
    ids=["patient", "time", "gone"],
)
def test_a_source_that_contradicts_the_store_is_refused(tmp_path: Path, change: Callable[[MimicTree], object]) -> None:
    tree = MimicTree(tmp_path / "tree")
    prepare("mimic_iv_ecg", tree.root, SHORT)
    change(tree)
    tree.write_tables()
    with pytest.raises(ConfigError, match=r"holds 1 records that data\.root no longer lists with the same"):
        prepare("mimic_iv_ecg", tree.root, SHORT)
