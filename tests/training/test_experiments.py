"""Experiment files that start their own multirun, as a user types them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from experiments.table2 import main as draw_table2

Command = Callable[..., int]


@pytest.fixture
def settings(quick_settings: list[str], tmp_path: Path) -> list[str]:
    return [*(text for text in quick_settings if not text.startswith("recipe=")), f"paths.outputs={tmp_path}/outputs"]


def test_table2_runs_without_m_goes_on_and_is_drawn(
    command: Command, settings: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = tmp_path / "outputs" / "table2"
    assert command("train", "+experiment=table2", "method=majority,gated_fusion", "seed=1", *settings) == 0
    runs = sorted(path.parent for path in sweep.glob("*/run.json"))
    assert [json.loads((run / "run.json").read_text())["method"] for run in runs] == ["gated_fusion", "majority"]
    assert {json.loads((run / "run.json").read_text())["recipe"] for run in runs} == {"quick"}
    written = [(run / "metrics.json").stat().st_mtime_ns for run in runs]

    assert command("train", "+experiment=table2", "method=majority,gated_fusion", "seed=1,2", *settings) == 0
    assert [(run / "metrics.json").stat().st_mtime_ns for run in runs] == written
    assert len(list(sweep.glob("*/run.json"))) == 4

    capsys.readouterr()
    draw_table2([str(sweep)])
    printed = capsys.readouterr().out
    assert "SYNTHETIC" in printed
    assert "gated_fusion" in printed
    assert {path.suffix for path in sweep.glob("table2.*")} == {".md", ".csv", ".tex"}


@pytest.mark.parametrize(
    ("name", "axis"), [("lambda_sweep", "method.lambda_cons"), ("fraction_sweep", "train_fraction")]
)
def test_a_sweep_keeps_one_run_for_each_value(
    command: Command, settings: list[str], tmp_path: Path, name: str, axis: str
) -> None:
    assert command("train", f"+experiment={name}", f"{axis}=0.5,1", "seed=3", *settings) == 0
    configs = [OmegaConf.load(path) for path in (tmp_path / "outputs" / name).glob("*/config.yaml")]
    assert sorted(OmegaConf.select(config, axis) for config in configs) == [0.5, 1]


def test_the_experiment_can_be_forced_to_one_job(command: Command, settings: list[str], tmp_path: Path) -> None:
    single = ("hydra.mode=RUN", "method=majority", "seed=5", f"hydra.run.dir={tmp_path}/one")
    assert command("train", "+experiment=table2", *single, *settings) == 0
    assert (tmp_path / "one" / "metrics.json").exists()


def test_spelling_without_plus_is_explained(
    command: Command, settings: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("train", "experiment=table2", *settings) == 2
    assert "+experiment" in capsys.readouterr().err
