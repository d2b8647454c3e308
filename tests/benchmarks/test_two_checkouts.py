"""Comparison of run directories and of code; nothing is trained here."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file

from benchmarks import two_checkouts

METHODS = two_checkouts.methods_of(Path(__file__).parents[2])


def run_directory(folder: Path, auroc: float = 0.5, weight: float = 1.0, note: str = "") -> Path:
    (folder / "model").mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps({"test": {"auroc": auroc, "ece": float("nan")}}))
    pl.DataFrame({"probability": [0.25, float("nan")]}).write_parquet(folder / "predictions.parquet")
    save_file({"head.weight": np.array([weight])}, folder / "model" / "model.safetensors", {"note": note})
    (folder / "run.json").write_text(json.dumps({"finished": True}))
    return folder


def test_equal_runs_differ_in_nothing(tmp_path: Path) -> None:
    assert two_checkouts.differences(run_directory(tmp_path / "a"), run_directory(tmp_path / "b")) == []


def test_what_differs_is_named(tmp_path: Path) -> None:
    old, new = run_directory(tmp_path / "a"), run_directory(tmp_path / "b", auroc=0.6, weight=2.0)
    (new / "history.csv").write_text("epoch\n0\n")
    assert two_checkouts.differences(old, new) == [
        "history.csv stands in one of the two only",
        "metrics.json: 1 changed (test.auroc …)",
        "model/model.safetensors: 1 changed (head.weight …)",
    ]


def test_other_bytes_of_equal_tensors_are_a_difference_too(tmp_path: Path) -> None:
    old, new = run_directory(tmp_path / "a"), run_directory(tmp_path / "b", note="later")
    assert two_checkouts.differences(old, new) == ["model/model.safetensors: other bytes, equal content"]


def test_every_method_of_the_configuration_has_a_run() -> None:
    every = dict(two_checkouts.runs(METHODS, None, Path("ptb-xl")))
    assert set(METHODS) <= every.keys()
    assert "stages=two" in every["fg_clep-two_stages"]
    assert "text.policy=masked" in every["concat-ptb_xl-masked"]
    assert [name for name, _ in two_checkouts.runs(METHODS, ["concat"], None)] == ["concat"]


def test_changed_code_is_another_folder(tmp_path: Path) -> None:
    (tmp_path / "ecgmm").mkdir()
    (tmp_path / "ecgmm" / "types.py").write_text("A = 1\n")
    before = two_checkouts.code_digest(tmp_path)
    (tmp_path / "README.md").write_text("words")
    assert two_checkouts.code_digest(tmp_path) == before
    (tmp_path / "ecgmm" / "types.py").write_text("A = 2\n")
    assert two_checkouts.code_digest(tmp_path) != before


@pytest.mark.parametrize(("auroc", "status"), [(0.5, 0), (0.6, 1)])
def test_status_says_whether_anything_differs(
    auroc: float,
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for checkout, value in (("old", 0.5), ("new", auroc)):
        (tmp_path / checkout / "conf" / "method").mkdir(parents=True)
        (tmp_path / checkout / "conf" / "method" / "mean.yaml").write_text(f"# {checkout}\n")
        work = tmp_path / "work" / two_checkouts.code_digest(tmp_path / checkout)
        run_directory(work / "outputs" / "mean" / "x", auroc=value)  # finished, so nothing is trained
    command = ["two_checkouts", str(tmp_path / "old"), str(tmp_path / "new"), "--methods", "mean"]
    monkeypatch.setattr("sys.argv", [*command, "--work", str(tmp_path / "work")])
    with pytest.raises(SystemExit) as ended:
        two_checkouts.main()
    assert ended.value.code == status
    assert ("identical" in capsys.readouterr().out) == (status == 0)
