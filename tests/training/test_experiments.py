"""Experiment files that start their own multirun, as a user types them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from ecgmm.reporting.table2 import main as draw_table2

Command = Callable[..., int]


@pytest.fixture
def settings(quick_settings: list[str], tmp_path: Path) -> list[str]:
    kept = (text for text in quick_settings if not text.startswith("recipe="))
    return [
        *kept,
        f"paths.outputs={tmp_path}/outputs",
        "hydra/launcher=basic",
    ]  # other engines: tests/commands/test_sweeps.py


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
    assert command("train", f"+experiment={name}", f"{axis}=0.5,1", "seed=3", "method=gated_fusion", *settings) == 0
    configs = [OmegaConf.load(path) for path in (tmp_path / "outputs" / name).glob("*/config.yaml")]
    assert sorted(OmegaConf.select(config, axis) for config in configs) == [0.5, 1]


@pytest.mark.slow
def test_an_ablation_changes_one_part_and_is_a_row_of_its_own(
    command: Command, settings: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = "+ablation=paper,orthogonal,vector_gate,no_text"
    assert command("train", "+experiment=ablation", parts, "seed=3", *settings) == 0
    capsys.readouterr()
    draw_table2([str(tmp_path / "outputs" / "ablation")])
    printed = capsys.readouterr().out
    for row in ("gated_fusion ", "gated_fusion, vector_gate", "gated_fusion, orthogonal", "gated_fusion, none"):
        assert f"| {row}" in printed.replace("*", "")


def test_the_experiment_can_be_forced_to_one_job(command: Command, settings: list[str], tmp_path: Path) -> None:
    single = ("hydra.mode=RUN", "method=majority", "seed=5", f"hydra.run.dir={tmp_path}/one")
    assert command("train", "+experiment=table2", *single, *settings) == 0
    assert (tmp_path / "one" / "metrics.json").exists()


def test_spelling_without_plus_is_explained(
    command: Command, settings: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("train", "experiment=table2", *settings) == 2
    assert "+experiment" in capsys.readouterr().err
