"""The synthetic source takes the way of MIMIC-IV-ECG, with the truth as labels."""

from pathlib import Path

import polars as pl
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from ecgmm.configuration import CONF_DIR
from ecgmm.data.preparation import prepare_store
from ecgmm.data.simulated import Synthetic
from ecgmm.data.store import Store
from ecgmm.errors import DataError


def settings(folder: Path, *overrides: str) -> Synthetic:
    given = [f"paths.raw={folder / 'raw'}", f"paths.stores={folder / 'stores'}", "data.n_patients=40", *overrides]
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        config: Synthetic = instantiate(compose("prepare", given).data, _convert_="all")
    return config


def test_tree_and_store_are_made_when_absent_and_labels_are_the_truth(tmp_path: Path) -> None:
    config = settings(tmp_path)
    store = Store.open(prepare_store(config))
    (tree,) = (tmp_path / "raw").iterdir()
    truth = pl.read_csv(tree / "truth.csv").select("study_id", "NORM", "MI", "STTC", "CD", "HYP").sort("study_id")
    labels = store.records.sort("record").select("record", pl.col("^label\\..*$"))
    assert labels.rows() == truth.filter(pl.col("study_id").is_in(labels["record"].implode())).rows()
    assert store.manifest["labels"]["superclass"]["source"] == "simulation"
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
