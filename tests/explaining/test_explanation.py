"""Counterfactuals are what prediction says to less; the command's files show them, and nobody else may read them."""

import json
import re
import stat
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import ecgmm
from ecgmm.errors import ConfigError
from ecgmm.explaining import sanity
from ecgmm.explaining.counterfactuals import AS_GIVEN, REPORT_ALONE, WAVEFORM_ALONE, Answer
from ecgmm.explaining.drawing import strength
from ecgmm.explaining.explanation import Explanation, explain
from ecgmm.leads import LEADS
from ecgmm.predicting.inputs import ModelInput
from ecgmm.predicting.prediction import predict_record
from ecgmm.runs.loading import SavedModel
from tests.explaining.conftest import REPORT


@pytest.fixture
def explanation(model: SavedModel, given: ModelInput) -> Explanation:
    return explain(model, given)


def answers_of(explanation: Explanation, kind: str) -> list[Answer]:
    return [one for one in explanation.answers if one.kind == kind]


def test_answers_are_what_prediction_says_to_as_much(model: SavedModel, record: Path, explanation: Explanation) -> None:
    shorter = REPORT.replace("Left axis deviation. ", "")
    [one, two, three] = answers_of(explanation, "without statement")
    assert [one.which, three.which] == ["0", "2"]
    for answer, where, text in (
        (answers_of(explanation, AS_GIVEN)[0], record, REPORT),
        (answers_of(explanation, WAVEFORM_ALONE)[0], record, None),
        (answers_of(explanation, REPORT_ALONE)[0], None, REPORT),
        (two, record, shorter),
    ):
        said = predict_record(model, where, text)
        assert answer.probabilities == pytest.approx(list(said.probabilities.values()), abs=1e-6)
        assert answer.gate == pytest.approx(said.gate, abs=1e-6)


def test_the_most_probable_class_is_explained_unless_another_is_named(
    model: SavedModel, given: ModelInput, explanation: Explanation
) -> None:
    shares = explanation.answers[0].probabilities
    assert explanation.class_index == int(np.argmax(shares))
    assert explanation.probability == max(shares)
    assert explain(model, given, "HYP").class_name == "HYP"


def test_a_lead_that_the_method_does_not_look_at_changes_nothing(linear: SavedModel, given: ModelInput) -> None:
    found = explain(linear, given, "NORM")
    whole = found.answers[0].log_odds[0]
    changes = {one.which: one.log_odds[0] - whole for one in answers_of(found, "without lead")}
    assert list(changes) == list(LEADS)
    assert abs(changes.pop("II")) > 0.01
    assert list(changes.values()) == pytest.approx([0] * 11, abs=1e-5)
    assert not answers_of(found, "without statement")
    assert found.statement_losses == ()
    assert found.attribution.words is None


def test_signals_are_those_of_the_record_in_millivolts(given: ModelInput, explanation: Explanation) -> None:
    assert given.single_record is not None
    steps = given.single_record.steps[0].astype(np.float32)
    assert explanation.signals_mv is not None
    assert np.allclose(explanation.signals_mv, steps * 0.005, atol=1e-3)  # 5 µV a step


def test_a_sum_that_misses_its_difference_is_said(
    model: SavedModel, given: ModelInput, explanation: Explanation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not any("add up" in note for note in explanation.notes)
    monkeypatch.setattr(sanity, "RELATIVE_GAP", 0.0)
    monkeypatch.setattr(sanity, "ABSOLUTE_GAP", -1.0)
    assert "add up" in explain(model, given).notes[-1]


def test_the_front_door_gives_the_same(run: Path, record: Path, explanation: Explanation) -> None:
    found = ecgmm.load_run(run).explain(record, REPORT)
    assert found.answers == explanation.answers
    assert np.array_equal(found.attribution.waveform, explanation.attribution.waveform)  # type: ignore[arg-type]  # there is one


def test_mistakes_are_answered_with_what_there_is(model: SavedModel, given: ModelInput) -> None:
    with pytest.raises(ConfigError, match="class is 'XYZ'; the run has NORM"):
        explain(model, given, "XYZ")
    with pytest.raises(ConfigError, match="integrated_gradients, occlusion"):
        explain(model, given, None, "lime")
    blind = replace(model, method=copy(model.method))
    blind.method.inputs_at_test = ()
    with pytest.raises(ConfigError, match="nothing to explain"):
        explain(blind, given)


def test_strength_keeps_signs_and_nothing_stays_nothing() -> None:
    values = np.zeros((12, 1000))
    assert not strength(values, 100.0).any()
    values[3, 500:600], values[4, 500:600] = 2.0, -1.0
    found = strength(values, 100.0)
    assert found[3, 550] == 1
    assert found[4, 550] == pytest.approx(-0.5)
    assert found.min() >= -1


def test_the_command_writes_page_figures_and_numbers_that_only_the_owner_reads(
    command: Callable[..., int],
    run: Path,
    record: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sanity, "N_DRAWS", 2)
    monkeypatch.setattr(sanity, "N_ORDERS", 3)
    out = tmp_path / "out"
    arguments = [f"run='{run}'", f"record={record}", f"report='{REPORT}'", "class=MI", f"out={out}"]
    assert command("explain", *arguments, "sanity=true") == 0
    said = capsys.readouterr()
    assert "MI has probability" in said.out
    assert "axis" not in said.out + said.err  # no word of the report
    page = (out / "explanation.html").read_text(encoding="utf-8")
    assert "without “left axis deviation”" in page
    assert "default-src 'none'" in page
    assert "your file" in page
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    for file in out.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert str(run) not in file.read_text(encoding="latin-1")
    with np.load(out / "waveform.npz") as values:
        words = pl.read_parquet(out / "words.parquet")
        total = values["attribution"].sum() + words["value"].sum()
        assert total == pytest.approx(float(values["log_odds"] - values["baseline_log_odds"]), abs=0.02)
    assert pl.read_parquet(out / "answers.parquet").height == 3 + 3 + 12
    assert json.loads((out / "sanity.json").read_text())["completeness"]["passes"]

    assert command("explain", f"run='{run}'", f"report='{REPORT}'", f"out={out}") == 0
    assert not (out / "waveform.npz").exists()
    assert not (out / "sanity.json").exists()
    assert "On the ECG" not in (out / "explanation.html").read_text(encoding="utf-8")


def test_the_command_refuses_an_unknown_class(
    command: Callable[..., int], run: Path, record: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("explain", f"run='{run}'", f"record={record}", "class=XYZ", f"out={tmp_path}/out") == 2
    assert "the run has NORM" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
