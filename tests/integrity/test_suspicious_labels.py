"""From the runs of a review to its table and page."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

Command = Callable[..., int]


@pytest.mark.slow
@pytest.mark.parametrize("task", ["single_label", "multilabel"])
def test_a_review_judges_each_training_record_once_and_finds_wrong_labels(
    command: Command,
    quick_settings: list[str],
    tiny_store: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    task: str,
) -> None:
    settings = [*quick_settings, f"task={task}", "method=bag_of_statements", "label_noise.kind=symmetric"]
    for part in (1, 2):
        where = f"hydra.run.dir={tmp_path / f'review/{part}'}"
        assert command("train", *settings, "label_noise.rate=0.2", f"held_out={part}/2", where) == 0
    capsys.readouterr()
    folder, stores = f"folder={tmp_path / 'review'}", f"paths.stores={tiny_store.parent}"
    assert command("suspicious_labels", folder, stores, "n_shown=2") == 0
    said = capsys.readouterr().out
    table = pl.read_parquet(tmp_path / "review" / "suspicious_labels.parquet", glob=False)
    assert not table.select(pl.struct("row", "class").is_duplicated().any()).item()
    assert table["score"].is_sorted()
    in_training = pl.read_parquet(tiny_store / "records.parquet")["split"].to_numpy()[table["row"].to_numpy()]
    assert set(in_training) == {"train"}
    n_wrong = int(table["disturbed"].sum())
    assert f"{n_wrong} labels were made wrong on purpose" in said
    assert table["disturbed"].head(n_wrong).mean() > 1.5 * table["disturbed"].mean()  # type: ignore[operator]  # means of a column of numbers
    page = tmp_path / "review" / "suspicious_labels.html"
    assert page.stat().st_mode & 0o077 == 0
    text = page.read_text()
    assert text.count("<figure>") == 2
    statements = pl.read_parquet(tiny_store / "reports.parquet")["statements"].explode().unique()
    assert not any(len(one) > 8 and one in text for one in statements)


def test_runs_that_are_no_review_are_refused(
    command: Command, quick_settings: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = f"hydra.run.dir={tmp_path / 'review/1'}"
    assert command("train", *quick_settings, "method=majority", "held_out=1/2", run) == 0
    assert command("suspicious_labels", f"folder={tmp_path / 'review'}") == 2
    assert "held_out=1/2" in capsys.readouterr().err


@pytest.mark.slow
def test_parts_share_the_training_patients_out(command: Command, quick_settings: list[str], tmp_path: Path) -> None:
    frames = []
    for part in (1, 2, 3):
        run = tmp_path / str(part)
        assert command("train", *quick_settings, "method=majority", f"held_out={part}/3", f"hydra.run.dir={run}") == 0
        frames.append(pl.read_parquet(run / "held_out.parquet", glob=False))
    patients = [set(frame["patient"]) for frame in frames]
    assert all(patients)
    assert not patients[0] & patients[1] | patients[0] & patients[2] | patients[1] & patients[2]
    assert len(np.unique(np.concatenate([frame["row"] for frame in frames]))) == sum(map(len, frames))
