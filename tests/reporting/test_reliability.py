"""Calibration diagrams from run directories."""

from pathlib import Path

import numpy as np
import pytest

from ecgmm.evaluation.bootstrap import point_values
from ecgmm.reporting.reliability import build, main
from ecgmm.runs.run import find_runs
from tests.reporting.simulated_runs import write_run


def test_one_diagram_a_method_ours_first_with_the_mean_error_over_seeds(tmp_path: Path) -> None:
    for method in ("concat", "gated_fusion"):
        for seed in (1, 2):
            write_run(tmp_path / f"{method}{seed}", method, seed, readouts=("report",))
    runs = find_runs([tmp_path])[0]
    drawing = build(runs)
    titles = [axes.get_title("left") for axes in drawing.figure.axes if axes.get_title("left")]
    assert titles == ["gated_fusion", "concat"]
    ours = [point_values(run.calibration_scorer(), len(run.test))["ece"] for run in runs if run.method == titles[0]]
    assert drawing.figure.axes[0].texts[0].get_text().startswith(f"ECE {np.mean(ours):.3f} [")
    for words in ("SYNTHETIC", "fitted on validation", "highest probability of a record"):
        assert words in drawing.caption


def test_a_multi_label_task_says_what_a_prediction_is(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "concat", 1, task="multi_label")
    assert "probability of yes, all classes pooled" in build(find_runs([tmp_path])[0]).caption


def test_runs_of_another_task_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "a", "concat", 1)
    write_run(tmp_path / "b", "ecg_only", 1, task="multi_label")
    assert main([str(tmp_path)]) == 2
    assert "differ in task" in capsys.readouterr().err


def test_drawn_twice_the_files_are_the_same(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", "concat", 1)
    for name in ("a", "b"):
        assert main([str(tmp_path / "runs"), "--out", str(tmp_path / name)]) == 0
    for name in ("reliability.pdf", "reliability.png", "reliability.txt"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
