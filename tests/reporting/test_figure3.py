"""The study of λ, from run directories."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from matplotlib.figure import Figure

from ecgmm.reporting.figure3 import build, main
from ecgmm.runs.run import find_runs
from tests.reporting.simulated_runs import write_run, write_study_run


def write_study(root: Path, seeds: tuple[int, ...] = (1, 2), **changed: Any) -> None:
    for seed in seeds:
        for value in (0, 0.1, 1):
            write_study_run(root / f"{value},{seed}", "gated_fusion", seed, lambda_cons=value, **changed)


def drawn(root: Path) -> Figure:
    return build(find_runs([root])[0]).figure


def test_each_panel_shows_the_mean_over_seeds_at_each_setting(tmp_path: Path) -> None:
    write_study(tmp_path)
    runs = find_runs([tmp_path])[0]
    drawing = build(runs)
    auroc = drawing.figure.axes[0]
    expected = [
        sum(float(run.metrics["test/auroc_macro"]) for run in runs if run.config.method.lambda_cons == value) / 2
        for value in (0.1, 1)
    ]
    assert auroc.lines[1].get_ydata() == pytest.approx(expected)
    assert len(drawing.figure.axes) == 6
    for words in ("SYNTHETIC", "over 2 seeds", "seeds 1, 2", "400 records of 200 patients", "λ = 0.1"):
        assert words in drawing.caption


def test_projections_are_those_of_the_tested_epoch(tmp_path: Path) -> None:
    """Epoch 2 of 0 to 3 has the best validation AUROC."""
    write_study(tmp_path, seeds=(1,))
    for file in tmp_path.rglob("history.csv"):
        history = pl.read_csv(file)
        history.with_columns(pl.Series("val/projection_gap", [0.9, 0.9, 0.25, 0.9])).write_csv(file)
    assert drawn(tmp_path).axes[5].lines[1].get_ydata() == pytest.approx([0.25, 0.25])


def test_the_gate_is_that_of_records_with_a_report(tmp_path: Path) -> None:
    write_study(tmp_path, seeds=(1,))
    for file in tmp_path.rglob("predictions.parquet"):
        gate = pl.when("has_report").then(0.25).otherwise(1.0).cast(pl.Float32)
        pl.read_parquet(file).with_columns(gate=gate).write_parquet(file)
    assert drawn(tmp_path).axes[1].lines[1].get_ydata() == pytest.approx([0.25, 0.25])


def test_one_seed_says_that_there_are_no_bands(tmp_path: Path) -> None:
    write_study(tmp_path, seeds=(1,))
    assert "One seed: there are no bands" in build(find_runs([tmp_path])[0]).caption


def test_drawn_twice_the_files_are_the_same(tmp_path: Path) -> None:
    write_study(tmp_path / "runs")
    for name in ("a", "b"):
        assert main([str(tmp_path / "runs"), "--out", str(tmp_path / name)]) == 0
    for name in ("figure3.pdf", "figure3.png", "figure3.txt"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"recipe": "paper"}, "differ in recipe"),
        ({"size": "base"}, "differ in size"),
        ({"text_policy": "masked"}, "shows one method"),
        ({}, "are both gated_fusion with seed 1, method.lambda_cons=0.1"),
    ],
)
def test_runs_that_do_not_belong_together_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, Any], words: str
) -> None:
    write_study(tmp_path, seeds=(1,))
    write_study_run(tmp_path / "other", "gated_fusion", 1, lambda_cons=0.1, **changed)
    assert main([str(tmp_path), "--out", str(tmp_path / "figures")]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "figures").exists()


def test_runs_without_a_study_name_the_command_that_makes_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "a", "ecg_only", 1)
    assert main([str(tmp_path)]) == 2
    assert "+experiment=lambda_sweep" in capsys.readouterr().err
    write_study_run(tmp_path / "b", "gated_fusion", 1)
    assert main([str(tmp_path)]) == 2
    assert "method.lambda_cons=0.1 and a study needs several" in capsys.readouterr().err
