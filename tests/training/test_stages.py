"""Methods that learn from pairs before labels: their stages, readouts, and what an interruption does to them."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch

from ecgmm.training.task import DiagnosisTask

Command = Callable[..., int]
CLASSES = ["NORM", "MI", "STTC", "CD", "HYP"]


@pytest.fixture
def train(command: Command, quick_settings: list[str], tmp_path: Path) -> Callable[..., Path]:
    """Train a contrastive method with overrides; returns the run directory."""

    def run(*overrides: str, outputs: str = "outputs") -> Path:
        arguments = (*quick_settings, "method=ecg_clip", *overrides, f"hydra.run.dir={tmp_path / outputs}")
        assert command("train", *arguments) == 0
        return tmp_path / outputs

    return run


def read(run: Path, name: str) -> dict[str, object]:
    content: dict[str, object] = json.loads((run / name).read_text())
    return content


def test_one_stage_measures_the_method_and_its_report_readout(train: Callable[..., Path]) -> None:
    run = train()
    facts, metrics = read(run, "run.json"), json.loads((run / "metrics.json").read_text())
    assert facts["inputs_at_test"] == ["ecg"]
    assert facts["readouts"] == {"report": {"inputs_at_test": ["ecg", "text"], "leaky": False}}
    assert list(metrics["readouts"]) == ["report"]
    assert metrics["readouts"]["report"]["test/auroc_macro"]["value"] != metrics["test/auroc_macro"]["value"]
    assert (facts["size"], facts["stages"], facts["two_stages"]) == ("tiny", "joint", True)
    assert facts["n_trainable_parameters"] == facts["n_parameters"]
    seconds = facts["seconds_per_epoch"]
    assert isinstance(seconds, float)
    assert 0 < seconds < 60
    frame = pl.read_parquet(run / "predictions.parquet")
    for name in ("", "report."):
        probabilities = frame.select(f"{name}probability.{label}" for label in CLASSES).to_numpy()
        assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_two_stages_measure_what_pairs_alone_have_taught(train: Callable[..., Path]) -> None:
    run = train("stages=two", "pretrain_epochs=1", "task=multilabel", "label_fraction=0.7", "train_fraction=0.9")
    facts = json.loads((run / "run.json").read_text())
    assert 0 < facts["labelled"]["patients"] < facts["data"]["splits"][0]["patients"]
    metrics = json.loads((run / "metrics.json").read_text())
    assert list(metrics["readouts"]) == ["report", "zero_shot", "linear_probe"]
    for readout in metrics["readouts"].values():
        assert 0 < readout["test/auroc_macro"]["value"] <= 1
        assert len(readout["thresholds"]) == len(CLASSES)
    history = pl.read_csv(run / "history.csv")
    assert history["epoch"].to_list() == [0, 0, 1]
    pretraining, classifying = history[:1], history[1:]
    assert pretraining["train/loss_cls"].null_count() == 1
    assert pretraining["pretrain/train/loss_total"].null_count() == 0
    assert classifying["train/loss_cls"].null_count() == 0
    assert classifying["pretrain/train/loss_total"].null_count() == 2


@pytest.mark.slow
def test_without_pre_training_the_readouts_are_those_of_a_random_encoder(train: Callable[..., Path]) -> None:
    run = train("stages=two", "pretrain_epochs=0")
    assert list(read(run, "metrics.json")["readouts"]) == ["report", "zero_shot", "linear_probe"]  # type: ignore[call-overload]
    assert "pretrain/train/loss_total" not in pl.read_csv(run / "history.csv").columns


def test_pre_training_without_reports_is_probed_and_has_no_class_prompts(train: Callable[..., Path]) -> None:
    run = train("method=masked_reconstruction", "stages=two", "pretrain_epochs=1", "trainer.max_epochs=1")
    assert list(json.loads((run / "metrics.json").read_text())["readouts"]) == ["linear_probe"]
    facts = read(run, "run.json")
    assert (facts["two_stages"], facts["learns_from_reports"]) == (True, False)
    pretraining, classifying = pl.read_csv(run / "history.csv").iter_rows(named=True)
    assert pretraining["pretrain/val/reconstruction_error"] > 0
    assert pretraining["train/loss_cls"] is None
    assert classifying["train/loss_cls"] > 0


@pytest.mark.parametrize(
    "stop_after", [pytest.param(1, marks=pytest.mark.slow), 5, pytest.param(9, marks=pytest.mark.slow)]
)
def test_an_interruption_in_either_stage_changes_nothing(
    train: Callable[..., Path], trained_once: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, stop_after: int
) -> None:
    settings = ("stages=two", "batch_size=48")
    whole = trained_once("method=ecg_clip", *settings)
    original, n_calls = DiagnosisTask.training_step, 0

    def stopping(self: DiagnosisTask, *arguments: object) -> torch.Tensor:
        nonlocal n_calls
        n_calls += 1
        if n_calls > stop_after:
            raise RuntimeError("power failure")
        return original(self, *arguments)  # type: ignore[arg-type]  # batch and its number, as Lightning passes them

    with monkeypatch.context() as patch:
        patch.setattr(DiagnosisTask, "training_step", stopping)
        with pytest.raises(RuntimeError, match="power failure"):
            train(*settings, outputs="stopped")
    resumed = train(*settings, outputs="stopped")
    for name in ("metrics.json", "history.csv", "model/model.safetensors"):
        assert (resumed / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_method_of_one_stage_is_the_same_under_both(train: Callable[..., Path]) -> None:
    joint, two = (train("method=concat", f"stages={stages}", outputs=stages) for stages in ("joint", "two"))
    assert (joint / "metrics.json").read_bytes() == (two / "metrics.json").read_bytes()


def test_evaluate_repeats_the_readout_of_the_saved_model_and_takes_fewer_leads(
    train: Callable[..., Path], command: Command, workspace: Path
) -> None:
    run = train("trainer.precision=32-true")
    assert command("evaluate", f"run={run}", f"paths.stores={workspace}/stores") == 0
    [file] = (run / "evaluation").glob("*-test.json")
    saved = json.loads((run / "metrics.json").read_text())
    for part in (saved, *saved["readouts"].values()):
        del part["val/auroc_macro"]  # only training looks at validation as well
    assert json.loads(file.read_text()) == saved
    assert command("evaluate", f"run={run}", f"paths.stores={workspace}/stores", "leads=[II,V2]") == 0
    [file] = (run / "evaluation").glob("*-test-II+V2.json")
    fewer = json.loads(file.read_text())
    assert fewer["leads"] == ["II", "V2"]
    assert fewer["test/auroc_macro"] != saved["test/auroc_macro"]


def test_a_readout_that_leaks_is_left_out_and_its_method_is_not(
    command: Command, quick_settings: list[str], tmp_path: Path
) -> None:
    given = [text for text in quick_settings if text.startswith(("data.n_", "paths."))]
    assert command("prepare", *given) == 0
    raw = next(Path(text.split("=")[1]) for text in given if text.startswith("paths.raw"))
    kept = [text for text in quick_settings if not text.startswith("data.n_")]
    settings = (*kept, "method=ecg_clip", "data=mimic_iv_ecg", f"data.root={sorted(raw.iterdir())[0]}")
    refused, allowed = tmp_path / "refused", tmp_path / "allowed"
    assert command("train", *settings, f"hydra.run.dir={refused}") == 0
    assert read(refused, "run.json")["leaky"] is False
    assert read(refused, "run.json")["readouts"] == read(refused, "metrics.json")["readouts"] == {}
    assert "report.probability.MI" not in pl.read_parquet(refused / "predictions.parquet").columns
    assert command("train", *settings, "allow_leaky=true", f"hydra.run.dir={allowed}") == 0
    assert read(allowed, "run.json")["leaky"] is False
    assert read(allowed, "run.json")["readouts"] == {"report": {"inputs_at_test": ["ecg", "text"], "leaky": True}}


@pytest.mark.parametrize(
    ("settings", "cure"), [(("recipe=native", "method=concat"), "recipe=paper"), (("stages=three",), "joint or two")]
)
def test_settings_that_no_method_has_are_refused(
    command: Command,
    quick_settings: list[str],
    capsys: pytest.CaptureFixture[str],
    settings: tuple[str, ...],
    cure: str,
) -> None:
    kept = [text for text in quick_settings if not text.startswith("recipe=")]
    assert command("train", *kept, *settings) == 2
    assert cure in capsys.readouterr().err
