"""One bad record never ends a run and never goes uncounted; a bad tree ends in one sentence."""

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgmm.data.sources.drops import BadRecordError
from ecgmm.data.sources.wfdb16 import read_samples
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


def replace_by(ending: str, make: Callable[[Path], object]) -> Callable[[MimicTree], None]:
    def damage(tree: MimicTree) -> None:
        file = tree.file(0, ending)
        file.unlink()
        make(file)

    return damage


def socket_at(file: Path) -> None:
    with contextlib.chdir(file.parent), socket.socket(socket.AF_UNIX) as made:  # an address has some hundred bytes only
        made.bind(file.name)


def move_out(place: Callable[[Path], Path]) -> Callable[[MimicTree], None]:
    """Move a part of the first record's path out of the tree and leave a link in its place."""

    def damage(tree: MimicTree) -> None:
        part, outside = place(tree.file(0, ".hea")), tree.root.parent / "outside"
        part.rename(outside)
        part.symlink_to(outside)

    return damage


NOT_FILES: dict[str, Callable[[Path], object]] = {
    "FIFO": os.mkfifo,
    "folder": Path.mkdir,
    "device": lambda file: file.symlink_to("/dev/zero"),
    "socket": socket_at,
}
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
    "format not 16": edit(".dat 16 ", ".dat 508 "),
    "wrong size ": edit(".dat 16 ", ".dat 80 "),
    "gain 0 or not finite": edit("200.0(0)", "0(0)"),
    "unit not mV": edit("/mV", "/kPa"),
    "checksum wrong": flip_a_bit,
    "all samples missing": make_constant(-32768),
    "neither waveform nor report": make_constant(0),
    "gain that no recording of a heart has": edit("200.0(0)", "1e30(0)"),
    "gain that no recording of a heart has ": edit("200.0(0)", "0.5(0)"),
    "link leaves the root": move_out(lambda file: file),
    "link leaves the root ": move_out(lambda file: file.with_suffix(".dat")),
    "link leaves the root  ": move_out(lambda file: file.parent),
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


@pytest.mark.parametrize("ending", [".hea", ".dat"])
@pytest.mark.parametrize("kind", NOT_FILES)
def test_what_is_no_regular_file_is_dropped_at_once_wherever_links_may_lead(
    tmp_path: Path, kind: str, ending: str
) -> None:
    tree = MimicTree(tmp_path / "tree")
    replace_by(ending, NOT_FILES[kind])(tree)
    store = prepare("mimic_iv_ecg", tree.root, SHORT, "data.follow_links=true")
    assert store.manifest["dropped"] == {"not a regular file": 1}
    with pytest.raises(BadRecordError, match="not a regular file"):
        read_samples(tree.file(0, ending), np.empty((500, 12), dtype=np.int16))  # as the waveform pass opens it


@pytest.mark.parametrize("place", [lambda file: file, lambda file: file.parent, lambda file: file.parents[2]])
def test_links_out_of_the_root_are_followed_where_the_settings_say_so(
    tmp_path: Path, place: Callable[[Path], Path]
) -> None:
    tree = MimicTree(tmp_path / "tree")
    plain = prepare("mimic_iv_ecg", tree.root, SHORT, f"data.store={tmp_path}/a")
    move_out(place)(tree)
    (tmp_path / "link").symlink_to(tree.root)  # the root may be one
    store = prepare("mimic_iv_ecg", tmp_path / "link", SHORT, f"data.store={tmp_path}/b", "data.follow_links=true")
    assert store.fingerprint == plain.fingerprint


def test_links_that_stay_in_the_root_are_followed(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    plain = prepare("mimic_iv_ecg", tree.root, SHORT, f"data.store={tmp_path}/a")
    (tree.root / "files").rename(tree.root / "elsewhere")
    (tree.root / "files").symlink_to("elsewhere")
    tree.file(0, ".dat").rename(tree.root / "first.dat")
    tree.file(0, ".dat").symlink_to(tree.root / "first.dat")
    assert prepare("mimic_iv_ecg", tree.root, SHORT, f"data.store={tmp_path}/b").fingerprint == plain.fingerprint


def test_a_tree_whose_folder_lies_elsewhere_is_told_the_setting(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    move_out(lambda file: file.parents[2])(tree)
    with pytest.raises(DataError, match=r"30 of 30 records lie behind links .* set data\.follow_links=true"):
        prepare("mimic_iv_ecg", tree.root, SHORT)


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
