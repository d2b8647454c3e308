"""PTB-XL: order of the leads, both rates, folds, and labels from the codes."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ecgmm.data.preparation.preparation import prepare_store
from ecgmm.data.sources.labels.label_table import LabelTable
from ecgmm.data.sources.labels.opening import open_labels
from ecgmm.data.store.store import Store
from tests.data.trees import (
    data_config,
    naming_steps,
    prepare,
    write_ptb_xl,
)

SHARED = Path(__file__).parents[3] / "../shared/data/ptb-xl-sample"


def rows_of(labels: LabelTable) -> list[tuple[float | None, ...]]:
    """Values of each row, None where nothing is known."""
    return [tuple(None if np.isnan(value) else value for value in row) for row in labels.values.tolist()]


@pytest.mark.parametrize("rate_hz", [100, 500])
def test_ptb_xl_order_and_rate(tmp_path: Path, rate_hz: int) -> None:
    write_ptb_xl(tmp_path / "tree", rate_hz=rate_hz)
    store = prepare("ptb_xl", tmp_path / "tree", f"data.rate_hz={rate_hz}")
    assert store.manifest["n_times"] == 10 * rate_hz
    for row, record in enumerate(store.records["record"]):
        np.testing.assert_array_equal(store.waveforms[row], np.roll(naming_steps(10 * rate_hz), record, axis=1))
    by_fold = dict(store.records.select("record", "split").iter_rows())
    assert (by_fold[8], by_fold[9], by_fold[10]) == ("train", "val", "test")


def test_labels_come_from_the_codes_whatever_their_likelihood(tmp_path: Path) -> None:
    codes = {1: "{'IMI': 0.0, 'SR': 100.0}", 2: "{'SR': 100.0}", 3: "not a dictionary", 4: "{'LVH': 50.0, 'NDT': 15.0}"}
    write_ptb_xl(tmp_path / "tree", rate_hz=100, codes=codes)
    store = prepare("ptb_xl", tmp_path / "tree", "data.rate_hz=100")
    assert store.records["record"].to_list() == sorted(store.records["record"])
    labels = rows_of(open_labels(store, "superclass"))
    none = (None,) * 5
    assert [labels[row] for row in (0, 1, 2, 4)] == [(0, 1, 0, 0, 0), none, none, (1, 0, 0, 0, 0)]
    assert labels[3] == pytest.approx((0, 0, 0.15, 0, 0.5))
    rhythm = open_labels(store, "rhythm")
    assert [rhythm.of_row(row) for row in range(3)] == [{"SR": 1}, {"SR": 1}, None]
    facts = open_labels(store, "superclass").describe(store.records["split"].to_numpy())
    assert facts["source"] == "annotation"
    assert facts["classes"] == ["NORM", "MI", "STTC", "CD", "HYP"]
    assert facts["counts"]["MI"]["train"] == 1
    assert facts["unlabelled"]["train"] == 2


def test_row_order_of_the_table_changes_neither_counts_nor_split(tmp_path: Path) -> None:
    write_ptb_xl(tmp_path / "tree", rate_hz=100, codes={3: "{'IMI': 35.0, 'AFIB': 0.0}"})
    table = tmp_path / "tree" / "ptbxl_database.csv"
    manifests, described = [], []
    for name in ("a", "b"):
        store = prepare("ptb_xl", tmp_path / "tree", "data.rate_hz=100", f"data.store={tmp_path}/{name}")
        manifests.append(store.manifest)
        described.append(open_labels(store, "superclass").describe(store.records["split"].to_numpy()))
        header, *rows = table.read_text().splitlines()
        table.write_text("\n".join([header, *rows[7:], *rows[:7]]) + "\n")
    assert manifests[0]["split"] == manifests[1]["split"]
    assert described[0] == described[1]
    assert manifests[0]["source"] != manifests[1]["source"]


def test_what_is_not_understood_is_counted_in_the_manifest(tmp_path: Path) -> None:
    codes = {1: "{'NORM': nan, 'SR': 0.0}", 2: "{'IMI': -5.0}", 3: "{'NROM': 100.0}", 4: "no codes"}
    write_ptb_xl(tmp_path / "tree", rate_hz=100, codes=codes)
    table = pl.read_csv(tmp_path / "tree" / "ptbxl_database.csv", infer_schema=False)
    fold, report, record = pl.col("strat_fold"), pl.col("report"), pl.col("ecg_id")
    table = table.with_columns(
        strat_fold=pl.when(record == "11").then(pl.lit("11")).otherwise(fold),
        report=pl.when(record == "5").then(pl.lit("NaN")).otherwise(report),
    )
    table.write_csv(tmp_path / "tree" / "ptbxl_database.csv")
    store = prepare("ptb_xl", tmp_path / "tree", "data.rate_hz=100")
    assert store.manifest["dropped"] == {"fold in no split": 1}
    assert store.manifest["unreadable"] == {
        "ptbxl_database.csv strat_fold": 1,
        "ptbxl_database.csv report: words such as nan": 1,
    }
    notes = {"records whose codes cannot be read": 1, "unknown codes": 1, "likelihoods that are not from 0 to 100": 2}
    assert all(open_labels(store, name).label_set.notes == notes for name in ("superclass", "rhythm"))
    assert store.manifest["text"]["absent"] == 1
    assert open_labels(store, "rhythm").of_row(0) == {"SR": 1}


def test_row_numbers_in_front_of_both_tables_change_nothing(tmp_path: Path) -> None:
    write_ptb_xl(tmp_path / "tree", rate_hz=100)
    first = prepare("ptb_xl", tmp_path / "tree", "data.rate_hz=100", f"data.store={tmp_path}/a")
    for name in ("ptbxl_database.csv", "scp_statements.csv"):
        header, *rows = (tmp_path / "tree" / name).read_text().splitlines()
        front = "," if name == "ptbxl_database.csv" else ",Unnamed: 0"
        numbered = [f"{number},{row}" for number, row in enumerate(rows)]
        (tmp_path / "tree" / name).write_text("\n".join([f"{front}{header}", *numbered]) + "\n")
    second = prepare("ptb_xl", tmp_path / "tree", "data.rate_hz=100", f"data.store={tmp_path}/b")
    assert first.records.equals(second.records)
    assert first.manifest["evidence"] == second.manifest["evidence"]
    assert first.evidence().equals(second.evidence())


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real recordings are not beside the project")
def test_the_real_sample_is_prepared_from_both_rates(tmp_path: Path) -> None:
    config = data_config("ptb_xl", SHARED, tmp_path, "data.rate_hz=100", "data.folds.val=[8]", "data.folds.test=[9,10]")
    store = Store.open(prepare_store(config))
    assert store.manifest["dropped"].keys() == {"file missing"}
    assert store.manifest["kept"] + sum(store.manifest["dropped"].values()) == 9530
    folds = pl.read_csv(SHARED / "ptbxl_database.csv").select(record="ecg_id", fold="strat_fold")
    joined = store.records.join(folds, on="record")
    assert set(joined.filter(pl.col("split") == "test")["fold"]) == {9, 10}
    assert set(joined.filter(pl.col("split") == "train")["fold"]) == set(range(1, 8))
