"""One bad record never ends a run and never goes uncounted; a bad tree ends in one sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgmm.errors import DataError
from tests.data.trees import (
    SHORT,
    MimicTree,
    prepare,
    write_record,
)


def edit(old: str, new: str) -> Callable[[MimicTree], None]:
    return lambda tree: tree.edit_header(0, old, new)


def key(name: str, value: Any) -> Callable[[MimicTree], None]:
    return lambda tree: tree.rows[0].update({name: value})


def truncate(tree: MimicTree) -> None:
    tree.file(0, ".dat").write_bytes(tree.file(0, ".dat").read_bytes()[:-24])


def remove(ending: str) -> Callable[[MimicTree], None]:
    return lambda tree: tree.file(0, ending).unlink()


def flip_a_bit(tree: MimicTree) -> None:
    content = bytearray(tree.file(0, ".dat").read_bytes())
    content[77] ^= 1
    tree.file(0, ".dat").write_bytes(content)


def make_constant(value: int) -> Callable[[MimicTree], None]:
    def damage(tree: MimicTree) -> None:
        write_record(tree.root / tree.rows[0]["path"], np.full((12, 500), value, dtype=np.int16))
        if value != -32768:
            tree.reports[0].update(report_0=None, report_2=None)

    return damage


DAMAGE = {
    "key field missing": key("subject_id", None),
    "key field missing ": key("path", None),
    "key field missing  ": key("study_id", "unknown"),
    "path leaves the root": key("path", "files/../../40000000"),
    "path leaves the root ": key("path", "/etc/40000000"),
    "index fields contradict": key("ecg_time", "2182-09-22 12:04:01"),
    "index fields contradict ": key("subject_id", 5),
    "index fields contradict  ": key("path", "files/p1000/p10000000/s40000001/40000001"),
    "amplitude beyond the store's range": edit("200.0(0)/mV", "20.0(0)/mV"),
    "file missing": remove(".dat"),
    "file missing ": remove(".hea"),
    "wrong size": truncate,
    "header broken": edit("40000000 12 500 500", "40000000 12 500"),
    "header not UTF-8": lambda tree: tree.file(0, ".hea").write_bytes(b"\xff\xfe4") and None,
    "header names another record": edit("40000000 12", "40000001 12"),
    "header rate contradicts index": edit("12 500 500", "12 250 500"),
    "header time contradicts index": edit("12:04:00 22", "12:04:30 22"),
    "leads are not the standard twelve": edit("40000000 12", "40000000 11"),
    "format not 16": edit(".dat 16 ", ".dat 80 "),
    "gain 0 or not finite": edit("200.0(0)", "0(0)"),
    "unit not mV": edit("/mV", "/kPa"),
    "checksum wrong": flip_a_bit,
    "all samples missing": make_constant(-32768),
    "neither waveform nor report": make_constant(0),
}


@pytest.mark.parametrize(("reason", "damage"), DAMAGE.items(), ids=list(DAMAGE))
def test_one_bad_record_is_dropped_under_its_reason(
    tmp_path: Path, reason: str, damage: Callable[[MimicTree], None]
) -> None:
    tree = MimicTree(tmp_path / "tree")
    damage(tree)
    tree.write_tables()
    store = prepare("mimic_iv_ecg", tree.root, SHORT)
    assert store.manifest["dropped"] == {reason.strip(): 1}
    assert store.manifest["kept"] == len(store.waveforms) == 29
    assert 40_000_000 not in store.records["record"]


def test_copies_of_a_row_go_once_and_contradicting_copies_go_all(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    tree.rows += [tree.rows[0], tree.rows[1] | {"ecg_time": "2180-01-01 00:00:00"}]
    tree.write_tables()
    store = prepare("mimic_iv_ecg", tree.root, SHORT)
    assert store.manifest["dropped"] == {"duplicate record id": 3}
    assert 40_000_000 in store.records["record"]
    assert 40_000_001 not in store.records["record"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tree: (tree.root / "record_list.csv").unlink(), "record_list.csv is missing; set data.root"),
        (lambda tree: (tree.root / "machine_measurements.csv").unlink(), "machine_measurements.csv is missing"),
        (lambda tree: [row.pop("path") for row in tree.rows] and tree.write_tables(), "has no column path"),
        (lambda tree: tree.rows.__delitem__(slice(1, None)) or tree.write_tables(), "split is empty"),
        (lambda tree: [path.unlink() for path in tree.root.rglob("*.dat")], "most often: file missing, 30 records"),
    ],
)
def test_a_tree_that_cannot_be_used_leaves_one_sentence_and_nothing_else(
    tmp_path: Path, change: Callable[[MimicTree], Any], message: str
) -> None:
    tree = MimicTree(tmp_path / "tree")
    change(tree)
    with pytest.raises(DataError, match=message) as raised:
        prepare("mimic_iv_ecg", tree.root, SHORT)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "stores").exists() or not list((tmp_path / "stores").iterdir())
