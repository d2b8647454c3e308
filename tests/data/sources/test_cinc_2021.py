"""The training data of the PhysioNet/CinC challenges: layout, facts of the headers, and what users stumble over."""

import logging
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.signal import resample_poly

from ecgmm.data.sources.cinc_2021 import facts_of
from ecgmm.data.sources.labels.cinc_2021 import CLASSES, CODES
from ecgmm.data.sources.labels.label_set import LabelSettings
from ecgmm.data.sources.labels.opening import open_labels
from ecgmm.data.store.store import Store
from ecgmm.errors import DataError
from ecgmm.leads import LEADS
from tests.data.cinc_trees import comments_of, wave, write_mat_record
from tests.data.trees import SHORT, data_config, prepare

CAPITALS = [name.upper() for name in LEADS]


OTHERS = {
    2: ("300", "Female", "733534002,164909002"),  # complete left bundle branch block, and left bundle branch block
    4: ("93", "Female", "713427006"),
    6: ("NaN", "Unknown", "63593006,17338001"),
    8: ("-1", "NaN", "251238007"),  # no code that is scored
    10: ("61", "female", ""),
}
"""Age, sex and codes of some of the records of Georgia."""


def write_tree(root: Path, training: str = "training/") -> None:
    """Thirty-two records of six collections, at three rates."""
    for number in range(1, 11):
        folder = f"{training}georgia/g{1 + number % 2}"
        comments = comments_of(*OTHERS.get(number, ("74", "Male", "426783006")), blank=" ")
        write_mat_record(root / folder / f"E{number:05d}", wave(number, 600, 500), comments)
        folder = f"{training}ningbo/g1"
        write_mat_record(root / folder / f"JS{10646 + number}", wave(number, 500, 500), comments_of(), start="")
    for number in range(1, 4):
        folder = f"{training}st_petersburg_incart/g1"
        write_mat_record(root / folder / f"I{number:04d}", wave(number, 771, 257), comments_of(), 257, leads=CAPITALS)
        write_mat_record(root / f"{training}ptb/g1/S{number:04d}", wave(number, 2000, 1000), comments_of(), 1000)
        write_mat_record(root / f"{training}ptb-xl/g1/HR{number:05d}", wave(number, 500, 500), comments_of())
        write_mat_record(root / f"{training}cpsc_2018/g1/A{number:04d}", wave(number, 500, 500), comments_of())


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cinc") / "tree"
    write_tree(root)
    return root


@pytest.fixture(scope="module")
def store(tree: Path) -> Store:
    return prepare("cinc_2021", tree, SHORT)


def row_of(store: Store, name: str) -> int:
    evidence = store.evidence().filter(pl.col("record_name") == name)
    return store.records["record"].to_list().index(evidence["record"].item())


def test_all_rates_and_lead_names_are_read(store: Store) -> None:
    assert store.manifest["dropped"] == {}
    assert store.manifest["readers"] == {"wfdb_16": 32}
    assert store.records.height == 32
    np.testing.assert_array_equal(store.waveforms[row_of(store, "E00007")], wave(7, 600, 500)[:, 50:550])
    np.testing.assert_array_equal(store.waveforms[row_of(store, "JS10650")], wave(4, 500, 500))
    wanted = resample_poly(wave(2, 2000, 1000).astype(float), 1, 2, axis=-1)[:, 250:750]
    np.testing.assert_allclose(store.waveforms[row_of(store, "S0002")], wanted, atol=2)
    at_257 = store.waveforms[row_of(store, "I0003")]  # a sine stays one: 4 Hz from the middle of 3 s on
    time = (np.arange(500) + 500) / 500
    np.testing.assert_allclose(at_257, 1500 * np.sin(8 * np.pi * time + np.arange(12)[:, None]), atol=30)


def test_ids_are_those_of_the_collection_and_the_name(store: Store) -> None:
    known = dict(store.evidence().select("record_name", "record").iter_rows())
    assert known["E00007"] == 6_000_007
    assert known["JS10650"] == 8_010_650
    assert known["HR00002"] == 5_000_002
    assert store.records["record"].equals(store.records["patient"].rename("record"))
    assert store.records["time"].null_count() == store.records.height


def test_age_sex_and_collection_stand_in_the_store(store: Store) -> None:
    names = ("E00002", "E00004", "E00006", "E00008", "S0001")
    persons = [store.records.select("age", "sex", "site").row(row_of(store, name)) for name in names]
    assert persons[:2] == [(90, "female", "georgia")] * 2
    assert persons[2:4] == [(None, None, "georgia")] * 2
    assert persons[4] == (74, "male", "ptb")


def test_collections_can_be_chosen_and_the_folders_themselves_given(tree: Path, tmp_path: Path) -> None:
    config = data_config("cinc_2021", tree / "training", tmp_path, "data.collections=[georgia,ptb-xl]")
    assert sorted(config.read_index().frame["site"].unique()) == ["georgia", "ptb-xl"]
    config = data_config("cinc_2021", tree, tmp_path, "data.collections=[georgia,chapman_shaoxing]")
    with pytest.raises(DataError, match=r"has no folder chapman_shaoxing; set data.root"):
        config.read_index()
    with pytest.raises(DataError, match=r"has no folder cpsc_2018, cpsc_2018_extra, .*set data.root"):
        data_config("cinc_2021", tree / "training" / "ptb", tmp_path).read_index()


