"""Limits on the quality of the waveforms, from the command line to run.json."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

Command = Callable[..., int]


def test_limits_are_counted_shown_and_make_another_run(
    command: Command, quick_settings: list[str], tiny_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    settings = (*quick_settings, "trainer.max_epochs=1", "method=majority", f"hydra.run.dir={run}")
    assert command("train", *settings, "quality.max_drift_mv=0.3") == 0
    facts = json.loads((run / "run.json").read_text())
    counts = facts["quality"]["left_out"]["train"]
    assert facts["quality"]["limits"] == {"max_drift_mv": 0.3}
    records = pl.read_parquet(tiny_store / "records.parquet")
    beyond = records.filter((pl.col("split") == "train") & (pl.col("drift_mv") > 0.3))
    assert 0 < counts["max_drift_mv"] <= beyond.height
    shown = next(line for line in capsys.readouterr().out.splitlines() if "left out: quality.max_drift_mv" in line)
    assert str(counts["max_drift_mv"]) in shown.split()
    assert command("train", *settings) == 2  # without the limit it is another run
    assert "overwrite=true" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("mistake", "key"),
    [
        ("sampling=fair", "sampling"),
        ("prefetch=-1", "prefetch"),
        ("checkpoint_minutes=soon", "checkpoint_minutes"),
        ("quality.min_quality=high", "quality.min_quality"),
        ("data.residency=gpu", "data.residency"),  # on a CPU
    ],
)
def test_mistakes_are_told_with_their_key(
    command: Command,
    quick_settings: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    mistake: str,
    key: str,
) -> None:
    assert command("train", *quick_settings, mistake, f"hydra.run.dir={tmp_path / 'run'}") == 2
    assert key in capsys.readouterr().err
