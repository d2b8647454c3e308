"""The user's own labels: cells, codes, records, rare classes and words, and what is refused."""

import gzip
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ecgmm.data.batches.targets import make_targets
from ecgmm.data.sources.labels.label_set import LabelSettings, OwnLabels
from ecgmm.data.sources.labels.label_table import LabelTable
from ecgmm.data.sources.labels.opening import open_labels
from ecgmm.data.sources.leakage import origins_of, refuse_leak
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError, DataError
from ecgmm.text.policy import apply_policy
from tests.data.trees import write_store

RECORDS = [40689238, 40689239, 40689240, 40689241]
"""Two of the training split, one of each other; the first has two windows."""
SPLITS = ["train", "train", "train", "val", "test"]
Read = Callable[..., LabelTable]


def store_of(folder: Path, names: list[str] | None = None) -> Store:
    rows = [RECORDS[0], *RECORDS]
    evidence = pl.DataFrame({"record": RECORDS, **({} if names is None else {"record_name": names})})
    reports = pl.DataFrame({"report": [0], "statements": [["a"]], "text": ["a"]})
    records = pl.DataFrame({"record": rows, "split": SPLITS})
    return write_store(folder, np.zeros((5, 12, 20), np.int16), records, reports, {"parameters": {}}, evidence)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "stores").mkdir()
    return store_of(tmp_path / "stores" / "x")


@pytest.fixture
def read(store: Store, tmp_path: Path) -> Read:
    """Labels of the store from the content of a CSV."""

    def labels_of(content: str | bytes, fewest: int = 0, of: Store = store, name: str = "l.csv", **own: Any) -> Any:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        settings = LabelSettings(labels_csv=path, own=OwnLabels(**own), fewest_records=fewest)
        return open_labels(of, "table", settings)

    return labels_of


TWO = "record,AF,MI\n40689238,1,0\n40689239,0,0\n40689240,0,1\n40689241,0.5,0.49\n"


def rows(labels: LabelTable) -> list[dict[str, float] | None]:
    return [labels.of_row(row) for row in range(len(labels.values))]


def test_one_column_a_class_is_joined_by_the_record(read: Read) -> None:
    labels = read(TWO)
    assert labels.label_set.classes == ("AF", "MI")
    assert labels.values.tolist() == [[1, 0], [1, 0], [0, 0], [0, 1], pytest.approx([0.5, 0.49])]
    assert labels.present.tolist() == [[1, 0], [1, 0], [0, 0], [0, 1], [1, 0]]  # a probability counts from one half on
    assert labels.known.all()
    targets = make_targets(labels, "all", [], "soft")
    assert targets.usable.all(), "none of the classes is an answer"
    assert targets.values.tolist() == labels.present.tolist()
    assert targets.training.tolist() == labels.values.tolist()
    assert labels.describe(np.array(SPLITS))["counts"]["AF"] == {"train": 2, "val": 0, "test": 1}


@pytest.mark.parametrize(
    "content",
    [
        TWO.replace(",", ";").replace("0.5", "0,5").replace("0.49", "0,49"),
        TWO.replace("\n", "\r\n").encode("utf-16"),
        "\ufeff" + TWO.replace("40689238", "40689238.0").replace("record", "study_id"),
        gzip.compress(TWO.encode(), mtime=0),
        TWO.replace(",", "\t"),
        TWO.replace(",1", ",True").replace(",0\n", ",False\n"),
    ],
)
def test_a_table_saved_by_a_spreadsheet_is_the_same(read: Read, content: str | bytes) -> None:
    expected, found = read(TWO), read(content)
    assert found.values.tolist() == expected.values.tolist()
    assert found.label_set == expected.label_set
    assert found.digest != expected.digest, "the digest is that of the content"


CODED = "id;codes;age\n40689238;AF|MI;50\n40689239;['MI', 'OTHER'];60\n40689240;[];70\n40689241;;80\n"
MAP = "code,class\nAF,rhythm\nAF,any\nMI,any\n"


def test_codes_are_classes_or_belong_to_those_of_a_map(read: Read, tmp_path: Path) -> None:
    by_code = read(CODED, id="id", column="codes")
    assert by_code.label_set.classes == ("AF", "MI", "OTHER")
    assert rows(by_code)[1:] == [{"AF": 1, "MI": 1}, {"MI": 1, "OTHER": 1}, {}, None]
    (tmp_path / "map.csv").write_text(MAP)
    mapped = read(CODED, id="id", column="codes", class_map=tmp_path / "map.csv")
    assert mapped.label_set.classes == ("rhythm", "any")
    assert rows(mapped)[1:] == [{"rhythm": 1, "any": 1}, {"any": 1}, {}, None]
    assert mapped.label_set.notes["codes that belong to no class"] == 1
    (tmp_path / "map.csv").write_text(MAP.replace("AF,any\n", ""))
    assert read(CODED, id="id", column="codes", class_map=tmp_path / "map.csv").digest != mapped.digest


