"""What Table 2 marks: best values, significance after Holm, and calibration."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from ecgmm.evaluation.comparison import holm
from ecgmm.evaluation.metrics import TABLE2_METRICS
from ecgmm.evaluation.replicates import replicated_difference
from ecgmm.reporting.table2 import main
from ecgmm.runs.run import find_runs
from tests.reporting.simulated_runs import READOUTS, csv_lines, markdown, write_run, write_table

METHODS = ("majority", "ecg_only", "text_only", "concat", "gated_fusion")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five methods, one of them leaky and best of all, and a readout that is a column and no row."""
    root = tmp_path_factory.mktemp("significance")
    write_table(root / "controls", methods=METHODS)
    write_run(root / "two", "ecg_clip", 42, readouts=tuple(READOUTS), stages="two")
    write_run(root / "leaky", "text_only", 42, text_policy="masked", leaky=True, predicts_like="oracle")
    assert main([str(root), "--resamples", "1500"]) == 0
    return root


def cells(folder: Path, section: str, row: str) -> list[str]:
    part = markdown(folder).split(f"## {section}")[1].split("\n## ")[0]
    (line,) = [line for line in part.splitlines() if re.match(rf"\| {re.escape(row)} *\|", line)]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_every_metric_has_a_paired_difference(drawn: Path) -> None:
    runs, _ = find_runs([drawn / "controls"])
    ours, theirs = ([run.scorer() for run in runs if run.method == method] for method in ("gated_fusion", "text_only"))
    expected = replicated_difference(ours, theirs, runs[0].patients, 1500, 0)
    line = csv_lines(drawn)["text_only"]
    for key in TABLE2_METRICS:
        for name in ("value", "low", "high", "p_value"):
            assert float(line[f"{key}_difference_{name}"]) == pytest.approx(getattr(expected[key], name)), key


def test_p_values_are_corrected_over_all_rows_and_metrics(drawn: Path) -> None:
    """Columns of pre-training alone (zero_shot, linear_probe) are no rows, and the paper's missing methods neither."""
    lines = {name: line for name, line in csv_lines(drawn).items() if line["mcc_difference_p_value"]}
    others = {"ecg_clip", "ecg_clip + report", "text_only, masked"}
    assert set(lines) == {*METHODS, *others} - {"gated_fusion"}
    tested = [(line, key) for line in lines.values() for key in TABLE2_METRICS]
    corrected = holm([float(line[f"{key}_difference_p_value"]) for line, key in tested])
    np.testing.assert_allclose([float(line[f"{key}_difference_p_holm"]) for line, key in tested], corrected)


def test_arrows_say_worse_or_better_and_how_sure(drawn: Path) -> None:
    shown = cells(drawn, "Metrics", "majority")
    assert shown[0] == "none"
    assert shown[1].endswith("↓")
    for name, line in csv_lines(drawn).items():
        if not line["mcc_difference_value"]:
            continue
        label = name + "†" * (line["leaky"] == "true")
        for key, cell in zip(TABLE2_METRICS, cells(drawn, "Metrics", label)[1:], strict=True):
            p_holm = float(line[f"{key}_difference_p_holm"])
            arrow = "↓" if float(line[f"{key}_difference_value"]) > 0 else "↑"
            assert cell.strip("*0123456789.-") == arrow * ((p_holm < 0.05) + (p_holm < 0.01))
    assert not set("↓↑") & set("".join(cells(drawn, "Metrics", "gated_fusion")))
    assert "↓ worse than gated_fusion" in markdown(drawn)


def test_better_rows_point_up(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "gated_fusion", 1, predicts_like="ecg_only")
    write_run(tmp_path / "b", "concat", 1, predicts_like="gated_fusion")
    assert main([str(tmp_path), "--resamples", "1000"]) == 0
    assert all(cell.endswith("**↑↑") for cell in cells(tmp_path, "Metrics", "concat")[1:])


def test_the_best_of_each_column_is_bold_and_a_leak_never_wins(drawn: Path) -> None:
    lines = csv_lines(drawn)
    leaky = cells(drawn, "Metrics", "text_only, masked†")[1:]
    assert not any("**" in cell for cell in leaky)
    honest = {name: line for name, line in lines.items() if line["leaky"] == "false"}
    for k, key in enumerate(TABLE2_METRICS):
        printed = {name: f"{float(line[key]):.3f}" for name, line in honest.items()}
        best = max(printed.values(), key=float)
        assert any(float(line[key]) > float(best) for line in lines.values() if line["leaky"] == "true")
        for name, number in printed.items():
            assert cells(drawn, "Metrics", name)[1 + k].startswith(f"**{number}**") == (number == best)
    assert rf"\textbf{{{float(honest['gated_fusion']['auroc_macro']):.3f}}}" in (drawn / "table2.tex").read_text()


def test_rows_with_the_same_printed_value_are_all_bold(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "gated_fusion", 1)
    write_run(tmp_path / "b", "concat", 1, predicts_like="gated_fusion")
    assert main([str(tmp_path), "--resamples", "20"]) == 0
    for row in ("gated_fusion", "concat"):
        assert all(cell.startswith("**") for cell in cells(tmp_path, "Metrics", row)[1:])


@pytest.mark.parametrize("task", ["single_label", "multi_label"])
def test_calibration_is_what_the_run_measured(tmp_path: Path, task: str) -> None:
    for seed in (1, 2):
        write_run(tmp_path / str(seed), "ecg_clip", seed, task=task, readouts=("report",))
    assert main([str(tmp_path), "--resamples", "50"]) == 0
    measured = [json.loads((tmp_path / str(seed) / "metrics.json").read_text()) for seed in (1, 2)]
    for row, parts in {
        "ecg_clip": measured,
        "ecg_clip + report": [one["readouts"]["report"] for one in measured],
    }.items():
        line = csv_lines(tmp_path)[row]
        assert float(line["temperature"]) == pytest.approx(np.mean([part["temperature"] for part in parts]))
        for key in ("ece", "brier", "nll", "ece_calibrated", "brier_calibrated", "nll_calibrated"):
            assert float(line[key]) == pytest.approx(np.mean([part[f"test/{key}"]["value"] for part in parts]))
            assert float(line[f"{key}_low"]) < float(line[f"{key}_high"])
        shown = cells(tmp_path, "Calibration", row)
        assert shown[0].startswith(f"{float(line['ece']):.3f} (")
        assert shown[2] == f"{float(line['temperature']):.2f}"


def test_without_gated_fusion_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "ecg_only", 1)
    assert main([str(tmp_path), "--resamples", "20"]) == 0
    assert "minus each row [95 %]" not in markdown(tmp_path)
    assert csv_lines(tmp_path)["ecg_only"]["mcc_difference_p_holm"] == ""
