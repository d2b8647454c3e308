"""Labels are made once, kept beside the store, and made anew when anything that decides them changes."""

import os
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from omegaconf import OmegaConf

from ecgmm.configuration import CONF_DIR
from ecgmm.data.sources.labels import opening, superclass
from ecgmm.data.sources.labels.label_set import LabelSettings
from ecgmm.data.sources.labels.label_table import LabelTable, folder_of
from ecgmm.data.sources.labels.opening import open_labels
from ecgmm.data.sources.labels.reading import rule_tables
from ecgmm.data.sources.labels.registry import definition_of
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError, DataError
from ecgmm.settings.label_sets import LABEL_SETS
from tests.data.trees import edit_manifest, write_store

STATEMENTS = {5: ["sinus rhythm", "normal ecg"], 6: [], 7: ["possible inferior infarct", "left bundle branch block"]}
ROWS = [5, 5, 6, 7, 8]
"""Records of the rows: two windows of 5, and 8, of which the evidence says nothing."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    reports = pl.DataFrame({"report": [0], "statements": [["a"]], "text": ["a"]})
    evidence = pl.DataFrame({"record": list(STATEMENTS), "statements": list(STATEMENTS.values())})
    (tmp_path / "stores").mkdir()
    steps = np.zeros((len(ROWS), 12, 20), np.int16)
    return write_store(
        tmp_path / "stores" / "x", steps, pl.DataFrame({"record": ROWS}), reports, {"parameters": {}}, evidence
    )


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[LabelTable]:
    """The tables that were made and not read."""
    tables: list[LabelTable] = []
    make = opening._make

    def keeping(*arguments: Any) -> LabelTable:
        tables.append(make(*arguments))
        return tables[-1]

    monkeypatch.setattr(opening, "_make", keeping)
    return tables


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def same(one: LabelTable, other: LabelTable) -> bool:
    return np.array_equal(one.values, other.values, equal_nan=True) and one.label_set == other.label_set


def test_labels_are_made_once_and_lie_beside_the_store(store: Store, made: list[LabelTable]) -> None:
    before = content(store.path)
    first, second = open_labels(store, "superclass"), open_labels(store, "superclass")
    assert len(made) == 1
    assert same(first, second)
    assert [first.of_row(row) for row in range(5)] == [{"NORM": 1}, {"NORM": 1}, None, {"CD": 1}, None]
    assert first.known.tolist() == [True, True, False, True, False]
    assert first.values.shape == (5, 5)
    assert first.values.dtype == np.float32
    assert (first.label_set.classes[0], first.label_set.source) == ("NORM", "report")
    [file] = folder_of(store.path).iterdir()
    assert file.name == f"superclass-{first.digest}.parquet"
    assert file.stat().st_mode & 0o077 == 0
    assert pl.read_parquet(file)["CD"].to_list() == [0, 0, None, 1, None]
    assert content(store.path) == before
    assert Store.open(store.path).fingerprint == store.fingerprint


def test_other_settings_rules_or_rows_are_another_table(
    store: Store, made: list[LabelTable], monkeypatch: pytest.MonkeyPatch
) -> None:
    open_labels(store, "superclass")
    possible = open_labels(store, "superclass", LabelSettings(certainty="include_possible"))
    assert possible.of_row(3) == {"MI": 0.5, "CD": 1}
    open_labels(store, "superclass", LabelSettings(min_records=3))  # which the set does not hang on
    assert len(made) == 2
    assert "statement_rules.csv" in rule_tables()
    changes: list[dict[str, Any]] = [{"version": "other rules"}, {"tables": lambda: {"statement_rules.csv": "0"}}]
    for change in changes:
        readers = tuple(replace(reader, **change) for reader in superclass.LABELS.readers)
        with monkeypatch.context() as patched:
            patched.setattr(superclass, "LABELS", replace(superclass.LABELS, readers=readers))
            open_labels(store, "superclass")
    assert len(made) == 4
    edit_manifest(store.path, rate_hz=250)
    open_labels(Store.open(store.path), "superclass")
    assert len(made) == len(list(folder_of(store.path).iterdir())) == 5


DAMAGE: dict[str, Callable[[Path, random.Random], object]] = {
    "empty": lambda file, _: file.write_bytes(b""),
    "half": lambda file, _: os.truncate(file, file.stat().st_size // 2),
    "garbage": lambda file, rng: file.write_bytes(rng.randbytes(file.stat().st_size)),
    "another table": lambda file, _: pl.DataFrame({"CD": [0.0] * 5}).write_parquet(file),
    "its own values changed": lambda file, _: (
        pl.read_parquet(file).reverse().write_parquet(file, metadata=dict(pl.read_parquet_metadata(file)))
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_table_is_made_again(
    store: Store, damage: str, made: list[LabelTable], caplog: pytest.LogCaptureFixture
) -> None:
    table = open_labels(store, "superclass")
    [file] = folder_of(store.path).iterdir()
    sound = file.read_bytes()
    DAMAGE[damage](file, random.Random(0))
    assert same(open_labels(store, "superclass"), table)
    assert file.read_bytes() == sound
    assert len(made) == 2
    assert "is damaged and is made again" in caplog.text


def test_no_flipped_bit_changes_a_label(store: Store) -> None:
    table = open_labels(store, "superclass")
    [file] = folder_of(store.path).iterdir()
    sound, rng = file.read_bytes(), random.Random(0)
    for _ in range(40):
        flipped = bytearray(sound)
        flipped[rng.randrange(len(sound))] ^= 1 << rng.randrange(8)
        file.write_bytes(flipped)
        assert same(open_labels(store, "superclass"), table)


def test_of_several_that_ask_at_once_one_makes_them(store: Store, made: list[LabelTable]) -> None:
    start, tables = threading.Barrier(4), []

    def ask() -> None:
        start.wait()
        tables.append(open_labels(store, "superclass"))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert all(same(table, made[0]) for table in tables)
    assert len(list(folder_of(store.path).iterdir())) == 1


def test_where_nothing_can_be_written_labels_are_not_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert open_labels(store, "superclass").of_row(0) == {"NORM": 1}
    assert "cannot be written" in caplog.text
    assert not folder_of(store.path).exists()


def test_labels_of_a_file_outlive_it(store: Store, made: list[LabelTable], tmp_path: Path) -> None:
    csv = tmp_path / "icd.csv"
    pl.DataFrame({"study_id": [5, 7], "all_diag_all": ["['I48']", "['I10']"], "fold": [0, 1]}).write_csv(csv)
    settings = LabelSettings(icd_csv=csv, min_records=1)
    table = open_labels(store, "icd_multilabel", settings)
    assert [table.of_row(row) for row in range(5)] == [{"I48": 1}, {"I48": 1}, None, {"I10": 1}, None]
    csv.unlink()
    assert same(open_labels(store, "icd_multilabel", settings), table)
    with pytest.raises(DataError, match=r"icd\.csv is missing; set data\.icd\.csv"):
        open_labels(store, "icd_multilabel", replace(settings, min_records=2))
    pl.DataFrame({"study_id": [5], "all_diag_all": ["['I10']"], "fold": [0]}).write_csv(csv)
    assert open_labels(store, "icd_multilabel", settings).of_row(0) == {"I10": 1}
    assert len(made) == 2


def test_what_is_not_there_is_refused(store: Store) -> None:
    with pytest.raises(ConfigError, match="choose one of superclass, rhythm"):
        open_labels(store, "os")
    with pytest.raises(ConfigError, match="the store has no label set 'icd_cardiac'"):
        open_labels(store, "icd_cardiac")


@pytest.mark.parametrize("name", LABEL_SETS)
def test_every_label_set_has_its_module_and_its_settings(name: str) -> None:
    definition = definition_of(name)
    settings: Any = OmegaConf.load(CONF_DIR / "labels" / f"{name}.yaml")
    assert definition.name == name == settings.get("labels", settings)["name"]
    assert definition.masks
    sources = [reader.source for reader in definition.readers]
    assert set(sources) <= {"report", "annotation", "icd", "simulation"}
