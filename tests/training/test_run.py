"""One training run as a user starts it, on the tiny synthetic store."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch

from ecgmm.runs.run import Run
from ecgmm.training.evaluation import evaluate_run
from ecgmm.training.task import DiagnosisTask
from tests.models.building import CONTROLS

Command = Callable[..., int]


@pytest.fixture
def train(command: Command, quick_settings: list[str], tmp_path: Path) -> Callable[..., Path]:
    """Train with overrides into a folder of its own; returns the run directory."""

    def run(*overrides: str, outputs: str = "outputs") -> Path:
        run_directory = tmp_path / outputs
        arguments = (*quick_settings, *overrides, f"hydra.run.dir={run_directory}")
        assert command("train", *arguments) == 0
        return run_directory

    return run


@pytest.fixture
def finished(trained_once: Callable[..., Path], tmp_path: Path) -> Path:
    """A copy of a finished run, where ``train`` would put it."""
    return shutil.copytree(trained_once(), tmp_path / "outputs")


def test_a_run_directory_explains_itself(trained_once: Callable[..., Path]) -> None:
    run = trained_once()
    facts = json.loads((run / "run.json").read_text())
    assert facts["finished"] is True
    assert facts["method"] == "gated_fusion"
    assert facts["recipe"] == "quick"
    assert facts["data"]["synthetic"] is True
    assert facts["labels"]["source"] == "simulation"
    assert facts["leaky"] is False
    assert {path.name for path in run.iterdir()} >= {"config.yaml", "history.csv", "predictions.parquet"}
    assert not (run / "checkpoints").exists()
    history = pl.read_csv(run / "history.csv")
    assert history["epoch"].to_list() == [0, 1]
    assert {"train/loss_cls", "train/loss_cons", "val/auroc_macro", "val/ecg_projection_norm"} <= set(history.columns)

    frame = pl.read_parquet(run / "predictions.parquet")
    probabilities = frame.select(pl.col("^probability\\..*$")).to_numpy()
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert set(frame["split"].unique()) == {"val", "test"}
    assert frame["gate"].is_between(0, 1).all()
    assert frame["record"].is_unique().all()

    metrics = json.loads((run / "metrics.json").read_text())
    entry = metrics["test/auroc_macro"]
    assert entry["low"] <= entry["value"] <= entry["high"]
    assert metrics["n_records"] == (frame["split"] == "test").sum()


def test_no_text_no_ids_in_what_is_saved_with_the_model(train: Callable[..., Path]) -> None:
    run = train("keep_checkpoints=true")
    checkpoint = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    patients = pl.read_parquet(run / "predictions.parquet")["patient"].to_list()
    text = json.dumps(checkpoint, default=lambda value: "" if isinstance(value, torch.Tensor) else str(value))
    text += (run / "model" / "model.json").read_text() + (run / "run.json").read_text()
    assert not [patient for patient in patients if str(patient) in text]


def test_a_finished_run_is_not_run_again(
    train: Callable[..., Path], finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = finished.joinpath("metrics.json").stat().st_mtime_ns
    monkeypatch.setattr(DiagnosisTask, "training_step", lambda *_: pytest.fail("trained again"))
    assert train().joinpath("metrics.json").stat().st_mtime_ns == before


@pytest.mark.parametrize("stop_after", [1, 8])
def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    train: Callable[..., Path], trained_once: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, stop_after: int
) -> None:
    whole = trained_once("trainer.max_epochs=3")
    original, n_calls = DiagnosisTask.training_step, 0

    def stopping(self: DiagnosisTask, *arguments: object) -> torch.Tensor:
        nonlocal n_calls
        n_calls += 1
        if n_calls > stop_after:
            raise RuntimeError("power failure")
        return original(self, *arguments)  # type: ignore[arg-type]  # as Lightning passes them

    with monkeypatch.context() as patch:
        patch.setattr(DiagnosisTask, "training_step", stopping)
        with pytest.raises(RuntimeError, match="power failure"):
            train("trainer.max_epochs=3", outputs="stopped")
    resumed = train("trainer.max_epochs=3", outputs="stopped")
    for name in ("metrics.json", "history.csv", "model/model.safetensors"):
        assert (resumed / name).read_bytes() == (whole / name).read_bytes(), name


def test_same_seed_same_bytes_other_seed_other_bytes(train: Callable[..., Path]) -> None:
    first, again, other = (train(f"seed={seed}", outputs=name) for seed, name in ((1, "a"), (1, "b"), (2, "c")))
    weights = [(run / "model" / "model.safetensors").read_bytes() for run in (first, again, other)]
    assert weights[0] == weights[1] != weights[2]


def test_another_run_in_the_same_folder_is_refused_and_left_alone(
    finished: Path, command: Command, quick_settings: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = (finished / "metrics.json").read_bytes()
    assert command("train", *quick_settings, "seed=7", f"hydra.run.dir={finished}") == 2
    assert "overwrite=true" in capsys.readouterr().err
    assert (finished / "metrics.json").read_bytes() == before


@pytest.mark.parametrize("method", CONTROLS)
def test_every_control_runs_through_the_same_command(train: Callable[..., Path], method: str) -> None:
    metrics = json.loads((train(f"method={method}") / "metrics.json").read_text())
    value = metrics["test/auroc_macro"]["value"]
    assert value == 0.5 if method == "majority" else 0.4 < value <= 1


def test_multilabel_uses_thresholds_of_the_validation_split(train: Callable[..., Path]) -> None:
    metrics = json.loads((train("task=multilabel") / "metrics.json").read_text())
    assert len(metrics["thresholds"]) == 5
    assert "test/exact_match" in metrics


def test_shuffled_text_keeps_labels_and_waveforms(train: Callable[..., Path]) -> None:
    run = train("text.policy=shuffled", "method=text_only")
    assert json.loads((run / "run.json").read_text())["text_policy"] == "shuffled"


def test_a_report_withheld_at_test_changes_nothing_in_training_but_the_epoch_that_is_chosen(
    train: Callable[..., Path], trained_once: Callable[..., Path], workspace: Path
) -> None:
    withheld, plain = train("text.at_test=none", outputs="withheld"), trained_once()
    facts = json.loads((withheld / "run.json").read_text())
    assert (facts["text_at_test"], facts["inputs_at_test"]) == ("none", ["ecg"])
    predictions = pl.read_parquet(withheld / "predictions.parquet")
    assert not predictions["has_report"].any()
    assert (predictions["gate"] == 1).all()
    losses = [pl.read_csv(run / "history.csv")["train/loss_cls"].to_list() for run in (withheld, plain)]
    assert losses[0] == losses[1]
    metrics, _ = evaluate_run(withheld, stores=workspace / "stores")
    assert metrics["test/auroc_macro"] == Run.open(withheld).metrics["test/auroc_macro"]


@pytest.mark.slow
def test_wandb_files_hold_numbers_and_no_text(train: Callable[..., Path], workspace: Path) -> None:
    run = train("logger=wandb", "logger.mode=offline")
    [file] = run.glob("wandb/offline-run-*/run-*.wandb")
    content = file.read_bytes()
    assert b"test/auroc_macro" in content
    assert b"synthetic" in content
    assert b"sinus rhythm" not in content.lower()
    assert str(workspace).encode() not in content