@pytest.mark.parametrize("cell", ["426783006,164889003", "[426783006, 164889003]", "164889003.0 426783006"])
def test_codes_are_understood_as_programs_write_them(read: Read, cell: str) -> None:
    labels = read(f'record;codes\n40689238;"{cell}"\n40689239;426783006\n', column="codes")
    assert rows(labels)[1:3] == [{"164889003": 1, "426783006": 1}, {"426783006": 1}]


def test_classes_are_chosen_and_rare_ones_left_out(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    wide = "record,age,AF,MI,CD\n40689238,50,1,0,0\n40689239,60,1,1,0\n40689240,,0,1,1\n"
    assert read(wide, classes=("MI", "AF")).label_set.classes == ("MI", "AF")
    assert read(wide, classes=("MI", "AF", "CD"), keep=("CD", "AF")).label_set.classes == ("CD", "AF")
    with caplog.at_level(logging.WARNING):
        labels = read(wide, classes=("AF", "MI", "CD"), fewest=1)
    assert labels.label_set.classes == ("AF", "MI")
    assert labels.label_set.notes["class CD left out by labels.min_records, records"] == 1
    assert "leaves out 1 of 3 classes" in caplog.text
    with pytest.raises(ConfigError, match=r"no class has the 5 training records .* the most are 2"):
        read(wide, classes=("AF", "MI", "CD"), fewest=5)


def test_everything_that_is_not_joined_is_counted(read: Read) -> None:
    labels = read("record,AF,MI\n40689238,1,0\n40689238.0,1,0\n40689239,,\n40689240,1,\n7,1,1\n")
    assert rows(labels) == [{"AF": 1}, {"AF": 1}, None, None, None]
    assert {name: count for name, count in labels.label_set.notes.items() if count} == {
        "rows whose record is not in the store": 1,
        "rows that repeat another": 1,
        "records without a row": 1,
        "records whose row is empty": 1,
        "records with some classes empty, which count as unlabelled": 1,
    }


def test_records_with_names_of_their_own_are_joined_by_them(read: Read, tmp_path: Path) -> None:
    named = store_of(tmp_path / "stores" / "named", ["a/1", "a/2", "b/1", "007"])
    labels = read("path,AF\na/1.hea,1\nb/1,0\n007,1\n40689239,1\n", of=named)
    assert rows(labels) == [{"AF": 1}, {"AF": 1}, None, {}, {"AF": 1}]


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "no ids": ("a,AF\n1,1\n", {}, r"has no column record, .*labels\.id"),
    "another column of ids": (
        TWO,
        {"id": "study"},
        r"has no study, which labels\.id names; its columns are record, AF",
    ),
    "no number": (TWO.replace("0.5", "maybe"), {}, r"line 5: column AF holds xxxxx .*labels\.classes"),
    "out of range": (TWO.replace(",1\n", ",2\n"), {}, "line 4: column MI holds 9 .* no label"),
    "rows that differ": (TWO + "40689238,0,0\n", {}, "lines 2 and 6 are of one record and differ"),
    "other ids": (
        "record,AF\n12,1\n13,0\n",
        {},
        "ids are numbers of 2 digits, and those of the store are numbers of 8",
    ),
    "names": ("record,AF\nabc,1\n", {}, "ids are texts of 3 characters"),
    "always a blank": ("record,AF,MI\n40689238,1,\n40689239,,1\n", {}, "every row leaves a class empty"),
    "no class": ("record\n40689238\n", {}, "names no class"),
    "no such class": (TWO, {"keep": ("CD",)}, r"has no CD, which labels\.keep names; its classes are AF, MI"),
    "no such code": (CODED, {"id": "id", "column": "codes", "classes": ("X",)}, "none of the 3 codes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_one_sentence_without_ids(read: Read, case: str) -> None:
    content, own, message = REFUSED[case]
    with pytest.raises(DataError, match=message) as error:
        read(content, **own)
    assert "40689" not in str(error.value)


def test_one_class_is_a_choice_of_two_where_one_is_chosen(read: Read) -> None:
    labels = read("record,AF\n40689238,1\n40689239,0\n40689240,0.3\n")
    targets = make_targets(labels, "exactly_one", [], "soft")
    assert targets.class_names == ("not_AF", "AF")
    assert targets.values.tolist() == [1, 1, 0, 0, 0]
    assert targets.usable.tolist() == [True, True, True, True, False]
    np.testing.assert_allclose(targets.training[3], [0.7, 0.3], atol=1e-6)
    assert make_targets(labels, "all", [], "hard").class_names == ("AF",)
    with pytest.raises(ConfigError, match="task=multilabel"):
        make_targets(read("record,AF\n40689238,1\n", exhaustive=True), "exactly_one", [], "hard")


WORDS = (
    "class,description,mask\nAF,atrial fibrillation,fibrillation|irregular*\nMI,infarct,\nMI,heart attack,infarct*\n"
)
REPORT = ["atrial fibrillation", "old Infarction, no change", "irregularly irregular", "sinus rhythm", "minimal q"]


def test_own_words_describe_classes_and_mask_statements(read: Read, tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text(WORDS)
    labels = read(TWO, descriptions=tmp_path / "words.csv").label_set
    assert labels.descriptions == {"AF": ("atrial fibrillation",), "MI": ("infarct", "heart attack")}
    assert apply_policy([REPORT], "masked", labels.masks, labels.phrases) == [["sinus rhythm", "minimal q"]]
    assert apply_policy([["some mi", "minimal"]], "masked", (), ("MI",)) == [["minimal"]]
    with pytest.raises(ConfigError, match=r"the column mask of labels\.descriptions"):
        apply_policy([REPORT], "masked", read(TWO).label_set.masks, read(TWO).label_set.phrases)
    (tmp_path / "words.csv").write_text(WORDS.replace("\nAF", "\nFA"))
    with pytest.raises(DataError, match="line 2: there is no class 'FA'; the classes are AF, MI"):
        read(TWO, descriptions=tmp_path / "words.csv")


@pytest.mark.parametrize(
    ("source", "text", "leaky"),
    [
        ("unknown", "annotator", True),
        ("unknown", "simulation", True),
        ("report", "notes", True),
        ("annotation", "machine_statements", False),
        ("icd", "unknown", False),
        ("other", "annotator", False),
    ],
)
def test_labels_of_which_nothing_is_said_count_as_read_from_any_report(
    read: Read, source: str, text: str, leaky: bool
) -> None:
    labels = read(TWO, source=source).label_set
    origins = origins_of(text, labels, "full", ["ecg", "text"])
    assert origins.leaky is leaky
    assert not origins_of(text, labels, "masked", ["text"]).leaky
    assert not origins_of(text, labels, "full", ["ecg"]).leaky
    if leaky:
        with pytest.raises(ConfigError, match=r"labels\.source=annotation" if source == "unknown" else "read from the"):
            refuse_leak(origins, allow_leaky=False)


def test_the_digest_holds_all_that_decides_and_labels_outlive_their_file(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text(TWO)
    settings = LabelSettings(labels_csv=path)
    table = open_labels(store, "table", settings)
    changed: list[dict[str, Any]] = [{"source": "icd"}, {"keep": ("AF",)}, {"exhaustive": True}, {"id": "record"}]
    others = [open_labels(store, "table", replace(settings, own=OwnLabels(**change))) for change in changed]
    assert len({one.digest for one in [table, *others]}) == 5
    assert open_labels(store, "table", replace(settings, min_records=3)).digest == table.digest
    path.rename(tmp_path / "moved.csv")
    assert open_labels(store, "table", settings).values.tolist() == table.values.tolist()
    assert open_labels(store, "table", replace(settings, labels_csv=tmp_path / "moved.csv")).digest == table.digest
    (tmp_path / "moved.csv").write_text(TWO.replace("0.5", "0"))
    assert open_labels(store, "table", replace(settings, labels_csv=tmp_path / "moved.csv")).digest != table.digest
    with pytest.raises(ConfigError, match=r"table needs data\.labels_csv"):
        open_labels(store, "table")


def test_labels_outlive_their_map_and_words_too(read: Read, tmp_path: Path) -> None:
    files = {"class_map": tmp_path / "map.csv", "descriptions": tmp_path / "words.csv"}
    files["class_map"].write_text(MAP)
    files["descriptions"].write_text("class,mask\nany,infarct*\n")
    own: dict[str, Any] = {"id": "id", "column": "codes", **files}
    table = read(CODED, **own)
    for path in files.values():
        path.unlink()
    again = read(CODED, **own)
    assert (again.digest, again.label_set) == (table.digest, table.label_set)
    with pytest.raises(DataError, match=r"labels\.class_map and the file of labels\.descriptions is missing"):
        read(CODED + "1;AF;3\n", **own)
