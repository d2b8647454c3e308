"""External validation beside the internal test: what is compared with what, and what is refused."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from omegaconf import OmegaConf

from ecgmm.evaluation.metrics import compute_metrics
from ecgmm.reporting.external import main
from ecgmm.reporting.external_rows import Predictions, common_only
from tests.reporting.simulated_runs import CLASSES, N_TEST, write_run
from tests.runs.faults import FAULTS

ABOUT: dict[str, Any] = {
    "store": "elsewhere-0123",
    "source": "elsewhere",
    "fingerprint": "f" * 64,
    "synthetic": False,
    "split": "all",
    "selection": "exactly_one",
    "labels": {"name": "superclass", "source": "annotation", "classes": CLASSES, "dropped": {"several classes": 3}},
    "only_model": [],
    "only_store": [],
    "patients": {"ids_compared": False, "contents_compared": False},
    "without_report": 5,
}
ORIGINS = {
    "labels": "superclass",
    "label_source": "annotation",
    "text_origin": "notes",
    "text_policy": "full",
    "inputs_at_test": ["ecg"],
    "leaky": False,
}


def evaluated(folder: Path, method: str = "ecg_only", seed: int = 1, n: int = N_TEST, **about: Any) -> Path:
    """A run, evaluated on another store where it is right less often; ``leaky`` marks the evaluation."""
    leaky = about.pop("leaky", False)
    run = write_run(folder, method, seed)
    config = OmegaConf.load(run / "config.yaml")
    config.merge_with({"task": {"selection": "exactly_one"}})
    OmegaConf.save(config, run / "config.yaml")
    frame = pl.read_parquet(run / "predictions.parquet", glob=False).filter(pl.col("split") == "test").head(n)
    turned = (pl.col("label") + (pl.col("record") % 4 == 0).cast(pl.Int64)) % len(CLASSES)
    frame = frame.with_columns(label=turned, split=pl.lit("train"), patient=pl.col("patient") + 10_000)
    content = json.loads((run / "metrics.json").read_text())
    content = {key.replace("test/", "all/"): value for key, value in content.items()}
    content |= {"external": ABOUT | about, "n_records": n, "origins": ORIGINS | {"leaky": leaky}}
    (run / "evaluation").mkdir()
    (run / "evaluation" / "elsewhere-0123-all.json").write_text(json.dumps(content))
    frame.write_parquet(run / "evaluation" / "elsewhere-0123-all.parquet")
    return run


def lines(folder: Path) -> dict[tuple[str, str, str], dict[str, str]]:
    rows = csv.DictReader(io.StringIO((folder / "external.csv").read_text()))
    return {(row["method"], row["side"], row["metric"]): row for row in rows}


def scored(frame: pl.DataFrame) -> float:
    probabilities = frame.select(f"probability.{name}" for name in CLASSES).to_numpy()
    return compute_metrics(frame["label"].to_numpy(), probabilities, CLASSES, "single_label")["auroc_macro"]


def test_each_side_is_measured_and_the_difference_is_theirs(tmp_path: Path) -> None:
    run = evaluated(tmp_path / "run")
    evaluated(tmp_path / "second", "concat")
    assert main([str(tmp_path), "--resamples", "50"]) == 0
    found = lines(tmp_path)
    inside = pl.read_parquet(run / "predictions.parquet", glob=False).filter(pl.col("split") == "test")
    outside = pl.read_parquet(run / "evaluation" / "elsewhere-0123-all.parquet", glob=False)
    internal, external = (float(found["ecg_only", side, "auroc_macro"]["value"]) for side in ("internal", "external"))
    assert internal == pytest.approx(scored(inside))
    assert external == pytest.approx(scored(outside))
    gap = found["ecg_only", "internal - external", "auroc_macro"]
    assert float(gap["value"]) == pytest.approx(internal - external)
    assert float(gap["low"]) < float(gap["value"]) < float(gap["high"])
    paired = found["concat", "first run - this run", "auroc_macro"]
    other = float(found["concat", "external", "auroc_macro"]["value"])
    names = {method for method, side, _ in found if side == "first run - this run"}
    assert names == {"concat"}, "the first run of the set is compared with no one"
    assert float(paired["value"]) == pytest.approx(external - other)
    share = float(found["ecg_only", "external", "prevalence/NORM"]["value"])
    assert share == pytest.approx((outside["label"] == 0).mean())
    text = (tmp_path / "external.md").read_text()
    assert "could not be checked" in text
    assert "rows left out: 3 (several classes)" in text
    assert "unpaired" in text
    assert r"\toprule" in (tmp_path / "external.tex").read_text()


def test_the_same_patients_outside_as_inside_are_no_tighter_than_independent_ones(tmp_path: Path) -> None:
    """The difference is unpaired: its spread is that of two independent sides, not of one."""
    evaluated(tmp_path / "run")
    assert main([str(tmp_path), "--resamples", "400"]) == 0
    found = lines(tmp_path)
    widths = {
        side: float(row["high"]) - float(row["low"])
        for side in ("internal", "external", "internal - external")
        for row in [found["ecg_only", side, "auroc_macro"]]
    }
    expected = np.hypot(widths["internal"], widths["external"])
    assert widths["internal - external"] == pytest.approx(expected, rel=0.2)


def test_a_class_that_one_side_lacks_leaves_no_difference(tmp_path: Path) -> None:
    """A mean over four classes and one over five are two questions."""
    run = evaluated(tmp_path / "run")
    file = run / "evaluation" / "elsewhere-0123-all.parquet"
    frame = pl.read_parquet(file, glob=False)
    frame.with_columns(label=pl.col("label").replace(4, 0)).write_parquet(file)
    assert main([str(tmp_path), "--resamples", "5"]) == 0
    assert not [key for key in lines(tmp_path) if key[1] == "internal - external"]
    assert "absent internally: none; externally: HYP" in (tmp_path / "external.md").read_text()


def test_the_inner_side_is_brought_to_the_common_classes() -> None:
    side = Predictions(
        np.array([0, 1, 2]), np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6]]), np.array([7, 8, 9])
    )
    some = common_only(side, ["A", "B", "C"], ["A", "C"])
    assert some.labels.tolist() == [0, 1], "the record of B is left out, C is the second class now"
    assert some.patients.tolist() == [7, 9]
    assert some.probabilities[0] == pytest.approx([5 / 7, 2 / 7])
    assert some.probabilities[1] == pytest.approx([0.25, 0.75])
    several = Predictions(np.array([[1, 0], [0, 1], [0, 0]]), np.full((3, 2), 0.5), np.arange(3))
    only = common_only(several, ["A", "B"], ["A"])
    assert only.labels.tolist() == [[1], [0]], "what has only B is left out, and what has nothing is an answer"
    assert only.patients.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("about", "word"),
    [
        ({"leaky": True}, "leak mark (no and yes)"),
        ({"selection": "priority"}, "task.selection=priority"),
        ({"n": N_TEST - 1}, "different records"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], about: dict[str, Any], word: str
) -> None:
    evaluated(tmp_path / "first")
    evaluated(tmp_path / "second", "concat", **about)
    assert main([str(tmp_path), "--resamples", "5"]) == 2
    message = capsys.readouterr().err
    assert word in message
    assert "second" in message
    assert message.count("\n") == 1
    assert not list(tmp_path.glob("external.*"))


def test_other_labels_of_training_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluated(tmp_path / "first")
    second = evaluated(tmp_path / "second", "concat")
    facts = json.loads((second / "run.json").read_text())
    facts["labels"]["name"] = "rhythm"
    (second / "run.json").write_text(json.dumps(facts))
    assert main([str(tmp_path), "--resamples", "5"]) == 2
    assert "labels of training (superclass and rhythm)" in capsys.readouterr().err


@pytest.mark.parametrize("changed", [{"classes": ["NORM", "MI", "STTC", "CD", "x"]}, {"task": "multi_label"}])
def test_an_evaluation_of_another_run_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, Any]
) -> None:
    file = evaluated(tmp_path / "run") / "evaluation" / "elsewhere-0123-all.json"
    content = json.loads(file.read_text()) | changed
    for row, name in zip(content["per_class"], content["classes"], strict=True):
        row["class"] = name
    content["thresholds"] = [0.5] * 5 if content["task"] == "multi_label" else None
    file.write_text(json.dumps(content))
    assert main([str(tmp_path), "--resamples", "5"]) == 2
    assert "no evaluation of its run" in capsys.readouterr().err


def test_runs_without_an_evaluation_elsewhere_say_how(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "run", "ecg_only", 1)
    assert main([str(tmp_path)]) == 2
    assert "python -m ecgmm.evaluate run=" in capsys.readouterr().err


def test_predictions_that_are_gone_or_of_other_records_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = evaluated(tmp_path / "run") / "evaluation" / "elsewhere-0123-all.parquet"
    pl.read_parquet(file, glob=False)[1:].write_parquet(file)
    assert main([str(tmp_path), "--resamples", "5"]) == 2
    assert "does not hold the records that were measured" in capsys.readouterr().err
    file.unlink()
    assert main([str(tmp_path), "--resamples", "5"]) == 2
    assert "is missing" in capsys.readouterr().err


@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in ("unreadable", "flipped")])
@pytest.mark.parametrize("ending", ["json", "parquet"])
def test_a_damaged_evaluation_is_one_sentence(
    fault: str, ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = evaluated(tmp_path / "run")
    FAULTS[fault](run / "evaluation" / f"elsewhere-0123-all.{ending}")
    code = main([str(tmp_path), "--resamples", "5"])
    said = capsys.readouterr()
    assert code == 2, said.out
    assert said.err.count("error: ") == 1
    assert "Traceback" not in said.err
    assert not (tmp_path / "external.csv").exists()
