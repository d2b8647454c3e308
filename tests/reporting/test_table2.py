"""Table 2 from simulated run directories."""

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ecgmm.evaluation.metrics import TABLE2_METRICS
from ecgmm.evaluation.replicates import replicated_difference
from ecgmm.reporting.table2 import main
from ecgmm.runs.run import find_runs
from tests.reporting.simulated_runs import csv_lines, write_run, write_table


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("table2")
    write_table(root)
    assert main([str(root), "--resamples", "200"]) == 0
    return root


def test_values_are_means_over_seeds_of_what_the_runs_measured(drawn: Path) -> None:
    line = csv_lines(drawn)["ecg_only"]
    for key in TABLE2_METRICS:
        of_seeds = [
            json.loads((drawn / f"method=ecg_only,seed={seed}" / "metrics.json").read_text())[f"test/{key}"]["value"]
            for seed in (42, 43)
        ]
        assert float(line[key]) == pytest.approx(np.mean(of_seeds))
        assert float(line[f"{key}_sd"]) == pytest.approx(np.std(of_seeds, ddof=1))
        assert float(line[f"{key}_low"]) < float(line[key]) < float(line[f"{key}_high"])


def test_difference_covers_retraining_and_patients(drawn: Path) -> None:
    runs, _ = find_runs([drawn])
    ours, theirs = ([run.scorer() for run in runs if run.method == method] for method in ("gated_fusion", "concat"))
    expected = replicated_difference(ours, theirs, runs[0].patients, 200, 0)["auroc_macro"]
    line = csv_lines(drawn)["concat"]
    for name in ("value", "low", "high", "p_value"):
        assert float(line[f"auroc_macro_difference_{name}"]) == pytest.approx(getattr(expected, name))
    assert csv_lines(drawn)["gated_fusion"]["auroc_macro_difference_value"] == ""


def test_any_row_may_be_the_one_that_all_others_are_compared_with(drawn: Path, tmp_path: Path) -> None:
    assert main([str(drawn), "--resamples", "200", "--reference", "concat", "--out", str(tmp_path)]) == 0
    ours, turned = csv_lines(drawn)["concat"], csv_lines(tmp_path)["gated_fusion"]
    for one, other in (("value", "value"), ("low", "high"), ("high", "low")):
        difference = float(turned[f"auroc_macro_difference_{other}"])
        assert difference == pytest.approx(-float(ours[f"auroc_macro_difference_{one}"]))
    assert csv_lines(tmp_path)["concat"]["auroc_macro_difference_value"] == ""
    assert {line["compared_with"] for line in csv_lines(tmp_path).values()} == {"concat"}
    text = (tmp_path / "table2.md").read_text()
    assert "concat minus each row" in text
    assert "gated_fusion minus" not in text
    assert "worse than concat" in text


def test_the_paper_s_rows_stand_beside_ours_exactly_as_printed(drawn: Path) -> None:
    """Table 2 of the paper, digit for digit."""
    printed = {
        "Zhou et al. [8]": "0.87 0.84 0.81 0.80 0.79 0.82 0.83 0.62",
        "Guo et al. [9]": "0.88 0.85 0.82 0.81 0.80 0.83 0.84 0.63",
        "Li et al. [10]": "0.89 0.86 0.83 0.82 0.81 0.84 0.85 0.65",
        "Liu et al. [11]": "0.90 0.87 0.84 0.83 0.82 0.85 0.86 0.66",
        "Wan et al. [12]": "0.91 0.88 0.85 0.84 0.83 0.86 0.87 0.67",
        "Tian et al. [13]": "0.92 0.89 0.86 0.85 0.84 0.87 0.88 0.68",
        "Wang et al. [14]": "0.93 0.90 0.87 0.86 0.85 0.88 0.89 0.70",
        "Ours": "0.96 0.94 0.91 0.90 0.89 0.92 0.93 0.76",
    }
    lines = (drawn / "table2.md").read_text().splitlines()
    for name, numbers in printed.items():
        (line,) = [line for line in lines if line.startswith(f"| paper: {name} ")]
        assert line.replace("|", " ").split()[-len(TABLE2_METRICS) :][:8] == numbers.split()
    assert sum("not yet" in line for line in lines) == 7


def test_markdown_fits_a_terminal_and_says_what_it_was_measured_on(drawn: Path) -> None:
    text = (drawn / "table2.md").read_text()
    assert max(len(line) for line in text.splitlines() if line.startswith("|")) <= 150
    for words in (
        "SYNTHETIC",
        "quick",
        "tiny",
        "400 records of 200 patients",
        "simulation",
        "full",
        "42, 43",
        "0123456789ab",
    ):
        assert words in text


def test_a_table_without_runs_without_report_says_nothing_of_what_it_adds(drawn: Path) -> None:
    assert "with the report and without" not in (drawn / "table2.md").read_text()


def test_latex_is_balanced_and_escaped(drawn: Path) -> None:
    text = (drawn / "table2.tex").read_text()
    assert r"gated\_fusion" in text
    assert "**" not in text
    assert "p $<$ 0.05" in text
    assert not re.search(r"(?<!\\)[_%#]|\*\*", text)
    assert text.count("{") == text.count("}")
    bodies = re.findall(r"\\midrule(.*?)\\bottomrule", text, re.DOTALL)
    columns = [{line.count(" & ") + 1 for line in body.splitlines() if line.endswith(r"\\")} for body in bodies]
    assert columns == [{len(TABLE2_METRICS) + 3}, {6}, {7}]


def test_leaky_runs_are_marked(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "text_only", 1, leaky=True)
    write_run(tmp_path / "b", "ecg_only", 1)
    assert main([str(tmp_path), "--resamples", "20"]) == 0
    text = (tmp_path / "table2.md").read_text()
    assert "text_only†" in text
    assert "ecg_only†" not in text
    assert "measures the leak" in text
    assert csv_lines(tmp_path)["text_only"]["leaky"] == "true"


def test_multi_label_runs_bring_their_thresholds(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "ecg_only", 1, task="multi_label")
    assert main([str(tmp_path), "--resamples", "20"]) == 0
    metrics = json.loads((tmp_path / "a" / "metrics.json").read_text())
    for key in TABLE2_METRICS:
        assert float(csv_lines(tmp_path)["ecg_only"][key]) == pytest.approx(metrics[f"test/{key}"]["value"])


def test_real_data_carries_no_synthetic_line(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "ecg_only", 1, data={"name": "ptb_xl", "fingerprint": "f" * 64, "synthetic": False})
    assert main([str(tmp_path), "--resamples", "20"]) == 0
    assert "SYNTHETIC" not in (tmp_path / "table2.md").read_text() + (tmp_path / "table2.tex").read_text()


def test_order_of_rows_in_a_file_changes_nothing(tmp_path: Path) -> None:
    write_table(tmp_path, methods=("ecg_only", "gated_fusion"), seeds=(1,))
    assert main([str(tmp_path), "--resamples", "50"]) == 0
    before = (tmp_path / "table2.md").read_text()
    path = tmp_path / "method=ecg_only,seed=1" / "predictions.parquet"
    pl.read_parquet(path).sample(fraction=1, shuffle=True, seed=3).write_parquet(path)
    assert main([str(tmp_path), "--resamples", "50"]) == 0
    assert (tmp_path / "table2.md").read_text() == before
