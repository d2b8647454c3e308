"""Table 2 on the records of an evaluation, such as a fresh tree, in place of the test split."""

from pathlib import Path

import polars as pl
import pytest

from ecgmm.reporting.table2 import main
from ecgmm.runs.run import run_directories
from tests.reporting.simulated_runs import csv_lines, markdown, write_run
from tests.reporting.test_external import evaluated, scored

NAME = "elsewhere-0123-all"


def test_the_table_is_that_of_the_evaluation_and_says_so(tmp_path: Path) -> None:
    runs = {method: evaluated(tmp_path / method, method) for method in ("ecg_only", "gated_fusion")}
    assert main([str(tmp_path), "--resamples", "20"]) == 0
    on_test = float(csv_lines(tmp_path)["ecg_only"]["auroc_macro"])
    assert main([str(tmp_path), "--resamples", "20", "--evaluation", NAME]) == 0
    for method, run in runs.items():
        frame = pl.read_parquet(run / "evaluation" / f"{NAME}.parquet", glob=False)
        assert float(csv_lines(tmp_path)[method]["auroc_macro"]) == pytest.approx(scored(frame))
    assert float(csv_lines(tmp_path)["ecg_only"]["auroc_macro"]) != on_test
    assert csv_lines(tmp_path)["ecg_only"]["evaluation"] == NAME
    assert f"scored on the evaluation {NAME}, not the test split" in markdown(tmp_path)


def test_a_run_without_the_evaluation_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluated(tmp_path / "a", "ecg_only")
    write_run(tmp_path / "b", "concat", 1)
    assert main([str(tmp_path), "--resamples", "20", "--evaluation", NAME]) == 2
    assert f"b has no evaluation {NAME}" in capsys.readouterr().err


def test_evaluations_of_two_stores_make_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluated(tmp_path / "a", "ecg_only")
    evaluated(tmp_path / "b", "concat", fingerprint="e" * 64)
    assert main([str(tmp_path), "--resamples", "20", "--evaluation", NAME]) == 2
    assert "2 different stores" in capsys.readouterr().err


def test_a_folder_of_runs_stands_for_the_finished_ones(tmp_path: Path) -> None:
    first, second = (write_run(tmp_path / "runs" / name, "ecg_only", 1) for name in ("a", "b"))
    write_run(tmp_path / "runs" / "begun", "text_only", 1, finished=False)
    assert run_directories(tmp_path / "runs") == [first, second]
    assert run_directories(first) == [first]
    assert run_directories(tmp_path / "nothing") == [tmp_path / "nothing"]