def test_patients_of_ptb_xl_come_from_its_own_table(
    tree: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "ptbxl_database.csv").write_text("ecg_id,patient_id\n1,15709.0\n3,15709.0\n2,\n")
    chosen = "data.collections=[ptb-xl,ningbo]"
    with caplog.at_level(logging.WARNING):
        data_config("cinc_2021", tree, tmp_path, chosen).read_index()
        assert "ptb-xl: the tree does not say which records are of one patient" in caplog.text
        caplog.clear()
        given = f"data.ptb_xl_csv={tmp_path}/ptbxl_database.csv"
        frame = data_config("cinc_2021", tree, tmp_path, chosen, given).read_index().frame
    assert caplog.text == ""
    patients = dict(frame.select("record", "patient").iter_rows())
    assert patients[5_000_001] == patients[5_000_003] == 100_015_709
    assert patients[5_000_002] == 5_000_002


def test_what_records_lists_and_is_not_there_is_counted(tmp_path: Path) -> None:
    write_tree(tmp_path / "tree")
    folder = tmp_path / "tree" / "training" / "georgia" / "g1"
    (folder / "RECORDS").write_text("E00002\nE00004\nE00777\n../../secret\n")
    (folder / "E00004.mat").unlink()
    (folder / "E00006.mat").write_bytes((folder / "E00006.mat").read_bytes()[:-2])
    write_mat_record(folder / "E00099", wave(1, 500, 500), comments_of(), checksums=[1] * 12)
    write_mat_record(folder / "E00098", wave(1, 500, 500), comments_of(), start="31-Feb-2020 10:00:00")
    write_mat_record(folder / "notes", wave(1, 500, 500), comments_of())
    store = prepare("cinc_2021", tmp_path / "tree", SHORT)
    assert store.manifest["dropped"] == {
        "file missing": 2,
        "wrong size": 1,
        "checksum wrong": 1,
        "header broken": 1,
        "key field missing": 1,
    }


@pytest.mark.parametrize(
    ("age", "sex", "expected"),
    [
        ("74", "Male", (74.0, "male", ())),
        ("74", "F", (74.0, "female", ())),
        ("NaN", "Unknown", (None, None, ())),
        ("-1", "NaN", (None, None, ())),
        ("300", "female", (300.0, "female", ())),
        ("", "", (None, None, ())),
        ("seven", "x", (None, None, ("Age", "Sex"))),
        ("-5", "M", (None, "male", ("Age",))),
    ],
)
def test_age_and_sex_that_are_unknown_are_none(age: str, sex: str, expected: object) -> None:
    facts = facts_of("\n".join(["A0001 12 500 5000", *comments_of(age, sex)]))
    assert (facts.age, facts.sex, facts.unreadable) == expected


@pytest.mark.parametrize(
    ("dx", "codes", "unreadable"),
    [
        ("164889003,59118001", "164889003,59118001", ()),
        ("284470004,284470004, 59118001,", "284470004,59118001", ()),  # twice, blanks, a comma at the end
        ("164889003,,59118001", "164889003,59118001", ()),
        ("Unknown", None, ()),
        ("RBBB", None, ("Dx",)),
    ],
)
def test_codes_are_read_as_they_are_written(dx: str, codes: str | None, unreadable: tuple[str, ...]) -> None:
    facts = facts_of("\r\n".join(["A0001 12 500 5000", *comments_of(dx=dx, blank=" ")]))
    assert (facts.codes, facts.unreadable) == (codes, unreadable)


def test_equivalent_codes_are_one_class_and_others_none(store: Store) -> None:
    labels = open_labels(store, "cinc_2021")
    assert labels.label_set.notes == {"records without any code": 1, "codes that are not scored": 1}
    assert not labels.label_set.exhaustive
    known = {number: labels.of_row(row_of(store, f"E{number:05d}")) for number in OTHERS}
    assert known == {2: {"LBBB": 1}, 4: {"RBBB": 1}, 6: {"PAC": 1, "PVC": 1}, 8: {}, 10: None}
    assert labels.label_set.descriptions["LAnFB"] == ("left anterior fascicular block",)


def test_classes_that_training_lacks_are_left_out_and_named(store: Store) -> None:
    labels = open_labels(store, "cinc_2021", LabelSettings(fewest_records=1))
    assert "NSR" in labels.label_set.classes
    assert "PRWP" not in labels.label_set.classes
    assert labels.label_set.notes["class PRWP left out by labels.min_records, records"] == 0


def test_there_are_26_classes_of_30_codes_each_in_words() -> None:
    assert len(CLASSES) == 26
    assert len({code for codes in CODES.values() for code in codes}) == 30
