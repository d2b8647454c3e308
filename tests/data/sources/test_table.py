"""Recordings of one's own: a folder and a table become a store with all that a published set has."""

import dataclasses
import datetime
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ecgmm.data.preparation.single_record import read_single_record
from ecgmm.data.sources.own_columns import numbers_of
from ecgmm.data.sources.source import SourceIndex
from ecgmm.data.sources.table import Columns
from ecgmm.data.sources.table_index import STANDARD_FOLDS, read_table_index
from ecgmm.data.sources.wfdb_reader import WFDB_ANY_LEADS
from ecgmm.data.store.splits import Folds
from ecgmm.data.store.store import DROPPED, Store
from ecgmm.errors import ConfigError, DataError
from ecgmm.leads import LEADS
from tests.data.own_tree import leads_mv, write_collection, write_csv, write_recording
from tests.data.trees import prepare

SHORT = "data.window.length_s=1"
ONE_UV = "data.uv_per_step=1"
Rows = list[dict[str, str]]


COLUMNS = Columns(
    **{
        name: name
        for name in ("path", "patient", "record", "time", "report", "split", "fold", "age", "sex", "device", "site")
    }
)


def index_of(
    root: Path, table: str = "records.csv", folds: Folds | None = STANDARD_FOLDS, **columns: str
) -> SourceIndex:
    return read_table_index(root / table, root, dataclasses.replace(COLUMNS, **columns), folds, WFDB_ANY_LEADS)


def store_of(root: Path, *overrides: str, table: str = "records.csv") -> Store:
    return prepare("table", root, f"data.table={root / table}", SHORT, *overrides)


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    """A collection of 30 records of 1 s in ``tree``, with its table."""
    rows = write_collection(tmp_path / "tree", n_samples=500)
    write_csv(tmp_path / "tree" / "records.csv", rows)
    return rows


def test_a_public_collection_becomes_a_store(tmp_path: Path, rows: Rows) -> None:
    store = store_of(tmp_path / "tree", ONE_UV)
    assert store.manifest["kept"] == 30
    assert store.manifest["readers"] == {"wfdb_16": 30}
    assert store.manifest["text_origin"] == "unknown"
    names = dict(store.evidence().select("record", "record_name").iter_rows())
    for row, record in enumerate(store.records.iter_rows(named=True)):
        number = int(names[record["record"]].removeprefix("data/"))
        np.testing.assert_array_equal(
            store.waveforms[row], np.rint(leads_mv(number, 500, rr_s=RR_S[number % 3]) * 1000)
        )
        assert record["lead_origin"] == "r" * 12
        assert (record["age"], record["sex"]) == (30 + number, "female" if number % 2 else "male")
        assert record["time"] == datetime.datetime(2020, 5, number % 28 + 1)
        assert record["device"] is record["site"] is None
        assert store.reports["statements"][record["report"]].len() == 1
    assert store.records["patient"].n_unique() == 15


RR_S = (0.8, 0.6, 1.2)


def test_paths_are_written_in_many_ways(tmp_path: Path, rows: Rows) -> None:
    plain = index_of(tmp_path / "tree")
    (tmp_path / "link").symlink_to(tmp_path / "tree")
    ways: list[Callable[[str], str]] = [
        lambda path: path.replace("/", "\\"),
        lambda path: f"{path}.hea",
        lambda path: f"{path}.dat",
        lambda path: f"./{path}",
        lambda path: f"{tmp_path / 'tree'}/{path}",
        lambda path: f"{tmp_path / 'link'}/{path}",
        lambda path: f".\\{path}.hea".replace("/", "\\"),
    ]
    changed = [row | {"path": ways[number % len(ways)](row["path"])} for number, row in enumerate(rows)]
    write_csv(tmp_path / "tree" / "records.csv", changed)
    assert index_of(tmp_path / "tree").frame.equals(plain.frame)


def test_ages_above_89_are_90_however_they_are_written(tmp_path: Path, rows: Rows) -> None:
    written = dict(zip(("89", ">89", "> 89", "90+", "300", "97", "61,5", ""), range(8), strict=True))
    write_csv(tmp_path / "tree" / "records.csv", [rows[place] | {"age": age} for age, place in written.items()])
    ages = index_of(tmp_path / "tree").frame.sort("evidence.record_name")["age"].to_list()
    assert ages == [89, 90, 90, 90, 90, 90, 61.5, None]


