"""The synthetic source takes the way of MIMIC-IV-ECG, with the truth as labels."""

from pathlib import Path

import polars as pl
import pytest
from hydra import compose, initialize_config_dir

from ecgmm.building import construct
from ecgmm.configuration import CONF_DIR
from ecgmm.data.preparation.preparation import prepare_store
from ecgmm.data.sources.labels.opening import open_labels
from ecgmm.data.sources.simulated import Synthetic
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError, DataError
from ecgmm.settings.label_sets import LABEL_SETS


def settings(folder: Path, *overrides: str) -> Synthetic:
    given = [f"paths.raw={folder / 'raw'}", f"paths.stores={folder / 'stores'}", "data.n_patients=40", *overrides]
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        config: Synthetic = construct(compose("prepare", given).data)
    return config


def test_tree_and_store_are_made_when_absent_and_labels_are_the_truth(tmp_path: Path) -> None:
    config = settings(tmp_path)
    store = Store.open(prepare_store(config))
    (tree,) = (tmp_path / "raw").iterdir()
    truth = pl.read_csv(tree / "truth.csv").select("study_id", "NORM", "MI", "STTC", "CD", "HYP").sort("study_id")
    labels = open_labels(store, "superclass", config.label_settings)
    table = pl.DataFrame(labels.values, schema=list(labels.label_set.classes)).select(store.records["record"], pl.all())
    assert table.sort("record").rows() == truth.filter(pl.col("study_id").is_in(table["record"].implode())).rows()
    assert labels.label_set.source == "simulation"
    assert store.manifest["kept"] == truth.height
    written = (tree / "truth.csv").stat().st_mtime_ns
    assert prepare_store(settings(tmp_path)) == store.path
    assert (tree / "truth.csv").stat().st_mtime_ns == written


def test_other_rates_are_another_tree_and_another_store(tmp_path: Path) -> None:
    roots = {settings(tmp_path, *given).root for given in ([], ["data.seed=1"], ["data.rates.hedge=0.1"])}
    assert len(roots) == 3


def test_a_folder_that_is_no_such_tree_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    with pytest.raises(DataError, match=r"record_list\.csv is missing"):
        prepare_store(settings(tmp_path, f"data.root={tmp_path / 'tree'}"))


def test_the_tree_carries_diagnoses_and_their_folds(tmp_path: Path) -> None:
    config = settings(tmp_path, "data.icd.min_records=10", "data.icd.use_folds=true")
    store = Store.open(prepare_store(config))
    (tree,) = (tmp_path / "raw").iterdir()
    table = pl.read_csv(tree / "records_w_diag_icd10.csv").select("study_id", "fold", "all_diag_all")
    joined = store.records.join(table, left_on="record", right_on="study_id", maintain_order="left")
    assert joined.height == store.records.height
    assert set(joined.filter(pl.col("split") == "test")["fold"]) == {19}
    assert set(joined.filter(pl.col("split") == "val")["fold"]) == {18}
    assert set(joined.filter(pl.col("split") == "train")["fold"]) <= set(range(18))
    in_stay = joined["all_diag_all"] != "[]"
    assert 0.4 < in_stay.sum() / joined.height < 0.8
    tables = {name: open_labels(store, name, config.label_settings) for name in LABEL_SETS}
    assert (tables["icd_cardiac"].known == in_stay.to_numpy()).all()
    assert {name: table.label_set.source for name, table in tables.items()} == {
        "superclass": "simulation", "rhythm": "simulation", "icd_cardiac": "icd", "icd_multilabel": "icd"
    }  # fmt: skip
    assert store.manifest["source"]["sha256"].keys() >= {"truth.csv", "records_w_diag_icd10.csv"}


def test_without_the_icd_file_there_are_no_icd_labels(tmp_path: Path) -> None:
    config = settings(tmp_path, "data.icd.csv=null")
    store = Store.open(prepare_store(config))
    for name in ("icd_cardiac", "icd_multilabel"):
        with pytest.raises(ConfigError, match=f"no label set '{name}'"):
            open_labels(store, name, config.label_settings)
