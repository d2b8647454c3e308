"""What a user does wrong ends in one sentence, exit code 2, and nothing half-written."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch

Command = Callable[..., int]


@pytest.fixture
def fails(
    command: Command, quick_settings: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Run train with overrides, expect exit code 2 and no run directory; returns the last line of stderr."""

    def run(*overrides: str, source: str = "synthetic") -> str:
        run_directory = tmp_path / "run"
        settings = [text for text in quick_settings if source == "synthetic" or text != "data.n_patients=90"]
        assert command("train", f"data={source}", *settings, *overrides, f"hydra.run.dir={run_directory}") == 2
        assert not run_directory.exists()
        lines = capsys.readouterr().err.strip().splitlines()
        assert sum(line.startswith("error: ") for line in lines) == 1
        return lines[-1]

    return run


def test_unknown_key(fails: Callable[..., str]) -> None:
    assert "lamda_cons" in fails("method.lamda_cons=1")


def test_unknown_choice(fails: Callable[..., str]) -> None:
    assert "gated_fusion" in fails("method=fusion")


def test_wrong_root(fails: Callable[..., str], tmp_path: Path) -> None:
    message = fails(f"data.root={tmp_path}/nowhere", source="mimic_iv_ecg")
    assert "nowhere" in message
    assert "data.root" in message


def test_fraction_out_of_range(fails: Callable[..., str]) -> None:
    assert "(0, 1]" in fails("train_fraction=0")


def test_class_absent_from_training(fails: Callable[..., str]) -> None:
    assert "no training record has class" in fails("train_fraction=0.02")


@pytest.mark.parametrize("setting", ["seed=abc", "batch_size=0", "optimizer.lr=fast", "trainer.max_epochs=0"])
def test_numbers_out_of_range(fails: Callable[..., str], setting: str) -> None:
    key, _, value = setting.partition("=")
    message = fails(setting)
    assert f"{key} is" in message
    assert value in message
    assert "must be" in message


def test_no_gpu(fails: Callable[..., str]) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert "gpu" in fails("trainer.accelerator=gpu")


@pytest.mark.parametrize(("method", "why"), [("text_only", "report alone"), ("ecg_only", "anyway")])
def test_a_method_that_cannot_do_without_the_report_or_does_anyway(
    fails: Callable[..., str], method: str, why: str
) -> None:
    assert why in fails(f"method={method}", "text.at_test=none")


def test_unknown_text_policy(fails: Callable[..., str]) -> None:
    assert "masked" in fails("text.policy=partly")


@pytest.mark.slow
def test_labels_from_the_report_with_the_full_report(
    command: Command, quick_settings: list[str], tmp_path: Path, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("prepare", *[text for text in quick_settings if text.startswith(("data.", "paths."))]) == 0
    [tree] = (workspace / "raw").iterdir()
    arguments = [text for text in quick_settings if not text.startswith("data.n_")]
    as_mimic = [*arguments, "data=mimic_iv_ecg", f"data.root={tree}"]
    assert command("train", *as_mimic, f"hydra.run.dir={tmp_path}/refused") == 2
    assert "allow_leaky=true" in capsys.readouterr().err
    assert not (tmp_path / "refused").exists()
    assert command("train", *as_mimic, "method=ecg_only", f"hydra.run.dir={tmp_path}/ecg") == 0
    assert command("train", *as_mimic, "text.policy=masked", f"hydra.run.dir={tmp_path}/masked") == 0
    leaky = ("method=bag_of_statements", "allow_leaky=true", f"hydra.run.dir={tmp_path}/leaky")
    assert command("train", *as_mimic, *leaky) == 0
    assert '"leaky": true' in (tmp_path / "leaky" / "run.json").read_text()
    origins = json.loads((tmp_path / "leaky" / "metrics.json").read_text())["origins"]
    assert (origins["label_source"], origins["text_origin"]) == ("report", "machine_statements")
    assert origins["leaky"] is True


@pytest.mark.slow
def test_a_model_of_other_labels_on_a_store_whose_labels_come_from_the_report(
    command: Command, quick_settings: list[str], tmp_path: Path, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The gate looks at the store that the number is made on, also where training was sound; notes are other text."""
    bag = ("method=bag_of_statements", "trainer.max_epochs=1")
    assert command("train", *quick_settings, *bag, f"hydra.run.dir={tmp_path}/run") == 0
    [tree] = (workspace / "raw").iterdir()
    other = [text for text in quick_settings if not text.startswith("data.n_")]
    as_mimic = [*other, "data=mimic_iv_ecg", f"data.root={tree}", f"data.store={tmp_path}/statements"]
    assert command("train", *as_mimic, "method=majority", f"hydra.run.dir={tmp_path}/majority") == 0
    evaluated = ("evaluate", f"run={tmp_path}/run", f"store={tmp_path}/statements")
    assert command(*evaluated) == 2
    assert "allow_leaky=true" in capsys.readouterr().err
    assert not list((tmp_path / "run").glob("evaluation/*"))
    assert command(*evaluated, "allow_leaky=true") == 0
    assert "LEAK" in capsys.readouterr().out
    [file] = (tmp_path / "run").glob("evaluation/*.json")
    assert json.loads(file.read_text())["origins"]["leaky"] is True

    studies = pl.read_csv(tree / "record_list.csv", columns=["study_id"])
    studies.with_columns(text=pl.lit("Dictated by somebody else.")).write_csv(tmp_path / "notes.csv")
    as_notes = [*as_mimic[:-1], f"data.store={tmp_path}/notes", f"data.notes_csv={tmp_path}/notes.csv"]
    assert command("train", *as_notes, *bag, f"hydra.run.dir={tmp_path}/notes-run") == 0
    facts = json.loads((tmp_path / "notes-run" / "run.json").read_text())
    assert (facts["labels"]["source"], facts["text_origin"], facts["leaky"]) == ("report", "notes", False)


def test_loss_that_is_not_a_number(
    command: Command,
    quick_settings: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("ecgmm.models.method.Method.total_loss", lambda self, terms: terms["cls"] * torch.nan)
    assert command("train", *quick_settings, f"hydra.run.dir={tmp_path}/run") == 2
    assert "lower optimizer.lr" in capsys.readouterr().err
    assert not (tmp_path / "run" / "metrics.json").exists()