@pytest.mark.parametrize("way", ["semicolon", "utf16", "gzip", "parquet", "capitals", "mapped"])
def test_the_index_does_not_depend_on_how_the_table_was_saved(tmp_path: Path, rows: Rows, way: str) -> None:
    root = tmp_path / "tree"
    plain, table = index_of(root), "other.csv"
    columns: dict[str, Any] = {}
    if way == "semicolon":
        write_csv(root / table, rows, ";", "utf-8-sig")
    elif way == "utf16":
        write_csv(root / table, rows, "\t", "utf-16")
    elif way == "gzip":
        (root / table).write_bytes(gzip.compress((root / "records.csv").read_bytes()))
    elif way == "parquet":
        pl.DataFrame(rows).with_columns(pl.col("age").cast(pl.Float64)).write_parquet(root / table)
    elif way == "capitals":
        write_csv(root / table, [{name.title(): cell for name, cell in row.items()} for row in rows])
    else:
        renamed = [{"subject" if name == "patient" else name: cell for name, cell in row.items()} for row in rows]
        write_csv(root / table, renamed)
        columns = {"patient": "subject"}
    assert index_of(root, table, **columns).frame.equals(plain.frame)


def test_own_names_of_records_and_patients(tmp_path: Path, rows: Rows) -> None:
    named = ["007", "40689238.0", "ward 3", *(str(number) for number in range(100, 127))]
    own = [row | {"record": name, "patient": name} for row, name in zip(rows, named, strict=True)]
    write_csv(tmp_path / "tree" / "records.csv", own)
    frame = index_of(tmp_path / "tree").frame
    ids = dict(frame.select("evidence.record_name", "record").iter_rows())
    assert ids["40689238"] == 40689238
    assert ids["007"] == numbers_of(pl.Series(["007"]))[0] > 1 << 62
    assert (frame["record"] == frame["patient"]).all()


