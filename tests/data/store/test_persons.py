"""Age, sex, recorder and site of a store, whatever its source writes for them."""

import datetime
from pathlib import Path

import polars as pl
import pytest

from ecgmm.data.store.persons import as_age, person_columns
from ecgmm.errors import DataError
from tests.data.trees import SHORT, MimicTree, prepare, write_ptb_xl


def test_all_above_89_are_90() -> None:
    ages = pl.DataFrame({"age": [0.5, 89.0, 89.5, 91.0, 300.0, None]}).select(as_age(pl.col("age")).alias("age"))
    assert ages["age"].to_list() == [0.5, 89.0, 90.0, 90.0, 90.0, None]
    assert ages["age"].dtype == pl.Float32


def test_what_an_index_lacks_is_null_in_every_row() -> None:
    columns = person_columns(pl.DataFrame({"record": [1, 2]}))
    assert columns.rows() == [(None, None, None, None)] * 2
    assert person_columns(pl.DataFrame({"age": [3], "site": ["a"]})).row(0) == (3.0, None, None, "a")


def test_ptb_xl_has_persons_and_recorders(tmp_path: Path) -> None:
    write_ptb_xl(tmp_path / "tree", rate_hz=100)
    path = tmp_path / "tree" / "ptbxl_database.csv"
    table = pl.read_csv(path, infer_schema=False).with_row_index("row")
    row = pl.col("row")
    table.with_columns(
        age=pl.when(row == 0).then(pl.lit("300.0")).otherwise(pl.lit("56.0")),
        sex=(row % 2).cast(pl.String),
        device=pl.when(row > 0).then(pl.lit("CS-12   E ")),
        site=pl.lit("3.0"),
    ).drop("row").write_csv(path)
    records = prepare("ptb_xl", tmp_path / "tree", "data.rate_hz=100").records.sort("record")
    persons = records.select("age", "sex", "device", "site")
    assert persons.row(0) == (90.0, "male", None, "3")
    assert persons.row(1) == (56.0, "female", "CS-12   E", "3")


@pytest.fixture
def tree(tmp_path: Path) -> MimicTree:
    """A MIMIC-IV-ECG tree with carts; the record of row 0 is of the year 2182."""
    tree = MimicTree(tmp_path / "tree")
    tree.reports = [report | {"cart_id": 6_000_000 + number} for number, report in enumerate(tree.reports)]
    tree.write_tables()
    return tree


def test_mimic_has_carts_and_with_its_patients_ages_in_the_year_of_the_record(tmp_path: Path, tree: MimicTree) -> None:
    records = prepare("mimic_iv_ecg", tree.root, SHORT).records.sort("record")
    assert records.select("age", "sex", "device", "site").row(2) == (None, None, "6000002", None)
    (tmp_path / "patients.csv").write_text(
        "subject_id,gender,anchor_age,anchor_year,dod\n10000000,F,52,2180,\n10000001,M,91,2182,\n10000002,M,60,2190,\n"
    )
    store = prepare("mimic_iv_ecg", tree.root, SHORT, f"data.patients_csv={tmp_path / 'patients.csv'}")
    persons = store.records.sort("record").select("age", "sex")
    assert records["time"][0] == datetime.datetime(2182, 9, 22, 12, 4)
    assert persons.rows()[0:12:3] == [(54.0, "female"), (90.0, "male"), (52.0, "male"), (None, None)]
    assert "patients.csv" in store.manifest["source"]["sha256"]


def test_patients_of_another_release_are_refused(tmp_path: Path, tree: MimicTree) -> None:
    (tmp_path / "patients.csv").write_text("subject_id,gender,anchor_age,anchor_year\n7,F,52,2180\n")
    with pytest.raises(DataError, match=r"knows none of the patients; set data.patients_csv to hosp/patients.csv"):
        prepare("mimic_iv_ecg", tree.root, SHORT, f"data.patients_csv={tmp_path / 'patients.csv'}")
