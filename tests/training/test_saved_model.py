"""A saved model gives the numbers of its run again, on its own store, on another, and for one record."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from omegaconf import OmegaConf

from ecgmm.data.store.store import Store
from ecgmm.runs.configuration import read_config
from ecgmm.training import evaluation, served
from ecgmm.training.predictions import predict_frame
from tests.data.trees import edit_manifest
from tests.rounding import of_sums

Command = Callable[..., int]


@pytest.fixture
def finished_run(command: Command, quick_settings: list[str], tmp_path: Path) -> Path:
    run = tmp_path / "run"
    assert command("train", *quick_settings, "trainer.precision=32-true", f"hydra.run.dir={run}") == 0
    return run


def store_of(run: Path, workspace: Path) -> Path:
    fingerprint = json.loads((run / "run.json").read_text())["data"]["fingerprint"]
    stores = [file.parent for file in (workspace / "stores").glob("*/manifest.json")]  # beside them: labels, texts
    [path] = [path for path in stores if Store.open(path).fingerprint == fingerprint]
    return path


def test_evaluate_repeats_the_numbers_of_training(finished_run: Path, command: Command, workspace: Path) -> None:
    """To the last bit, because it predicts the batches that training predicted: others could round otherwise."""
    assert command("evaluate", f"run={finished_run}", f"paths.stores={workspace}/stores") == 0
    [file] = (finished_run / "evaluation").glob("*-test.json")
    saved = json.loads((finished_run / "metrics.json").read_text())
    del saved["val/auroc_macro"]  # only training looks at validation as well
    assert json.loads(file.read_text()) == saved
    assert command("evaluate", f"run={finished_run}", f"paths.stores={workspace}/stores", "split=val") == 0
    [file] = (finished_run / "evaluation").glob("*-val.json")
    on_validation = json.loads((finished_run / "metrics.json").read_text())["val/auroc_macro"]["value"]
    assert json.loads(file.read_text())["val/auroc_macro"]["value"] == on_validation


def test_batches_of_another_make_up_give_the_same_up_to_rounding(
    finished_run: Path, command: Command, monkeypatch: pytest.MonkeyPatch, workspace: Path
) -> None:
    """A record's probabilities alone and among 31 others: as far apart as sums over a record's samples may be."""
    found = []

    def predicted(*arguments: Any) -> pl.DataFrame:
        found.append(predict_frame(*arguments))
        return found[-1]

    monkeypatch.setattr(evaluation, "predict_frame", predicted)
    for batch_size in (32, 1):
        monkeypatch.setattr(served, "read_config", lambda *of, n=batch_size: read_config(*of) | {"batch_size": n})
        assert command("evaluate", f"run={finished_run}", f"paths.stores={workspace}/stores") == 0
    columns = [name for name in found[0].columns if name.startswith("probability.")]
    together, alone = (frame.select(columns).to_numpy() for frame in found)
    np.testing.assert_allclose(alone, together, atol=of_sums(12 * 1000), rtol=0)


def test_evaluate_takes_another_store_of_the_same_shape(
    finished_run: Path, command: Command, workspace: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(store_of(finished_run, workspace), tmp_path / "other-store")
    assert command("evaluate", f"run={finished_run}", f"store={other}", "split=val") == 0
    metrics = json.loads((finished_run / "evaluation" / "other-store-val.json").read_text())
    assert "val/auroc_macro" in metrics


@pytest.mark.parametrize(
    ("key", "value", "cure"),
    [("evidence", {"columns": []}, "a source that carries these labels"), ("rate_hz", 250, "the same data.rate_hz")],
)
def test_evaluate_refuses_a_store_that_does_not_fit(
    finished_run: Path,
    command: Command,
    workspace: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    key: str,
    value: object,
    cure: str,
) -> None:
    other = shutil.copytree(store_of(finished_run, workspace), tmp_path / "other-store")
    edit_manifest(other, **{key: value})
    assert command("evaluate", f"run={finished_run}", f"store={other}") == 2
    assert cure in capsys.readouterr().err


def test_predict_gives_what_the_run_predicted(
    finished_run: Path, command: Command, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store.open(store_of(finished_run, workspace))
    predicted = pl.read_parquet(finished_run / "predictions.parquet").filter(pl.col("has_report"))
    row = predicted.row(0, named=True)
    record = store.records.row(row["row"], named=True)
    [header] = (workspace / "raw").rglob(f"{row['record']}.hea")
    report = store.reports["text"][record["report"]]
    capsys.readouterr()
    assert command("predict", f"run={finished_run}", f"record={header}", f'report="{report}"') == 0
    printed = {line.split()[0].rstrip(":"): line.split()[1] for line in capsys.readouterr().out.splitlines()}
    for name in ("NORM", "MI", "STTC", "CD", "HYP"):
        assert float(printed[name]) == pytest.approx(row[f"probability.{name}"], abs=6e-4)
    assert float(printed["gate"]) == pytest.approx(row["gate"], abs=6e-4)


def test_predict_takes_either_modality_alone(
    finished_run: Path, command: Command, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = next((workspace / "raw").rglob("*.hea"))
    capsys.readouterr()
    assert command("predict", f"run={finished_run}", f"record={header.with_suffix('')}") == 0
    assert "gate: 1.000 of the waveform" in capsys.readouterr().out
    assert command("predict", f"run={finished_run}", "report=Sinus rhythm") == 0
    assert "gate: 0.000 of the waveform" in capsys.readouterr().out


def test_predict_needs_an_input_and_a_finished_run(
    finished_run: Path, command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("predict", f"run={finished_run}") == 2
    assert "give record=... or report" in capsys.readouterr().err
    assert command("predict", f"run={tmp_path}/nothing", "report=Sinus rhythm") == 2
    assert "holds no model" in capsys.readouterr().err
    assert command("predict", f"run={finished_run}", f"record={tmp_path}/absent") == 2
    assert "cannot be read" in capsys.readouterr().err


def test_the_model_folder_holds_all_that_prediction_needs(finished_run: Path, command: Command, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    shutil.copytree(finished_run / "model", moved / "model")
    assert command("predict", f"run={moved}", "report=Sinus rhythm") == 0


def test_config_yaml_is_resolved_and_trains_the_same_run_again(finished_run: Path) -> None:
    config = OmegaConf.load(finished_run / "config.yaml")
    text = OmegaConf.to_yaml(config, resolve=False)
    assert "${" not in text
    assert np.isfinite(config.optimizer.lr)
