"""Every interval of ``metrics.json`` holds its own estimate, whatever the data: random small test sets."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ecgmm.evaluation.comparison import paired_difference
from ecgmm.evaluation.cox_calibration import COX_METRICS
from ecgmm.evaluation.metrics import TaskKind, make_scorer
from ecgmm.evaluation.thresholds import Thresholds
from ecgmm.runs.measuring import measure_predictions

CLASSES = ["NORM", "MI", "CD"]
K = len(CLASSES)
TASKS: tuple[TaskKind, ...] = ("single_label", "multi_label")
KINDS = ("smooth", "rounded", "certain", "constant")


def drawn(rng: np.random.Generator, task: TaskKind, n: int, kind: str) -> tuple[Any, NDArray[np.float64]]:
    """Labels that may lack a class, and probabilities: any, many equal, exactly 0 and 1, or all alike."""
    labels = rng.integers(0, rng.integers(1, K + 1), n)
    score = rng.random((n, K)) + np.eye(K)[labels] * rng.random()
    if kind == "rounded":
        score = np.round(score, 1) + 0.1
    if kind == "constant":
        score = np.ones((n, K))
    if task == "multi_label":
        truth = (rng.random((n, K)) < 0.4).astype(np.float32)
        return truth, np.round(score / score.max()) if kind == "certain" else score / (score.max() + 0.1)
    probabilities = score / score.sum(axis=1, keepdims=True)
    return labels, np.eye(K)[score.argmax(axis=1)] if kind == "certain" else probabilities


def measured(rng: np.random.Generator, task: TaskKind, n: int, kind: str, patients: Any, n_resamples: int) -> Any:
    labels, probabilities = drawn(rng, task, n, kind)
    thresholds = Thresholds(np.full(K, 0.5), np.zeros(K, bool)) if task == "multi_label" else None
    temperature = float(np.exp(rng.normal()))
    return measure_predictions(
        labels, probabilities, patients, CLASSES, task, thresholds, temperature, n_resamples
    ).plain()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", TASKS)
def test_the_estimate_lies_in_its_interval(task: TaskKind, kind: str) -> None:
    for seed in range(60):
        rng = np.random.default_rng([seed, KINDS.index(kind)])
        n = int(rng.integers(2, 40))
        patients = np.sort(rng.integers(0, max(2, n // 2), n))
        n_resamples = int(rng.choice([1, 2, 20, 100]))
        for key, entry in measured(rng, task, n, kind, patients, n_resamples).items():
            if not key.startswith("test/") or entry["low"] is None:
                continue
            assert entry["low"] <= entry["value"] <= entry["high"], (seed, key, entry)
            bounds: dict[str, tuple[float, float]] = {"mcc": (-1, 1), "nll": (0, np.inf), "brier": (0, 2)}
            bounds |= dict.fromkeys(COX_METRICS, (-np.inf, np.inf))
            lowest, highest = bounds.get(key.split("/")[1].removesuffix("_calibrated"), (0, 1))
            assert lowest <= entry["low"] <= entry["high"] <= highest, (seed, key, entry)


@pytest.mark.parametrize("task", TASKS)
def test_one_patient_has_no_interval_however_many_records(task: TaskKind) -> None:
    found = measured(np.random.default_rng(0), task, 30, "smooth", np.zeros(30, int), 20)
    entries = [entry for key, entry in found.items() if key.startswith("test/")]
    assert any(entry["value"] is not None for entry in entries)
    assert all(entry["low"] is None and entry["high"] is None for entry in entries)


@pytest.mark.parametrize("kind", KINDS)
def test_a_difference_lies_in_its_interval(kind: str) -> None:
    for seed in range(40):
        rng = np.random.default_rng([seed, 9])
        labels, first = drawn(rng, "single_label", 25, kind)
        ours, theirs = (make_scorer(labels, one, CLASSES, "single_label") for one in (first, rng.permutation(first)))
        for key, found in paired_difference(ours, theirs, np.arange(25) // 2, int(rng.choice([1, 50])), seed).items():
            if np.isfinite(found.low) and np.isfinite(found.value):
                assert found.low <= found.value <= found.high, (seed, key, found)
