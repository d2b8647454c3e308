"""The flow of participants of a run, against the tables of its store."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from ecgmm.runs.participants import Participants

Command = Callable[..., int]


def test_every_row_is_used_or_left_out_for_one_reason(
    command: Command, quick_settings: list[str], tiny_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    settings = [*quick_settings, "trainer.max_epochs=1", "method=majority", "train_fraction=0.5"]
    assert command("train", *settings, "quality.max_drift_mv=0.3", f"hydra.run.dir={run}") == 0
    flow = Participants.model_validate(json.loads((run / "run.json").read_text())["data"]["participants"])
    manifest = json.loads((tiny_store / "manifest.json").read_text())
    assert flow.kept == manifest["kept"]
    assert flow.listed == flow.kept + sum(flow.dropped.values())
    records = pl.read_parquet(tiny_store / "records.parquet")
    predictions = pl.read_parquet(run / "predictions.parquet")
    for split in flow.splits:
        assert split.rows == records.filter(pl.col("split") == split.split).height
        assert split.used + sum(split.left_out.values()) == split.rows
        assert sum(split.sex.values()) == split.records
        own = predictions.filter(pl.col("split") == split.split)
        if split.split != "train":  # training records have no predictions
            assert (split.used, split.patients) == (own.height, own["patient"].n_unique())
    train, val, test = flow.splits
    assert train.left_out["several classes"] > 0
    assert train.left_out["not in train_fraction"] > 0
    assert train.left_out["quality.max_drift_mv"] > 0
    assert not {"not in train_fraction", "quality.max_drift_mv"} & {*val.left_out, *test.left_out}
    shown = capsys.readouterr()
    assert "participants: " in shown.out + shown.err
    assert "not in train_fraction" in shown.out
