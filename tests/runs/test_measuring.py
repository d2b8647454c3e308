"""The content of metrics.json, and the averaging of sliding windows."""

import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from ecgmm.evaluation.metrics import TABLE2_METRICS, compute_metrics
from ecgmm.evaluation.thresholds import Thresholds
from ecgmm.runs.measuring import doubtful_above, measure_predictions
from ecgmm.runs.predictions import average_windows

CLASSES = ["NORM", "MI", "CD"]


def predictions(n: int = 120, n_classes: int = 3) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, n_classes, n)
    probabilities = rng.dirichlet(np.ones(3), size=n) + np.eye(3)[labels] / 2
    return labels, (probabilities / 1.5).astype(np.float32), np.arange(n) // 3


def test_single_label_content() -> None:
    labels, probabilities, patients = predictions()
    found = measure_predictions(
        labels, probabilities, patients, CLASSES, "single_label", n_resamples=100, seed=1
    ).plain()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    values = compute_metrics(labels, probabilities, CLASSES, "single_label")
    for key in (*TABLE2_METRICS, "auroc/MI", "sensitivity/CD", "auroc_abnormal"):
        entry = found[f"test/{key}"]
        assert entry["value"] == values[key]
        assert entry["low"] <= entry["value"] <= entry["high"]
    assert (found["n_records"], found["n_patients"]) == (120, 40)
    confusion = np.array(found["confusion_matrix"])
    assert confusion.sum(axis=1).tolist() == np.bincount(labels).tolist()
    assert np.trace(confusion) / 120 == pytest.approx(found["test/accuracy"]["value"])
    assert [row["n"] for row in found["per_class"]] == np.bincount(labels).tolist()
    assert found["per_class"][1]["auroc"] == found["test/auroc/MI"]["value"]
    assert found["thresholds"] is None


def test_an_absent_class_is_listed_and_null() -> None:
    labels, probabilities, patients = predictions(n_classes=2)
    found = measure_predictions(labels, probabilities, patients, CLASSES, "single_label", n_resamples=20).plain()
    assert found["absent_classes"] == ["CD"]
    assert found["test/auroc/CD"] == {"value": None, "low": None, "high": None}
    assert found["test/auroc_macro"]["value"] is not None
    assert found["per_class"][2]["n"] == 0
    json.dumps(found, allow_nan=False)


def test_multi_label_content() -> None:
    labels, probabilities, patients = predictions()
    many = np.eye(3)[labels].astype(np.float32)
    thresholds = Thresholds(np.array([0.4, 0.5, 0.5]), np.array([False, False, True]))
    found = measure_predictions(
        many, probabilities, patients, CLASSES, "multi_label", thresholds, n_resamples=50, prefix="val/"
    ).plain()
    json.dumps(found, allow_nan=False)
    assert found["thresholds"] == [0.4, 0.5, 0.5]
    assert found["default_thresholds"] == ["CD"]
    (tn, fp), (fn, tp) = found["confusion_matrix"][0]
    assert (tn + fp + fn + tp, fn + tp) == (120, (labels == 0).sum())
    assert tp / (tp + fn) == pytest.approx(found["val/sensitivity/NORM"]["value"])
    assert "val/exact_match" in found


def test_windows_of_a_record_are_averaged() -> None:
    frame = pl.DataFrame(
        {
            "row": [3, 0, 1, 2],
            "record": [20, 10, 10, 30],
            "patient": [2, 1, 1, 3],
            "window": [0, 0, 1, 0],
            "split": ["test", "test", "test", "val"],
            "label": [1, 0, 0, 1],
            "probability.A": [0.5, 0.2, 0.6, 0.1],
            "probability.B": [0.5, 0.8, 0.4, 0.9],
            "report.probability.A": [0.5, 0.1, 0.3, 0.1],
            "gate": [None, 0.25, 0.75, None],
            "has_report": [True, False, False, True],
        },
        schema_overrides={"gate": pl.Float32},
    )
    found = average_windows(frame)
    assert found.columns == frame.columns
    assert found["record"].to_list() == [10, 30, 20]
    assert found["row"].to_list() == [0, 2, 3]
    assert found["probability.A"].to_list() == pytest.approx([0.4, 0.1, 0.5])
    assert found["probability.B"].to_list() == pytest.approx([0.6, 0.9, 0.5])
    assert found["report.probability.A"].to_list() == pytest.approx([0.2, 0.1, 0.5])
    assert found["gate"].to_list() == [0.5, None, None]
    single = frame.filter(pl.col("window") == 0)
    assert average_windows(single).equals(single.sort("row"))


def test_few_of_validations_own_pairs_are_doubtful() -> None:
    scores = [float(score) for score in range(101)]
    split = ["val"] * 101 + ["test"]
    frame = pl.DataFrame({"split": split, "record": range(102), "row": range(102), "inconsistency": [*scores, 900.0]})
    assert doubtful_above(frame) == pytest.approx(95.0)
    none = frame.with_columns(inconsistency=pl.lit(None, pl.Float32))
    assert doubtful_above(none) is None
