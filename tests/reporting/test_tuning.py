"""What a search chose, as a table and as settings."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from ecgmm.reporting.tuning import main
from ecgmm.runs.trials import Trial, write_trials

OWN = "optimizer.lr=0.002 optimizer.weight_decay=0.01 method.dropout=0.1 augmentation=default"
OTHER = "optimizer.lr=0.004 optimizer.weight_decay=0.001 method.dropout=0.3 augmentation=none"


def trials_of(method: str, *values: float | None, data: str = "data.name=synthetic data.seed=7") -> list[Trial]:
    places = ((0, 4, OWN), (1, 4, OTHER), (0, 12, OWN), (1, 12, OTHER))
    return [
        Trial(method, number, epochs, value, 1.0, 1800.0, settings, data, "abc")
        for (number, epochs, settings), value in zip(places, values, strict=True)
    ]


def test_default_and_choice_stand_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_trials(tmp_path / "trials" / "mean.csv", trials_of("mean", 0.99, 0.5, 0.9, 0.8))
    write_trials(tmp_path / "trials" / "ecg_only.csv", trials_of("ecg_only", 0.5, None, 0.7, 0.75))
    assert main([str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "| mean | 0.900 | 0.900 | +0.000 | 12 | 0.002 | 0.01 | dropout 0.1; augmentation default |" in printed
    assert (
        "| ecg_only | 0.700 | 0.750 | +0.050 | 12 | 0.004 | 0.001 | dropout 0.3 (0.1); augmentation none (default) |"
        in (printed)
    )
    assert "SYNTHETIC" in printed
    assert "4 trials a row (2 of 4 epochs, 2 of 12 epochs)" in printed
    assert "4.0 hours" in printed
    lines = (tmp_path / "tuning.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["row", "mean", "ecg_only"]

    chosen: Any = OmegaConf.load(tmp_path / "tuned" / "ecg_only.yaml")
    assert [dict(line) for line in chosen.pop("defaults")] == [
        {"override /recipe": "quick"},
        {"override /method": "ecg_only"},
        {"override /augmentation": "none"},
    ]
    assert chosen == {
        "recipe": "tuned",
        "optimizer": {"lr": 0.004, "weight_decay": 0.001},
        "method": {"dropout": 0.3},
        "trainer": {"max_epochs": 12},
    }
    before = {path: path.read_bytes() for path in (tmp_path / "tuned").iterdir()}
    assert main([str(tmp_path / "tuning_trials.csv")]) == 0  # the same from the one table
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (trials_of("mean", 0.5, 0.5, 0.5, 0.5)[:-1], "were searched with different budgets or data"),
        (trials_of("mean", 0.5, 0.5, 0.5, 0.5, data="data.seed=8"), "were searched with different budgets or data"),
        (trials_of("mean", 0.5, 0.5, None, None), "no trial of mean came to its end"),
    ],
)
def test_rows_that_no_fair_table_comes_of_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], other: list[Trial], words: str
) -> None:
    write_trials(tmp_path / "all.csv", [*trials_of("concat", 0.5, 0.5, 0.5, 0.5), *other])
    assert main([str(tmp_path / "all.csv")]) == 2
    assert words in capsys.readouterr().err


def test_a_folder_without_trials_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "holds no finished search" in capsys.readouterr().err