def test_each_record_may_be_a_patient_of_its_own_if_that_is_said(
    tmp_path: Path, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    write_csv(tmp_path / "tree" / "records.csv", [{"path": row["path"]} for row in rows])
    with pytest.raises(DataError, match=r"no column patient, only path; name that of the patients .*null: each"):
        index_of(tmp_path / "tree")
    store = store_of(tmp_path / "tree", "data.columns.patient=null")
    assert store.records["patient"].n_unique() == 30
    assert store.manifest["parameters"]["columns.patient"] is None
    assert "each record counts as a patient of its own" in caplog.text


def test_splits_of_the_table_are_taken(tmp_path: Path, rows: Rows) -> None:
    given = ["Train", "VALID", "holdout", ""]
    split = [row | {"split": given[number // 2 % 4]} for number, row in enumerate(rows)]
    write_csv(tmp_path / "tree" / "records.csv", split)
    store = store_of(tmp_path / "tree")
    names = dict(store.evidence().select("record", "record_name").iter_rows())
    for record, found in store.records.select("record", "split").iter_rows():
        number = int(names[record].removeprefix("data/")) - 1
        assert found == ["train", "val", "test"][number // 2 % 4]
    assert store.manifest["dropped"] == {"fold in no split": 6}


def test_folds_of_the_table_are_taken_or_left(tmp_path: Path, rows: Rows) -> None:
    folds = [row | {"fold": f"{number // 2 % 10 + 1}.0"} for number, row in enumerate(rows)]
    write_csv(tmp_path / "tree" / "records.csv", folds)

    def counts(folds: Folds) -> dict[str, int]:
        return dict(index_of(tmp_path / "tree", folds=folds).frame["split"].value_counts().iter_rows())

    assert counts(STANDARD_FOLDS) == {"train": 26, "val": 2, "test": 2}
    assert counts(Folds(train=None, val=[1], test=[2])) == {"train": 22, "val": 4, "test": 4}
    assert "split" not in index_of(tmp_path / "tree", folds=None).frame.columns


MISTAKES: dict[str, tuple[Callable[[Rows], Rows], str]] = {
    "no path": (
        lambda rows: [{"file": row["path"], "patient": row["patient"]} for row in rows],
        r"records.csv has no column path, only file, patient; name that of the files .* data.columns.path=",
    ),
    "leaves the root": (
        lambda rows: [rows[0], rows[1] | {"path": "../1"}, *rows[2:]],
        r"records.csv line 3: column path leads out of .*/tree; write paths below that folder",
    ),
    "another disk": (
        lambda rows: [row | {"path": f"C:\\ecg\\{row['path']}"} for row in rows],
        r"records.csv line 2 and 29 more: column path leads out of",
    ),
    "torn patient": (
        lambda rows: [row | {"split": ("train", "val", "test")[number % 3]} for number, row in enumerate(rows)],
        r"records.csv puts 15 patients \(30 records, the first at line 2\) on both sides of a split; give",
    ),
    "two rows of a record": (
        lambda rows: [*rows, rows[4] | {"patient": "another"}],
        r"records.csv names a record more than once and differently \(lines 6 and 32; 1 in all\); keep one row",
    ),
    "two records of a file": (
        lambda rows: [row | {"record": str(number), "path": "data/1"} for number, row in enumerate(rows)],
        r"records.csv gives two records one file more than once and differently \(lines 2 and 3",
    ),
    "sex by numbers": (
        lambda rows: [row | {"sex": "1"} for row in rows],
        r"line 2 and 29 more: column sex holds 9 .* neither female nor male; write female or male, since 0 and 1",
    ),
    "day or month": (lambda rows: [row | {"time": "05/06/2020"} for row in rows], "no time such as 2020-05-31"),
    "age": (lambda rows: [row | {"age": "old"} for row in rows], "line 2 and 29 more: column age holds xxx"),
    "split": (lambda rows: [row | {"split": "A"} for row in rows], "no name of a split; write train, val or test"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_told_in_one_sentence(tmp_path: Path, rows: Rows, what: str) -> None:
    change, words = MISTAKES[what]
    write_csv(tmp_path / "tree" / "records.csv", change(rows))
    with pytest.raises(DataError, match=words):
        index_of(tmp_path / "tree")


def test_a_table_of_files_that_are_elsewhere_is_told_with_the_cure(tmp_path: Path, rows: Rows) -> None:
    write_csv(tmp_path / "tree" / "records.csv", [row | {"path": f"x/{row['path']}"} for row in rows])
    with pytest.raises(DataError, match=r"file missing, 30 records\); set data.root to the folder that the table's"):
        store_of(tmp_path / "tree")


def test_settings_that_do_not_fit_the_table_are_told(tmp_path: Path, rows: Rows) -> None:
    root = tmp_path / "tree"
    with pytest.raises(DataError, match=r"no column subject, only path, .* set data.columns.patient to one of them"):
        index_of(root, patient="subject")
    with pytest.raises(ConfigError, match=r"data.folds chooses folds and .* has no column of them"):
        index_of(root, folds=Folds(train=None, val=[3], test=[4]))
    with pytest.raises(ConfigError, match=r"data.table is not set"):
        prepare("table", root)
    with pytest.raises(DataError, match=r"is missing; set data.table to the table's path"):
        store_of(root, table="other.csv")
    write_csv(root / "records.csv", [row | {"fold": "1", "split": "train"} for row in rows])
    with pytest.raises(ConfigError, match="has both columns split and fold; leave one out"):
        index_of(root)


def test_rows_that_cannot_be_used_are_counted_with_their_path(tmp_path: Path, rows: Rows) -> None:
    rows[3] |= {"patient": ""}
    rows[5] |= {"path": "data/99"}
    (tmp_path / "tree" / "data" / "9.dat").write_bytes(b"short")
    write_csv(tmp_path / "tree" / "records.csv", [*rows, rows[0]])
    store = store_of(tmp_path / "tree")
    dropped = pl.read_parquet(store.path / DROPPED).select("reason", "path").rows()
    assert sorted(dropped) == [
        ("duplicate record id", "data/1"),
        ("file missing", "data/99"),
        ("key field missing", "data/4"),
        ("wrong size", "data/9"),
    ]


def test_the_store_grows_with_its_table_and_keeps_numbers_and_splits(tmp_path: Path, rows: Rows) -> None:
    table = tmp_path / "tree" / "records.csv"
    named = [row | {"record": f"ecg {number}"} for number, row in enumerate(rows)]
    write_csv(table, named[6:])
    before = store_of(tmp_path / "tree")
    write_csv(table, named)
    after = store_of(tmp_path / "tree")
    assert after.path == before.path
    assert after.records.height == 30
    both = before.records.join(after.records, on="record", suffix="_after", how="left")
    assert (both["split"] == both["split_after"]).all()
    assert (both["content"] == both["content_after"]).all()


KINDS: dict[str, tuple[tuple[str, ...], float, float, float, str, str]] = {
    "twelve": (tuple(f"MDC_ECG_LEAD_{name.upper()}" for name in LEADS), 500, 1, 1000, "mV", "rrrrrrrrrrrr"),
    "cabrera": (("aVL", "I", "-aVR", "II", "aVF", "III", *LEADS[6:]), 500, 1, 1000, "mV", "rrrrrrrrrrrr"),
    "eight": (("I", "II", *LEADS[6:]), 1000, 1.5, 1000, "mV", "rrddddrrrrrr"),
    "six": (LEADS[:6], 250, 1, 1, "uV", "rrrrrrmmmmmm"),
    "three": (("D1", "D2", "D3"), 500, 2, 1000, "mV", "rrrdddmmmmmm"),
    "two": (("lead I", "lead II"), 125, 0.8, 200000, "V", "rrddddmmmmmm"),
    "one": (("ECG II", "Resp"), 360, 1, 500, "mV", "mrmmmmmmmmmm"),
}


def test_records_of_any_leads_rates_lengths_and_units_are_one_store(tmp_path: Path) -> None:
    root, rows = tmp_path / "tree", []
    for number, (kind, (names, rate_hz, length_s, gain, unit, _)) in enumerate(list(KINDS.items()) * 3):
        millivolts = leads_mv(number, round(rate_hz * length_s), rate_hz)
        write_recording(root / f"{kind}{number}", millivolts, names, rate_hz, gain, unit)
        rows.append({"path": f"{kind}{number}", "patient": str(number)})
    write_csv(root / "records.csv", rows)
    store = store_of(root, ONE_UV)
    assert store.manifest["dropped"] == {}
    assert store.manifest["readers"] == {"wfdb_16": 6, "wfdb_package": 15}
    assert store.manifest["lead_origins"] == dict.fromkeys([origin for *_, origin in KINDS.values()], 3) | {"r" * 12: 6}
    record_names = dict(store.evidence().select("record", "record_name").iter_rows())
    for row, record in enumerate(store.records.iter_rows(named=True)):
        name = record_names[record["record"]]
        kind = name.rstrip("0123456789")
        *_, origin = KINDS[kind]
        assert record["lead_origin"] == origin
        assert record["has_waveform"]
        assert record["flat_leads"] == origin.count("m")
        waveform = store.waveforms[row].astype(np.int64)
        missing = np.array([letter == "m" for letter in origin])
        assert ((waveform == -32768).all(axis=1) == missing).all()
        first, second = waveform[0], waveform[1]
        half = {2: 2 * (second - first), 3: -(first + second), 4: 2 * first - second, 5: 2 * second - first}
        for lead, doubled in half.items():
            if origin[lead] == "d":
                np.testing.assert_array_equal(waveform[lead], np.rint(doubled / 2))
        if kind in ("twelve", "cabrera"):
            number = int(name.removeprefix(kind))
            np.testing.assert_array_equal(waveform, np.rint(leads_mv(number, 500) * 1000))
        read = read_single_record(root / name, 500, 500, 1.0, reader=WFDB_ANY_LEADS)
        np.testing.assert_array_equal(read.steps[0], store.waveforms[row])
        assert read.quality == {column: record[column] for column in read.quality}


def test_a_rate_that_cannot_be_resampled_is_dropped(tmp_path: Path, rows: Rows) -> None:
    write_recording(tmp_path / "tree" / "data" / "1", leads_mv(1, 500), rate_hz=40)
    assert store_of(tmp_path / "tree").manifest["dropped"] == {"rate not from 50 to 10,000 Hz": 1}
