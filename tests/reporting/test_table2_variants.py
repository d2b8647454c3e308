"""Rows of Table 2 that belong together: text policies, stages, readouts, and what they cost and add."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from ecgmm.evaluation.metrics import TABLE2_METRICS
from ecgmm.evaluation.replicates import replicated_difference
from ecgmm.reporting.table2 import main
from ecgmm.runs.run import find_runs
from tests.reporting.simulated_runs import CLASSES, READOUTS, csv_lines, markdown, measured, write_run, write_table


@pytest.fixture(scope="module")
def with_stages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two contrastive methods in joint and in two stages, and a method with its report and without."""
    root = tmp_path_factory.mktemp("stages")
    write_table(root / "controls")
    for seed in (42, 43):
        for method in ("ecg_clip", "time_frequency"):
            write_run(root / f"joint/{method}-{seed}", method, seed, readouts=("report",))
            write_run(root / f"two/{method}-{seed}", method, seed, readouts=tuple(READOUTS), stages="two")
        write_run(root / f"with/{seed}", "cross_modal_transformer", seed)
    write_run(root / "without", "cross_modal_transformer", 44, text_policy="none")
    assert main([str(root), "--resamples", "100"]) == 0
    return root


def test_a_readout_with_the_report_is_a_line_under_its_method(with_stages: Path) -> None:
    lines = csv_lines(with_stages)
    assert list(lines)[:4] == ["ecg_clip", "ecg_clip + report", "ecg_clip, two stages", "ecg_clip + report, two stages"]
    line = lines["ecg_clip + report"]
    assert (lines["ecg_clip"]["inputs_at_test"], line["inputs_at_test"]) == ("ECG", "ECG+text")
    assert (lines["ecg_clip"]["paper_row"], line["paper_row"]) == ("Zhou et al. [8]", "")
    of_seeds = [json.loads(measured(seed, "ecg_clip report", False, tuple(CLASSES))) for seed in (42, 43)]
    for key in TABLE2_METRICS:
        assert float(line[key]) == pytest.approx(np.mean([found[f"test/{key}"]["value"] for found in of_seeds]))
    gap = float(lines["gated_fusion"]["auroc_macro"]) - float(line["auroc_macro"])
    assert float(line["auroc_macro_difference_value"]) == pytest.approx(gap)
    text = (with_stages / "table2.md").read_text()
    ours, paper, report = text[text.index("| ecg_clip ") :].splitlines()[:3]
    assert [line.split("|")[1].strip() for line in (ours, paper, report)] == [
        "ecg_clip",
        "paper: Zhou et al. [8]",
        "ecg_clip + report",
    ]


def test_multi_label_readouts_bring_their_own_thresholds(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "ecg_clip", 1, task="multi_label", readouts=("report",))
    assert main([str(tmp_path), "--resamples", "20"]) == 0
    expected = json.loads((tmp_path / "a" / "metrics.json").read_text())["readouts"]["report"]
    for key in TABLE2_METRICS:
        assert float(csv_lines(tmp_path)["ecg_clip + report"][key]) == pytest.approx(expected[f"test/{key}"]["value"])


def test_only_the_line_that_reads_the_report_carries_the_leak_mark(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "ecg_clip", 1, readouts=("report",), leaky_readouts=("report",))
    assert main([str(tmp_path), "--resamples", "20"]) == 0
    assert {name: line["leaky"] for name, line in csv_lines(tmp_path).items() if line["leaky"]} == {
        "ecg_clip": "false",
        "ecg_clip + report": "true",
    }
    text = (tmp_path / "table2.md").read_text()
    assert "ecg_clip + report†" in text
    assert "ecg_clip†" not in text
    assert "measures the leak" in text


def test_what_pre_training_alone_gives_stands_in_the_row_of_the_two_stage_run(with_stages: Path) -> None:
    lines = csv_lines(with_stages)
    assert not any("zero_shot" in name or "linear_probe" in name for name in lines)
    of_seeds = [json.loads(measured(seed, "ecg_clip zero_shot", False, tuple(CLASSES))) for seed in (42, 43)]
    values = [found["test/auroc_macro"]["value"] for found in of_seeds]
    line = lines["ecg_clip, two stages"]
    assert float(line["zero_shot_auroc_macro"]) == pytest.approx(np.mean(values))
    assert float(line["zero_shot_auroc_macro_sd"]) == pytest.approx(np.std(values, ddof=1))
    assert {name for name, line in lines.items() if line["linear_probe_auroc_macro"]} == {
        "ecg_clip, two stages",
        "time_frequency, two stages",
    }
    assert re.search(
        r"\| ecg_clip, two stages +\| paper-confirmed +\| 0.51 M .*(\| 0.\d{3} ± 0.\d{3} ){3}", markdown(with_stages)
    )
    assert "not comparable" in markdown(with_stages)


def test_two_stages_are_no_difference_for_a_method_of_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "first", "ecg_only", 1)
    write_run(tmp_path / "second", "ecg_only", 1, stages="two")
    assert main([str(tmp_path)]) == 2
    assert "are both ecg_only with seed 1" in capsys.readouterr().err


def test_where_most_methods_learn_in_two_stages_the_joint_rows_say_so(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "ecg_clip", 1, stages="two")
    write_run(tmp_path / "b", "time_frequency", 1, stages="two")
    write_run(tmp_path / "c", "time_frequency", 1)
    assert main([str(tmp_path), "--resamples", "20"]) == 0
    assert {"ecg_clip", "time_frequency", "time_frequency, joint"} <= set(csv_lines(tmp_path))
    assert "stages: two stages" in markdown(tmp_path)


