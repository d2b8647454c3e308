"""Retrieval and zero-shot of a trained run, from the command line; nothing of a report is in what they write."""

import csv
import sys
from pathlib import Path

import pytest
import torch
from hydra.core.global_hydra import GlobalHydra

from ecgmm.runs.run import Run
from ecgmm.shared_space import readings, retrieval, zero_shot, zero_shot_rows
from ecgmm.shared_space.opening import Opened, open_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runs(quick_settings: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that left out MI, and one of a row without a shared space."""
    from ecgmm.commands import command_line
    from ecgmm.train import main

    folder = tmp_path_factory.mktemp("shared_space")
    for name, own in {"clip": ["method=ecg_clip", "method.unseen_classes=[MI]"], "ecg": ["method=ecg_only"]}.items():
        with pytest.MonkeyPatch.context() as patch:
            settings = [*quick_settings, "trainer.max_epochs=1", *own, f"hydra.run.dir={folder / name}"]
            patch.setattr(sys, "argv", ["ecgmm.train", *settings])
            GlobalHydra.instance().clear()
            command_line.run(main)
    return folder


@pytest.fixture(scope="module")
def opened(runs: Path, workspace: Path) -> Opened:
    found = open_run(Run.open(runs / "clip"), workspace / "stores")
    assert found is not None
    return found


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_zero_shot_of_the_class_that_was_left_out(
    runs: Path, workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--stores", str(workspace / "stores"), "--out", str(tmp_path), "--resamples", "20", "--draws", "2"]
    assert zero_shot.main([str(runs), *common]) == 0
    assert "left out: ecg_only" in capsys.readouterr().out
    lines = rows(tmp_path / "zero_shot.csv")
    assert {line["classes"] for line in lines} == {"MI"}
    read_by = {line["read_by"] for line in lines}
    assert {*readings.WORDS, readings.CONSTANT, readings.MEAN_OF_SEEN, readings.RANDOM} < read_by
    assert {line["runs"] for line in lines if line["read_by"] == readings.RANDOM} == {"2"}
    own = Run.open(runs / "clip").metrics
    of_run = next(row.auroc for row in own.per_class if row.name == "MI")
    heard = next(line for line in lines if line["read_by"] == readings.HEARD and line["measure"] == "auroc/MI")
    assert float(heard["value"]) == pytest.approx(of_run, abs=0.02)  # bfloat16 there, 32 bits here
    texts = (tmp_path / "zero_shot.md").read_text(encoding="utf-8")
    assert "infarct, old" not in texts  # statements of training are counted, not shown

    assert zero_shot.main([str(runs), *common, "--labels", "rhythm"]) == 2
    assert "all runs left classes out" in capsys.readouterr().err
    assert zero_shot.main([str(runs / "ecg"), *common]) == 2
    assert "no space in common" in capsys.readouterr().err


def test_retrieval_of_a_run_leaves_out_what_has_no_shared_space(
    runs: Path, workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--stores", str(workspace / "stores"), "--out", str(tmp_path), "--resamples", "20", "--pools", "3"]
    assert retrieval.main([str(runs), *common]) == 0
    assert "left out: ecg_only" in capsys.readouterr().out
    lines = rows(tmp_path / "retrieval.csv")
    assert {line["row"] for line in lines} == {"ecg_clip"}
    assert all(float(line["low"]) <= float(line["value"]) <= float(line["high"]) for line in lines)
    shown = (tmp_path / "retrieval_table.csv").read_text(encoding="utf-8").splitlines()
    assert shown[0].startswith("# SYNTHETIC")


def test_other_labels_are_read_by_similarity_alone(
    opened: Opened, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened.method, "unseen_classes", ())  # as if it had had all labels
    monkeypatch.setattr(zero_shot_rows, "open_run", lambda run, stores: opened)
    asked = zero_shot_rows.Asked(labels="rhythm", least_cases=2, n_draws=1, n_resamples=20)
    found = zero_shot_rows.zero_shot([opened.run], workspace / "stores", asked)
    assert found.labels == "rhythm"
    (classes,) = {one.classes for one in found.lines}
    assert set(classes) <= {"SR", "SBRAD", "STACH", "SARRH", "AFIB", "AFLT", "PACE"}


def test_a_random_tower_leaves_and_the_trained_one_returns(opened: Opened) -> None:
    before = {name: value.clone() for name, value in opened.method.state_dict().items()}
    with readings.random_waveform_tower(opened, 1):
        inside = {name: value.clone() for name, value in opened.method.state_dict().items()}
    after = opened.method.state_dict()
    changed = {name.split(".")[0] for name, value in inside.items() if not torch.equal(value, before[name])}
    assert changed == {"ecg_encoder"}
    assert all(torch.equal(after[name], value) for name, value in before.items())
