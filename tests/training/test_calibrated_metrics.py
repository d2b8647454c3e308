"""What metrics.json says of calibration and validation, from a frame of predictions without any training."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ecgmm.data.sources.leakage import Origins
from ecgmm.errors import ConfigError
from ecgmm.evaluation.calibration import apply_temperature
from ecgmm.evaluation.metrics import TaskKind, compute_metrics
from ecgmm.runs.measuring import Fitted, fit_on_validation, measure
from ecgmm.runs.metrics import Metrics
from ecgmm.runs.predictions import labels_and_probabilities
from ecgmm.training.summary import print_metrics

CLASSES = ("NORM", "MI", "CD")
KEYS = ("ece", "brier", "nll", "ece_calibrated", "brier_calibrated", "nll_calibrated")
ORIGINS = Origins("superclass", "simulation", "simulation", "full", ["ecg"], False)
TASKS: tuple[TaskKind, ...] = ("single_label", "multi_label")


def frame_of(task: TaskKind, sharpness: float = 2.0) -> pl.DataFrame:
    """300 records, every third one of validation; a method and a readout that are too sure of themselves."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 300)
    truth = np.eye(3)[labels]
    columns: dict[str, Any] = {
        "row": np.arange(300),
        "record": np.arange(300),
        "patient": np.arange(300) // 2,
        "window": 0,
        "split": ["val", "test", "test"] * 100,
        "gate": pl.Series([None] * 300, dtype=pl.Float32),
    }
    columns |= (
        {"label": labels} if task == "single_label" else {f"label.{n}": truth[:, k] for k, n in enumerate(CLASSES)}
    )
    for prefix in ("", "report."):
        logits = sharpness * (truth + rng.normal(size=(300, 3)) - (task == "multi_label") / 2)
        even = 1 / (1 + np.exp(-logits))
        probabilities = even if task == "multi_label" else np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        columns |= {f"{prefix}probability.{n}": probabilities[:, k].astype(np.float32) for k, n in enumerate(CLASSES)}
    return pl.DataFrame(columns)


def measured_with(fitted: dict[str, Fitted], frame: pl.DataFrame, task: TaskKind, **options: Any) -> Metrics:
    readouts = {"report": ORIGINS}
    return measure(frame, CLASSES, task, fitted, seed=1, origins=ORIGINS, readouts=readouts, **options)


def typed(frame: pl.DataFrame, task: TaskKind, **options: Any) -> Metrics:
    return measured_with(fit_on_validation(frame, CLASSES, task), frame, task, n_resamples=50, **options)


def measured(frame: pl.DataFrame, task: TaskKind, **options: Any) -> dict[str, Any]:
    return typed(frame, task, **options).plain()


@pytest.mark.parametrize("task", TASKS)
def test_calibration_stands_beside_the_metrics_of_the_method_and_its_readout(task: TaskKind) -> None:
    found = measured(frame_of(task), task)
    for part in (found, found["readouts"]["report"]):
        assert part["temperature"] > 1
        for key in KEYS:
            entry = part[f"test/{key}"]
            assert entry["low"] < entry["high"]
        assert part["test/nll_calibrated"]["value"] < part["test/nll"]["value"]
    assert found["temperature"] != found["readouts"]["report"]["temperature"]
    assert json.dumps(found, allow_nan=False) == json.dumps(measured(frame_of(task), task))


@pytest.mark.parametrize("task", TASKS)
def test_the_temperature_comes_from_validation_and_not_from_test(task: TaskKind) -> None:
    frame = frame_of(task)
    shuffled = frame.with_columns(
        pl.when(pl.col("split") == "test").then(pl.col(name).reverse()).otherwise(pl.col(name)).alias(name)
        for name in frame.columns
        if name.startswith("label")
    )
    assert measured(shuffled, task)["temperature"] == measured(frame, task)["temperature"]
    _, probabilities = labels_and_probabilities(frame.filter(pl.col("split") == "test"), CLASSES, task)
    mended = apply_temperature(probabilities, measured(frame, task)["temperature"], task)
    assert np.abs(mended - probabilities).max() > 0.05


@pytest.mark.parametrize("task", TASKS)
def test_the_value_on_validation_is_a_point_and_only_where_another_split_is_evaluated(task: TaskKind) -> None:
    frame = frame_of(task)
    labels, probabilities = labels_and_probabilities(frame.filter(pl.col("split") == "val"), CLASSES, task)
    found = measured(frame, task)
    assert found["val/auroc_macro"] == {"value": compute_metrics(labels, probabilities, CLASSES, task)["auroc_macro"]}
    assert "val/auroc_macro" in found["readouts"]["report"]
    assert set(measured(frame, task, split="val")["val/auroc_macro"]) == {"value", "low", "high"}
    only_test = frame.filter(pl.col("split") == "test")
    fitted = fit_on_validation(frame, CLASSES, task)
    assert "val/auroc_macro" not in measured_with(fitted, only_test, task, n_resamples=5)


def test_a_saved_run_without_a_temperature_has_no_calibrated_metrics() -> None:
    frame = frame_of("single_label")
    fitted = dict.fromkeys(("", "report"), Fitted(None, None))
    found = measured_with(fitted, frame, "single_label", n_resamples=5).plain()
    assert found["temperature"] is None
    assert "test/ece" in found
    assert not any("calibrated" in key for key in found)


@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize("task", TASKS)
def test_the_metrics_of_any_split_are_printed(task: TaskKind, split: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each that has an interval, under its own name; what was chosen on the split itself says so."""
    found = typed(frame_of(task), task, split=split)
    print_metrics(found, Path("run"))
    printed = capsys.readouterr().out
    shown = [key for key in found.plain() if key.startswith(f"{split}/") and key.count("/") == 1]
    assert len(shown) > 10
    assert all(key in printed for key in shown)
    assert ("chosen on this split" in printed) == (split == "val")


def test_a_leak_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    found = typed(frame_of("single_label"), "single_label")
    for leaky in (True, False):
        print_metrics(found.model_copy(update={"origins": replace(ORIGINS, leaky=leaky)}), Path("run"))
        assert ("LEAK" in capsys.readouterr().out) == leaky


def test_no_metric_at_all_is_a_failure() -> None:
    frame = frame_of("multi_label").with_columns(pl.col("^label.*$") * 0)
    fitted = fit_on_validation(frame, CLASSES, "multi_label")
    with pytest.raises(ConfigError, match="no metric is defined on the test split"):
        measured_with(fitted, frame, "multi_label", n_resamples=5)


def test_validation_of_one_class_alone_leaves_the_test_split_measured() -> None:
    frame = frame_of("multi_label")
    in_validation = pl.col("split") == "val"
    frame = frame.with_columns(
        pl.when(in_validation).then(1.0).otherwise(pl.col(name)).alias(name)
        for name in frame.columns
        if name.startswith("label")
    )
    found = measured(frame, "multi_label")
    assert found["val/auroc_macro"] == {"value": None}
    assert found["test/auroc_macro"]["low"] <= found["test/auroc_macro"]["value"] <= found["test/auroc_macro"]["high"]


def test_what_a_run_prints_holds_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    print_metrics(typed(frame_of("single_label"), "single_label"), Path("run"))
    assert "test/ece_calibrated" in capsys.readouterr().out
