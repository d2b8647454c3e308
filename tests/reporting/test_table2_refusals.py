"""What Table 2 refuses to draw, and what it leaves out."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ecgmm.reporting.table2 import main
from tests.reporting.simulated_runs import CLASSES, csv_lines, write_run


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"recipe": "paper"}, "recipe"),
        ({"data": {"name": "synthetic", "fingerprint": "9" * 64, "synthetic": True}}, "fingerprint"),
        ({"train_fraction": 0.5}, "train_fraction"),
        ({"size": "base"}, "size"),
        ({"task": "multi_label"}, "task"),
    ],
)
def test_runs_that_do_not_belong_together_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, Any], word: str
) -> None:
    write_run(tmp_path / "first", "ecg_only", 1)
    write_run(tmp_path / "second", "text_only", 1, **changed)
    assert main([str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert all(part in message for part in ("first", "second", word))
    assert message.count("\n") == 1
    assert not list(tmp_path.glob("table2.*"))


def test_a_row_to_compare_with_that_is_not_there_is_named_with_those_that_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "first", "ecg_only", 1)
    assert main([str(tmp_path), "--reference", "ecg_onyl"]) == 2
    assert "no row 'ecg_onyl' to compare with; there are ecg_only" in capsys.readouterr().err


def test_own_labels_of_another_table_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Their name and classes may be the same while a line differs."""
    own = {"name": "table", "source": "annotation", "classes": CLASSES}
    write_run(tmp_path / "first", "ecg_only", 1, labels={**own, "digest": "0a1b"})
    write_run(tmp_path / "second", "text_only", 1, labels={**own, "digest": "0a1b"})
    assert main([str(tmp_path), "--resamples", "20"]) == 0
    write_run(tmp_path / "third", "concat", 1, labels={**own, "digest": "ffff"})
    assert main([str(tmp_path)]) == 2
    assert "differ in their labels (data.labels_csv" in capsys.readouterr().err


def test_a_run_that_measured_no_test_record_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path / "first", "ecg_only", 1)
    predictions = pl.read_parquet(run / "predictions.parquet")
    predictions.filter(pl.col("split") == "val").write_parquet(run / "predictions.parquet")
    assert main([str(tmp_path)]) == 2
    assert "was measured on its validation records alone (measured_split=val" in capsys.readouterr().err


def test_the_same_method_and_seed_twice_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "first", "ecg_only", 1)
    write_run(tmp_path / "second", "ecg_only", 1)
    assert main([str(tmp_path)]) == 2
    assert "are both ecg_only with seed 1" in capsys.readouterr().err


def test_other_test_records_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "first", "ecg_only", 1)
    second = write_run(tmp_path / "second", "text_only", 1) / "predictions.parquet"
    pl.read_parquet(second)[1:].write_parquet(second)
    assert main([str(tmp_path)]) == 2
    assert "different records" in capsys.readouterr().err


def test_unfinished_runs_are_left_out_and_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "done", "ecg_only", 1)
    write_run(tmp_path / "begun", "text_only", 1, finished=False)
    (write_run(tmp_path / "torn", "concat", 1) / "predictions.parquet").unlink()
    assert main([str(tmp_path), "--resamples", "20", "--out", str(tmp_path / "report")]) == 0
    assert set(csv_lines(tmp_path / "report")) == {"ecg_only"}
    error = capsys.readouterr().err
    assert "begun" in error
    assert "torn" in error


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: None])
def test_a_folder_without_runs_is_a_user_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Any) -> None:
    make(tmp_path / "x")
    assert main([str(tmp_path / "x")]) == 2
    message = capsys.readouterr().err
    assert str(tmp_path / "x") in message
    assert message.count("\n") == 1


def test_a_run_of_an_older_version_is_a_user_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "new", "ecg_only", 1)
    write_run(tmp_path / "old", "text_only", 1, schema_version=1)
    assert main([str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert all(part in message for part in ("old", "schema_version 1", "train the run again"))
    assert message.count("\n") == 1


def test_broken_json_is_a_user_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (write_run(tmp_path / "a", "ecg_only", 1) / "run.json").write_text("{")
    assert main([str(tmp_path)]) == 2
    assert "run.json" in capsys.readouterr().err