def test_a_text_policy_is_a_row_of_a_method_that_learns_from_pairs(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "ecg_clip", 1)
    write_run(tmp_path / "b", "ecg_clip", 1, text_policy="shuffled")
    assert main([str(tmp_path), "--resamples", "20"]) == 0
    assert {"ecg_clip", "ecg_clip, shuffled"} <= set(csv_lines(tmp_path))


def test_what_the_report_adds_is_the_paired_difference_to_the_run_without(with_stages: Path) -> None:
    runs = [run for run in find_runs([with_stages])[0] if run.method == "cross_modal_transformer"]
    full, none = ([run.scorer() for run in runs if run.facts.text_policy == policy] for policy in ("full", "none"))
    expected = replicated_difference(full, none, runs[0].patients, 100, 0)["auroc_macro"]
    lines = csv_lines(with_stages)
    for name in ("value", "low", "high", "p_value"):
        found = float(lines["cross_modal_transformer"][f"auroc_macro_report_gain_{name}"])
        assert found == pytest.approx(getattr(expected, name))
    assert [name for name, line in lines.items() if line["auroc_macro_report_gain_value"]] == [
        "cross_modal_transformer"
    ]
    assert lines["cross_modal_transformer, none"]["inputs_at_test"] == "ECG"
    section = markdown(with_stages).split("## AUROC with the report and without it")[1].split("##")[0]
    assert f"{expected.value:+.3f} [{expected.low:+.3f}, {expected.high:+.3f}]" in section
    assert section.count("\n| cross_modal_transformer ") == 1


def test_costs_are_columns_and_hardware_is_named(with_stages: Path) -> None:
    lines = csv_lines(with_stages)
    assert lines["ecg_clip"]["n_trainable_parameters"] == "512345"
    assert float(lines["ecg_clip"]["seconds_per_epoch"]) == pytest.approx(2 + 42.5)
    assert lines["majority"]["seconds_per_epoch"] == ""
    text = markdown(with_stages)
    assert re.search(r"\| ecg_clip +\| paper-confirmed +\| 0.51 M +\| 44.50 +\| – ", text)
    assert re.search(r"\| majority +\| control +\| 0 +\| – ", text)
    assert "no GPU, x86_64 CPU with 1 of 2 cores" in text


def test_the_fullest_table_fits_a_terminal_and_is_balanced_in_latex(with_stages: Path) -> None:
    assert max(len(line) for line in markdown(with_stages).splitlines() if line.startswith("|")) <= 155
    text = (with_stages / "table2.tex").read_text()
    assert text.count("{") == text.count("}")
    assert text.isascii()
    assert text.count(r"\begin{table*}") == text.count(r"\end{table*}") == 4


@pytest.fixture(scope="module")
def with_sanity_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sanity")
    write_table(root / "table2", seeds=(42,))
    for policy in ("masked", "shuffled"):
        write_run(root / "sanity" / policy, "text_only", 42, text_policy=policy, leaky=policy == "masked")
        write_run(root / "sanity" / f"ours {policy}", "gated_fusion", 42, text_policy=policy)
    assert main([str(root), "--resamples", "100"]) == 0
    return root


def test_text_policies_are_rows_of_their_own(with_sanity_rows: Path) -> None:
    lines = csv_lines(with_sanity_rows)
    assert lines["text_only"]["text_policy"] == "full"
    assert lines["text_only, shuffled"]["method"] == "text_only"
    assert lines["text_only, shuffled"]["text_policy"] == "shuffled"
    assert [name for name, line in lines.items() if line["leaky"] == "true"] == ["text_only, masked"]
    text = (with_sanity_rows / "table2.md").read_text()
    assert "text_only, masked†" in text
    assert "text policy: full; " in text
    assert (
        "rows that differ say so: 'masked': without statements of a label; 'shuffled': report of another record" in text
    )
    assert max(len(line) for line in text.splitlines() if line.startswith("|")) <= 150


def test_differences_stay_against_gated_fusion_with_the_policy_of_most_methods(with_sanity_rows: Path) -> None:
    lines = csv_lines(with_sanity_rows)
    assert lines["gated_fusion"]["auroc_macro_difference_value"] == ""
    ours, row = lines["gated_fusion"], lines["gated_fusion, shuffled"]
    gap = float(ours["auroc_macro"]) - float(row["auroc_macro"])
    assert float(row["auroc_macro_difference_value"]) == pytest.approx(gap)


def test_where_all_runs_have_one_policy_rows_do_not_name_it(tmp_path: Path) -> None:
    for method in ("ecg_only", "text_only", "gated_fusion"):
        write_run(tmp_path / method, method, 1, text_policy="masked")
    assert main([str(tmp_path), "--resamples", "20"]) == 0
    assert {"text_only", "gated_fusion"} <= set(csv_lines(tmp_path))
    assert "text policy: masked; " in (tmp_path / "table2.md").read_text()


def test_a_policy_is_no_difference_for_a_method_without_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "first", "ecg_only", 1)
    write_run(tmp_path / "second", "ecg_only", 1, text_policy="masked")
    assert main([str(tmp_path)]) == 2
    assert "are both ecg_only with seed 1" in capsys.readouterr().err
