"""Tables of the suite, Table 3 and degradation curves, from simulated run directories."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ecgmm.errors import DataError, UserError
from ecgmm.reporting import degradation, table3
from ecgmm.reporting.robustness import robustness
from ecgmm.reporting.robustness_scores import detection, mean_corruption_error, rows_of
from ecgmm.runs.run import Run, find_runs
from tests.reporting.simulated_runs import write_run
from tests.reporting.simulated_suites import met

FOREIGN, DRIFT = "foreign_report", "drift"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    folder = tmp_path_factory.mktemp("runs")
    skills = {
        "concat": {"clean": 3.0, FOREIGN: 1.0, DRIFT: 2.0},
        "gated_fusion": {"clean": 3.0, FOREIGN: 0.5, DRIFT: 2.0},
        "ecg_only": {"clean": 1.5, FOREIGN: 1.5, DRIFT: 1.0},
        "evidence_fusion": {"clean": 3.5, FOREIGN: 2.5, DRIFT: 2.5},
    }
    for method, of_method in skills.items():
        for seed in (1, 2):
            like = {} if method != "evidence_fusion" else {"predicts_like": "oracle"}
            met(write_run(folder / f"{method}-{seed}", method, seed, **like), seed, of_method)  # type: ignore[arg-type]  # options of text
    return find_runs([folder])[0]


def test_tables_hold_every_row_and_kind(runs: list[Run], tmp_path: Path) -> None:
    table = robustness(runs, 5)
    text = table.to_markdown()
    for word in ("SYNTHETIC", "evidence_fusion", FOREIGN, DRIFT, "mains", "50 Hz is too much"):
        assert word in text
    table.save(tmp_path)
    lines = list(csv.DictReader(io.StringIO((tmp_path / "robustness.csv").read_text())))
    clean = {line["row"]: float(line["value"]) for line in lines if line["kind"] == "clean" and line["metric"] == "mcc"}
    assert set(clean) == {"concat", "gated_fusion", "ecg_only", "evidence_fusion"}
    changed = [line for line in lines if line["kind"] == FOREIGN and line["metric"] == "auroc_macro"]
    of_ecg = [line for line in changed if line["row"] == "ecg_only"]
    assert len(of_ecg) == 2
    assert {line["change_value"] for line in of_ecg} == {"0.0"}
    pairs = list(csv.DictReader(io.StringIO((tmp_path / "robustness_pairs.csv").read_text())))
    assert len({(line["kind"], line["first"], line["second"]) for line in pairs}) == 3 * 6
    assert "<table>" in (tmp_path / "robustness.html").read_text()


def test_a_row_that_does_not_look_keeps_its_clean_number(runs: list[Run]) -> None:
    [row] = [row for row in rows_of(runs, None, 10, 0) if row.label == "ecg_only"]
    change = row.change([(FOREIGN, 1.0)])
    assert (change.value, change.low, change.high) == (0, 0, 0)
    assert row.change([(DRIFT, 2)]).value < 0


def test_the_mean_corruption_error_of_the_baseline_is_one_and_halves_with_the_errors(runs: list[Run]) -> None:
    rows = {row.label: row for row in rows_of(runs, None, 10, 0)}
    conditions = [(FOREIGN, 1.0), (FOREIGN, 0.8), (DRIFT, 2.0)]
    assert mean_corruption_error(rows["concat"], rows["concat"], conditions).value == pytest.approx(1)
    errors = {
        label: [
            np.mean([1 - rows[label].of(one).by_seed["auroc_macro"].mean() for one in conditions if one[0] == kind])
            for kind in (FOREIGN, DRIFT)
        ]
        for label in ("concat", "evidence_fusion")
    }
    by_hand = np.mean([own / theirs for own, theirs in zip(errors["evidence_fusion"], errors["concat"], strict=True)])
    found = mean_corruption_error(rows["evidence_fusion"], rows["concat"], conditions)
    assert found.value == pytest.approx(by_hand)
    assert found.high < 1


def test_the_inconsistency_score_is_measured_by_hand(runs: list[Run]) -> None:
    """Half of the changed pairs get a score of 1, all others 0: an area of 3/4; of other classes all: 1."""
    [row] = [row for row in rows_of(runs, None, 10, 0) if row.label == "evidence_fusion"]
    found = detection(row, (FOREIGN, 1.0), 10, 0)
    assert found.overall is not None
    assert found.other_class is not None
    assert found.overall.value == pytest.approx(0.75)
    assert found.other_class.value == 1


def test_table_3_measures_what_is_there_and_says_what_is_not(runs: list[Run], tmp_path: Path) -> None:
    table = table3.table3(runs, 10)
    aligned, poor, devices, leads, labels = table.lines
    for line in (aligned, leads):
        assert line.gap is not None
        assert line.gap.low > 0
        assert "instead of" in line.meaning
    assert "Not measured" in poor.meaning
    assert "second_cart.json" in devices.meaning
    assert "label_noise.kind" in labels.meaning
    table.save(tmp_path)
    assert len(list(csv.DictReader(io.StringIO((tmp_path / "table3.csv").read_text())))) == 5


def test_table_3_without_the_method_says_so(runs: list[Run]) -> None:
    table = table3.table3([run for run in runs if run.method != "evidence_fusion"], 5)
    assert "no run of evidence_fusion" in table.lines[0].meaning


def test_wrong_labels_with_two_losses_make_row_five(tmp_path: Path) -> None:
    for loss, like in (("torch.nn.CrossEntropyLoss", "ecg_only"), ("ecgmm.models.criteria.LabelSmoothing", "oracle")):
        for seed in (1, 2):
            path = write_run(tmp_path / f"{loss}-{seed}", "concat", seed, predicts_like=like)
            disturb_labels(path, loss)
    line = table3.table3(find_runs([tmp_path])[0], 20).lines[4]
    assert "CrossEntropyLoss | LabelSmoothing" in line.measure
    assert line.gap is not None
    assert line.gap.low > 0


def disturb_labels(path: Path, loss: str) -> None:
    """Settings of a run that was trained on wrong labels."""
    import yaml  # type: ignore[import-untyped]  # no stubs

    config = yaml.safe_load((path / "config.yaml").read_text())
    config["label_noise"] = {"kind": "symmetric", "rate": 0.3}
    config["task"] = {"criterion": {"_target_": loss}}
    (path / "config.yaml").write_text(yaml.safe_dump(config))
    metrics = json.loads((path / "metrics.json").read_text()) | {"val/auroc_macro": {"value": 0.9}}
    (path / "metrics.json").write_text(json.dumps(metrics))
    facts = json.loads((path / "run.json").read_text()) | {"files": {}}
    (path / "run.json").write_text(json.dumps(facts))


def test_curves_have_a_panel_for_each_kind(runs: list[Run]) -> None:
    drawing = degradation.build(runs)
    titles = {axes.get_title() for axes in drawing.figure.axes}
    assert {"foreign report", "drift"} <= titles
    assert "SYNTHETIC" in drawing.caption


def test_runs_that_met_nothing_are_a_user_mistake(tmp_path: Path) -> None:
    write_run(tmp_path / "run", "concat", 1)
    with pytest.raises(UserError, match=r"python -m ecgmm\.robustness"):
        robustness(find_runs([tmp_path])[0])


@pytest.mark.parametrize("damage", [b"", b"PAR1 and no more"])
def test_damaged_predictions_are_said(tmp_path: Path, damage: bytes) -> None:
    run = met(write_run(tmp_path / "run", "concat", 1), 1, {"clean": 1.0, FOREIGN: 1.0, DRIFT: 1.0})
    (run / "robustness" / "synthetic-1-test" / "drift.parquet").write_bytes(damage)
    with pytest.raises(DataError, match=r"drift\.parquet is damaged"):
        robustness(find_runs([tmp_path])[0], 5).to_markdown()


def test_predictions_of_another_model_are_passed_over(tmp_path: Path) -> None:
    run = met(write_run(tmp_path / "run", "concat", 1), 1, {"clean": 1.0, FOREIGN: 1.0, DRIFT: 1.0})
    path = run / "robustness" / "synthetic-1-test" / "drift.parquet"
    pl.read_parquet(path).write_parquet(path, metadata={"suite": "another"})
    assert {kind for kind, _ in robustness(find_runs([tmp_path])[0], 5).conditions} == {FOREIGN}
