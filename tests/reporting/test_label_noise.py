"""What wrong labels cost with each criterion, from run directories."""

from pathlib import Path
from typing import Any

import pytest

from ecgmm.reporting.grouping import common_choices, row_key
from ecgmm.reporting.label_noise import main, shares_of_the_loss
from ecgmm.runs.run import find_runs
from tests.reporting.simulated_runs import write_run

NOISE = {"kind": "symmetric", "rate": 0.3, "pairs": []}


def test_rows_are_criteria_and_columns_rates(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_run(tmp_path / f"clean{seed}", "concat", seed)
        write_run(tmp_path / f"ce{seed}", "concat", seed, predicts_like="ecg_only", label_noise=NOISE)
        robust: dict[str, Any] = {"label_noise": NOISE, "criterion": "forward correction"}
        write_run(tmp_path / f"fc{seed}", "concat", seed, predicts_like="text_only", **robust)
    assert main([str(tmp_path)]) == 0
    text = (tmp_path / "label_noise.md").read_text()
    assert "| AUROC | labels as they are | symmetric, 30 % |" in text
    assert "| concat: forward correction | – |" in text
    assert "concat, symmetric, 30 %: cross-entropy loses" in text
    assert len((tmp_path / "label_noise.csv").read_text().splitlines()) == 1 + 3 * 3


def test_share_of_the_loss_by_hand() -> None:
    cells = {
        ("a: cross-entropy", "labels as they are"): [0.9, 1.0],
        ("a: cross-entropy", "symmetric, 30 %"): [0.8, 0.9],
        ("a: forward correction", "symmetric, 30 %"): [0.92],
    }
    (sentences,) = shares_of_the_loss(cells)
    assert sentences == ("- a, symmetric, 30 %: cross-entropy loses 0.100, forward correction 0.030, 0.30 of it.")


def test_a_folder_without_runs_is_a_user_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "no finished run" in capsys.readouterr().err


def test_a_table_always_names_wrong_labels_and_criteria_that_differ(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "concat", 1, label_noise=NOISE)
    write_run(tmp_path / "b", "concat", 1, label_noise=NOISE, criterion="forward correction")
    write_run(tmp_path / "c", "ecg_only", 1, label_noise=NOISE)
    runs, _ = find_runs([tmp_path])
    labels = {row_key(run, common_choices(runs)).label for run in runs}
    assert labels == {
        "concat, symmetric wrong labels 30 %",
        "concat, symmetric wrong labels 30 %, forward correction",
        "ecg_only, symmetric wrong labels 30 %",
    }
