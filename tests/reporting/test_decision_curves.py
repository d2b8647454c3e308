"""Decision curves and operating points from run directories."""

from pathlib import Path

import numpy as np
import pytest

from ecgmm.evaluation.calibration import apply_temperature
from ecgmm.reporting.decision_curves import build, main
from ecgmm.reporting.decision_sections import parts
from ecgmm.reporting.decisions import THRESHOLDS, decisions
from ecgmm.reporting.subgroup_rows import rows_of
from ecgmm.runs.run import find_runs
from tests.reporting.simulated_runs import CLASSES, LABEL, N_TEST, write_run


@pytest.mark.parametrize("task", ["single_label", "multi_label"])
def test_a_curve_is_the_formula_on_calibrated_probabilities(tmp_path: Path, task: str) -> None:
    write_run(tmp_path / "a", "concat", 1, task=task)
    run = find_runs([tmp_path])[0][0]
    figure = build([run]).figure
    first = figure.axes[0]
    assert first.get_title("left") == f"NORM ({(LABEL[:N_TEST] == 0).mean():.1%})"
    line = next(one for one in first.get_lines() if one.get_label() == "concat")
    probability = apply_temperature(run.labels_and_probabilities[1], run.temperature, run.task)[:, 0]
    positive, called, odds = LABEL[:N_TEST] == 0, probability >= 0.3, 0.3 / 0.7
    expected = ((positive & called).sum() - odds * (~positive & called).sum()) / N_TEST
    assert np.asarray(line.get_ydata())[THRESHOLDS.index(0.3)] == pytest.approx(expected)


def test_operating_points_come_from_validation(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "gated_fusion", 1)
    run = find_runs([tmp_path])[0][0]
    found = {one.name: one for one in decisions(rows_of([run]), 20)}
    assert list(found) == CLASSES
    validation = run.predictions.filter(run.predictions["split"] == "val")
    known, is_case = validation["probability.MI"].to_numpy(), validation["label"].to_numpy() == 1
    limit = np.sort(known[~is_case])[int(np.ceil(0.9 * (~is_case).sum() - 1e-9)) - 1]  # nine in ten do not lie above it
    threshold = (limit + known[known > limit].min()) / 2
    called, truth = run.test["probability.MI"].to_numpy() >= threshold, run.test["label"].to_numpy() == 1
    assert found["MI"].values["sensitivity/spec 0.90"].value == pytest.approx(called[truth].mean())
    assert found["MI"].values["specificity/spec 0.90"].value == pytest.approx((~called[~truth]).mean())


def test_the_tables_say_what_was_found(tmp_path: Path) -> None:
    for method in ("gated_fusion", "majority"):
        write_run(tmp_path / method, method, 1)
    tables = parts(decisions(rows_of(find_runs([tmp_path])[0]), 50))
    assert [len(table.lines) for table in tables] == [10] * 4
    assert all(len(line) == len(table.head) for table in tables for line in table.lines)
    assert tables[0].found.startswith("gated_fusion: AUROC from 0.")
    assert "At a specificity of 0.9 on validation, gated_fusion: sensitivity from" in tables[1].found
    gains = {line[0]: line[2:] for line in tables[3].lines if line[1] == "NORM"}
    assert all("↑" in cell for cell in gains["gated_fusion"][2:])
    assert not any("↑" in cell for cell in gains["majority"])


def test_the_command_writes_the_figure_and_its_caption(tmp_path: Path) -> None:
    write_run(tmp_path / "run", "gated_fusion", 1)
    assert main([str(tmp_path / "run"), "--out", str(tmp_path / "figures")]) == 0
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert names == {f"decision_curves.{kind}" for kind in ("pdf", "png", "txt")}
    assert "SYNTHETIC" in (tmp_path / "figures" / "decision_curves.txt").read_text()
