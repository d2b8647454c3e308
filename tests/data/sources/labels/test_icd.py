"""Labels from discharge diagnoses: joined by study, counted where unusable, never run."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ecgmm.data.sources.labels import icd_cardiac, icd_multilabel
from ecgmm.data.sources.labels.definition import ReadLabels
from ecgmm.data.sources.labels.icd import IcdSettings
from ecgmm.data.sources.labels.icd_diagnoses import read_folds
from ecgmm.data.sources.labels.label_set import LabelSettings
from ecgmm.errors import ConfigError, DataError

ROWS = {
    1: "['I4891', 'I2119']",
    2: "['I10']",
    3: "[]",
    4: "['Z95.0', 'S72001A', 'i5022']",
    5: "['4019', 'NoDx', 'I42X']",
    6: "__import__('os').mkdir('ran')",
    7: "['I10'",
    8: "{'I10': 1}",
}
RECORDS = pl.Series([8, 7, 6, 5, 4, 3, 2, 1, 99])


def write(path: Path, rows: list[tuple[int, str]] | None = None) -> Path:
    listed = list(ROWS.items()) if rows is None else rows
    pl.DataFrame(listed, schema=["study_id", "all_diag_all"], orient="row").with_columns(
        fold=pl.col("study_id") % 20
    ).write_csv(path)
    return path


class Records:
    """A store that lists some records, which is all that is asked of it."""

    def __init__(self, records: Sequence[int] | pl.Series) -> None:
        self._records = pl.Series("record", records)

    def evidence(self) -> pl.DataFrame:
        return pl.DataFrame({"record": self._records})


def read(path: Path, records: Sequence[int] | pl.Series = RECORDS, min_records: int = 1) -> dict[str, ReadLabels]:
    settings: Any = LabelSettings(icd_csv=path, min_records=min_records)
    store: Any = Records(records)
    return {
        module.LABELS.name: module.LABELS.readers[0].read(store, settings) for module in (icd_cardiac, icd_multilabel)
    }


def classes(labels: ReadLabels) -> list[str]:
    return labels.frame.columns[1:]


def present(labels: ReadLabels) -> dict[int, set[str]]:
    """Classes of each record that has a label."""
    rows = labels.frame.drop_nulls().to_dicts()
    return {row["record"]: {name for name in classes(labels) if row[name] > 0} for row in rows}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(tmp_path / "icd.csv")


def test_of_a_stay_only_the_first_record_has_labels_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "diagnoses.csv"
    rows = [(1, "['I10']", 0), (2, "['I10']", 1), (3, "['I4891']", 0), (4, "[]", -1), (5, "['I4891']", 2)]
    pl.DataFrame(rows, schema=["study_id", "all_diag_all", "ecg_no_within_stay"], orient="row").with_columns(
        fold=0
    ).write_csv(path)
    store: Any = Records([5, 4, 3, 2, 1])
    reader = icd_cardiac.LABELS.readers[0]
    every, first = (LabelSettings(icd_csv=path, first_of_stay=only) for only in (False, True))
    assert set(present(reader.read(store, every))) == {1, 2, 3, 5}
    labels = reader.read(store, first)
    assert set(present(labels)) == {1, 3}
    assert labels.notes["records that are not the first of their stay"] == 2
    assert reader.decided_by(every) != reader.decided_by(first)


def test_the_first_class_by_priority_is_the_cardiac_label(path: Path) -> None:
    assert present(read(path)["icd_cardiac"]) == {1: {"ACS"}, 2: {"NONE"}, 4: {"CONDUCTION"}, 5: {"FAILURE"}}


def test_codes_are_cut_stripped_and_get_their_ancestors(path: Path) -> None:
    labels = read(path)["icd_multilabel"]
    assert present(labels) == {
        1: {"I48", "I489", "I4891", "I21", "I211", "I2119"},
        2: {"I10"},
        4: {"Z95", "Z950", "S72", "S720", "S7200", "I50", "I502", "I5022"},
        5: {"I42"},
    }
    assert classes(labels) == sorted(classes(labels))


def test_what_cannot_be_used_is_counted_and_never_run(path: Path) -> None:
    assert read(path)["icd_cardiac"].notes == {
        "records listed twice and differently": 0,
        "records not listed": 1,
        "lists that cannot be read": 3,
        "unknown codes": 2,
    }
    assert not (path.parent / "ran").exists()


def test_only_codes_of_enough_records_are_kept_and_none_is_no_label_set(tmp_path: Path) -> None:
    path = write(tmp_path / "icd.csv", [(1, "['I4891']"), (2, "['I480', 'I10']"), (3, "['I10']")])
    two = read(path, min_records=2)["icd_multilabel"]
    assert classes(two) == ["I10", "I48"]
    assert two.notes["codes below data.icd.min_records"] == 3
    assert classes(read(path, min_records=4)["icd_multilabel"]) == []


def test_copies_count_once_and_contradictions_not_at_all(tmp_path: Path) -> None:
    path = write(tmp_path / "icd.csv", [(1, "['I10']"), (1, "['I10']"), (2, "['I10']"), (2, "['I48']")])
    labels = read(path)
    assert present(labels["icd_multilabel"]) == {1: {"I10"}}
    assert labels["icd_cardiac"].notes["records listed twice and differently"] == 1
    assert labels["icd_cardiac"].notes["records not listed"] == 7


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    forward = read(write(tmp_path / "a.csv"))
    backward = read(write(tmp_path / "b.csv", list(reversed(ROWS.items()))))
    for name, labels in forward.items():
        assert labels.frame.equals(backward[name].frame)
        assert labels.notes == backward[name].notes


def test_a_file_without_a_column_or_no_file_is_one_sentence_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "icd.csv").write_text("study_id,fold\n1,2\n")
    message = re.escape(f"{tmp_path}/icd.csv has no column all_diag_all; use the file as it was published")
    with pytest.raises(DataError, match=message):
        read(tmp_path / "icd.csv")
    with pytest.raises(DataError, match=r"none\.csv is missing; set data\.icd\.csv"):
        read(tmp_path / "none.csv")


def test_folds_without_the_file_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"set data\.icd\.csv"):
        IcdSettings(csv=None, min_records=1, use_folds=True)


LISTS = [["I10", "I48"], ["I10", "E119"], ["I10"]]


@pytest.mark.parametrize("form", [str, json.dumps, lambda codes: str(np.array(codes)), lambda codes: f" {codes} "])
def test_every_way_a_program_prints_a_list_gives_the_same_labels(
    tmp_path: Path, form: Callable[[list[str]], str]
) -> None:
    tables = [write(tmp_path / "a.csv", [(n, str(LISTS[n % 3])) for n in range(30)])]
    tables.append(write(tmp_path / "b.csv", [(n, form(LISTS[n % 3])) for n in range(30)]))
    first, second = (read(path, range(30), 5) for path in tables)
    for name, labels in first.items():
        assert labels.frame.equals(second[name].frame)
        assert labels.notes == second[name].notes
    assert int(first["icd_cardiac"].frame["AFIB"].sum()) == 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("I10;I48", "30 of 30 values of column all_diag_all are no list of codes, as in x99;x99 "),
        ("[I10, I48]", "values of column all_diag_all are no list of codes"),
        ("['I10' 'I48', 'E119']", "values of column all_diag_all are no list of codes"),
        ("['4019', 'I10']", "30 of 60 codes of column all_diag_all are no ICD-10 codes, as in 9999 "),
    ],
)
def test_lists_or_codes_of_another_kind_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path / "icd.csv", [(number, text) for number in range(30)])
    with pytest.raises(DataError, match=message):
        read(path, range(30))


def test_a_cell_without_a_value_is_no_list_that_cannot_be_read(tmp_path: Path) -> None:
    path = write(tmp_path / "icd.csv", [(1, "['I10']"), (2, "nan"), (3, "")])
    labels = read(path, [1, 2, 3])
    assert labels["icd_cardiac"].notes["lists that cannot be read"] == 0
    assert present(labels["icd_multilabel"]) == {1: {"I10"}}


def test_folds_out_of_range_are_counted_and_a_file_of_other_records_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "icd.csv"
    pl.DataFrame({"study_id": [1, 2, 3], "all_diag_all": ["['I10']"] * 3, "fold": [20, -1, 19]}).write_csv(path)
    folds = read_folds(path, pl.Series([1, 2, 3]), "")
    assert folds.fold.to_list() == [None, None, 19]
    assert folds.unreadable == {"icd.csv fold": 2}
    with pytest.raises(DataError, match="lists none of the records"):
        read(path, [7])
