"""A written tree is a MIMIC-IV-ECG 1.0 tree: files, headers, tables, codes; complete or absent."""

import csv
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import wfdb

from ecgmm.data.synthetic import tree
from ecgmm.data.synthetic.anatomy import STORED_LEADS
from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.state import SUPERCLASSES
from ecgmm.data.synthetic.tree import write_tree
from ecgmm.errors import DataError

CONFIG = SyntheticConfig(n_patients=60, missing_samples=0.1, lead_loss=0.1)
MEASUREMENT_COLUMNS = [
    *("subject_id", "study_id", "cart_id", "ecg_time"),
    *(f"report_{i}" for i in range(18)),
    *("bandwidth", "filtering", "rr_interval", "p_onset", "p_end", "qrs_onset", "qrs_end", "t_end"),
    *("p_axis", "qrs_axis", "t_axis"),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("synthetic") / "tree"
    write_tree(path, CONFIG)
    return path


def digests(root: Path) -> dict[str, str]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def header_of(root: Path, files: str) -> list[str]:
    return (root / f"{files}.hea").read_text(encoding="ascii").splitlines()


def test_same_seed_same_bytes_whatever_the_block_and_other_seed_other_bytes(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "BLOCK", 7)
    write_tree(tmp_path / "again", CONFIG)
    assert digests(tmp_path / "again") == digests(root)
    write_tree(tmp_path / "other", SyntheticConfig(n_patients=5, seed=1))
    write_tree(tmp_path / "another", SyntheticConfig(n_patients=5, seed=2))
    same = set(digests(tmp_path / "other").items()) & set(digests(tmp_path / "another").items())
    assert {name for name, _ in same} == {"LICENSE.txt", "machine_measurements_data_dictionary.csv"}


def test_files_lie_where_mimic_has_them(root: Path) -> None:
    names = {path.name for path in root.iterdir()}
    assert names == {
        "files", "record_list.csv", "machine_measurements.csv", "machine_measurements_data_dictionary.csv",
        "waveform_note_links.csv", "truth.csv", "records_w_diag_icd10.csv", "RECORDS", "SHA256SUMS.txt", "LICENSE.txt",
    }  # fmt: skip
    records = pl.read_csv(root / "record_list.csv")
    for row in records.iter_rows(named=True):
        subject, study = row["subject_id"], row["study_id"]
        assert row["path"] == f"files/p{str(subject)[:4]}/p{subject}/s{study}/{study}"
        assert (root / f"{row['path']}.dat").stat().st_size == 120_000
    assert len(list(root.rglob("*.hea"))) == len(list(root.rglob("*.dat"))) == records.height
    assert (root / "RECORDS").read_text(encoding="ascii").split() == records["path"].to_list()
    assert "SYNTHETIC" in (root / "LICENSE.txt").read_text(encoding="ascii")


def test_tables_have_the_columns_of_mimic_in_order(root: Path) -> None:
    def header(name: str) -> list[str]:
        with (root / name).open(newline="") as file:
            return next(csv.reader(file))

    assert header("record_list.csv") == ["subject_id", "study_id", "file_name", "ecg_time", "path"]
    assert header("machine_measurements.csv") == MEASUREMENT_COLUMNS
    assert len(MEASUREMENT_COLUMNS) == 33
    links = ["subject_id", "study_id", "waveform_path", "note_id", "note_seq", "charttime"]
    assert header("waveform_note_links.csv") == links
    assert header("truth.csv")[0] == "study_id"
    assert header("truth.csv")[-5:] == list(SUPERCLASSES)


def test_tables_agree_by_study_but_not_by_row(root: Path) -> None:
    records = pl.read_csv(root / "record_list.csv")
    measured = pl.read_csv(root / "machine_measurements.csv")
    truth = pl.read_csv(root / "truth.csv")
    assert records["study_id"].is_unique().all()
    assert set(records["study_id"]) == set(measured["study_id"]) == set(truth["study_id"])
    assert records["study_id"].to_list() != measured["study_id"].to_list()
    joined = records.join(measured, on=["subject_id", "study_id", "ecg_time"])
    assert joined.height == records.height
    assert (records["file_name"] == records["study_id"]).all()


def test_truth_classes_follow_from_the_state_columns(root: Path) -> None:
    truth = pl.read_csv(root / "truth.csv")
    for column, name in (("infarct_region", "MI"), ("st_t", "STTC"), ("conduction", "CD"), ("chamber", "HYP")):
        assert ((truth[column] != "none") == (truth[name] == 1)).all()
    others = truth.select("MI", "STTC", "CD", "HYP").sum_horizontal()
    assert ((truth["NORM"] == 1) == (others == 0)).all()
    assert all(truth[name].sum() > 0 for name in SUPERCLASSES)


def test_measurements_carry_the_codes_for_missing(root: Path) -> None:
    measured = pl.read_csv(root / "machine_measurements.csv").join(pl.read_csv(root / "truth.csv"), on="study_id")
    no_p = measured.filter(pl.col("rhythm").is_in(["atrial_fibrillation", "atrial_flutter", "paced"]))
    assert no_p.height > 0
    assert (no_p["p_end"] == 29999).all()
    assert (no_p["p_axis"] == 29999).all()
    sinus = measured.filter(pl.col("rhythm").str.starts_with("sinus"))
    assert not (sinus["p_onset"] == 29999).any()
    assert 0 < (sinus["p_end"] == 29999).sum() / sinus.height < 0.4
    assert ((measured["qrs_onset"] < measured["qrs_end"]) & (measured["qrs_end"] < measured["t_end"])).all()
    assert measured.select(MEASUREMENT_COLUMNS[-9:]).null_count().sum_horizontal().item() == 0


def test_report_columns_can_be_empty_between_filled_ones(root: Path) -> None:
    reports = pl.read_csv(root / "machine_measurements.csv", infer_schema=False).select(MEASUREMENT_COLUMNS[4:22])
    filled = [[value is not None for value in row] for row in reports.iter_rows()]
    assert any(not row[i] and any(row[i:]) for row in filled for i in range(18))


def test_header_text_is_exactly_that_of_mimic(root: Path) -> None:
    row = pl.read_csv(root / "record_list.csv").row(0, named=True)
    lines = header_of(root, row["path"])
    date, time = row["ecg_time"].split(" ")
    year, month, day = date.split("-")
    assert lines[0] == f"{row['study_id']} 12 500 5000 {time} {day}/{month}/{year}"
    steps = np.fromfile(root / f"{row['path']}.dat", dtype="<i2").reshape(5000, 12)
    for line, lead, samples in zip(lines[1:13], STORED_LEADS, steps.T, strict=True):
        total = int(samples.astype(np.int64).sum())
        signed = (total + 32768) % 65536 - 32768
        assert line == f"{row['study_id']}.dat 16 200.0(0)/mV 16 0 {samples[0]} {signed} 0 {lead}"
    assert lines[13] == f"# <subject_id>: {row['subject_id']}"
    assert STORED_LEADS[3:6] == ("aVR", "aVF", "aVL")


def test_wfdb_reads_names_units_samples_and_checksums(root: Path) -> None:
    for files in (root / "RECORDS").read_text(encoding="ascii").split()[:20]:
        signal, info = wfdb.rdsamp(str(root / files))
        fields: dict[str, Any] = info
        assert signal.shape == (5000, 12)
        assert fields["fs"] == 500
        assert tuple(fields["sig_name"]) == STORED_LEADS
        assert set(fields["units"]) == {"mV"}
        assert 0.05 < np.nanstd(signal) < 2
        record = wfdb.rdrecord(str(root / files), physical=False)
        assert [c % 65536 for c in record.calc_checksum()] == [c % 65536 for c in record.checksum]


def test_checksum_file_covers_every_other_file(root: Path) -> None:
    lines = (root / "SHA256SUMS.txt").read_text(encoding="ascii").splitlines()
    listed = {name: digest for digest, name in (line.split("  ") for line in lines)}
    actual = digests(root)
    del actual["SHA256SUMS.txt"]
    assert listed == actual


def test_interrupted_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(tree, "write_tables", fail)
    with pytest.raises(OSError, match="No space"):
        write_tree(tmp_path / "tree", SyntheticConfig(n_patients=3))
    assert list(tmp_path.iterdir()) == []


def test_existing_folder_is_never_touched(root: Path) -> None:
    before = sorted(path.name for path in root.iterdir())
    with pytest.raises(DataError, match="exists already"):
        write_tree(root, CONFIG)
    assert sorted(path.name for path in root.iterdir()) == before
