"""Calibration error, Brier score and likelihood against other libraries and by hand; temperature scaling."""

import math
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as reference
import torch
from torchmetrics.functional.classification import binary_calibration_error, multiclass_calibration_error

from ecgmm.evaluation.bootstrap import estimates
from ecgmm.evaluation.calibration import (
    EDGES,
    N_BINS,
    SHARES_OF_GAPS,
    apply_temperature,
    calibration_scorer,
    error_interval,
    fit_temperature,
    reliability_curve,
)
from ecgmm.evaluation.metrics import TaskKind

K = 4
TASKS: tuple[TaskKind, ...] = ("single_label", "multi_label")


def calibrated(n: int, task: TaskKind, seed: int = 0) -> tuple[Any, Any]:
    """Labels drawn from the probabilities themselves."""
    rng = np.random.default_rng(seed)
    logits = 1.5 * rng.normal(size=(n, K))
    if task == "multi_label":
        probabilities = 1 / (1 + np.exp(-logits))
        return (rng.random((n, K)) < probabilities).astype(np.float32), probabilities
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return (probabilities.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(0, K - 1), probabilities


def once(labels: Any, probabilities: Any, task: TaskKind) -> dict[str, float]:
    scorer = calibration_scorer(labels, probabilities, task)
    return {key: float(values[0]) for key, values in scorer(np.ones((len(labels), 1))).items()}


def test_single_label_equals_torchmetrics_and_sklearn() -> None:
    labels, probabilities = calibrated(500, "single_label")
    sharper = apply_temperature(probabilities, 0.5, "single_label")
    found = once(labels, sharper, "single_label")
    expected = multiclass_calibration_error(torch.tensor(sharper), torch.tensor(labels), K, N_BINS)
    assert found["ece"] == pytest.approx(float(expected), abs=1e-6)
    assert found["nll"] == pytest.approx(reference.log_loss(labels, sharper))
    assert found["brier"] == pytest.approx(reference.brier_score_loss(labels, sharper, scale_by_half=False))


def test_multi_label_is_the_mean_of_the_binary_ones() -> None:
    labels, probabilities = calibrated(500, "multi_label")
    sharper = apply_temperature(probabilities, 0.5, "multi_label")
    found = once(labels, sharper, "multi_label")
    columns = [(labels[:, k], sharper[:, k]) for k in range(K)]
    errors = [float(binary_calibration_error(torch.tensor(p), torch.tensor(y).int(), N_BINS)) for y, p in columns]
    assert found["ece"] == pytest.approx(np.mean(errors), abs=1e-6)
    assert found["nll"] == pytest.approx(np.mean([reference.log_loss(y, p) for y, p in columns]))
    assert found["brier"] == pytest.approx(np.mean([reference.brier_score_loss(y, p) for y, p in columns]))


def test_by_hand() -> None:
    """Confidences 0.9 (right), 0.9 (wrong), 0.6 (right): gaps 2 * 0.4 and 0.4 of three records."""
    labels = np.array([0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6]])
    found = once(labels, probabilities, "single_label")
    assert found["ece"] == pytest.approx((abs(1.8 - 1) + abs(0.6 - 1)) / 3)
    assert found["brier"] == pytest.approx((0.02 + 1.62 + 0.32) / 3)
    assert found["nll"] == pytest.approx(-(math.log(0.9) + math.log(0.1) + math.log(0.6)) / 3)


@pytest.mark.parametrize("task", TASKS)
def test_integer_weights_are_repeated_records(task: TaskKind) -> None:
    labels, probabilities = calibrated(200, task)
    counts = np.random.default_rng(1).poisson(1.0, 200)
    weighted = calibration_scorer(labels, probabilities, task)(np.stack([counts, 3 * counts], axis=1).astype(float))
    rows = np.random.default_rng(2).permutation(np.repeat(np.arange(200), counts))
    for key, value in once(labels[rows], probabilities[rows], task).items():
        assert weighted[key] == pytest.approx([value, value], abs=1e-12), key


def test_a_class_that_is_not_there_is_left_out_of_the_means() -> None:
    labels, probabilities = calibrated(200, "multi_label")
    labels[:, 2] = 0
    kept = [0, 1, 3]
    assert once(labels, probabilities, "multi_label") == pytest.approx(
        once(labels[:, kept], probabilities[:, kept], "multi_label")
    )
    assert all(math.isnan(value) for value in once(0 * labels, probabilities, "multi_label").values())
    nothing = estimates(calibration_scorer(0 * labels, probabilities, "multi_label"), np.arange(200), 5, seed=0)
    assert math.isnan(nothing["ece"].low)


@pytest.mark.parametrize("task", TASKS)
def test_certain_and_wrong_costs_a_finite_likelihood(task: TaskKind) -> None:
    probabilities = np.array([[1, 0], [0, 1]], np.float32)
    labels = np.array([1, 1]) if task == "single_label" else np.array([[0, 0], [1, 1]])
    found = once(labels, probabilities, task)
    assert found["nll"] == pytest.approx(-math.log(np.finfo(np.float32).epsneg) / 2, rel=1e-6)
    assert np.isfinite(apply_temperature(probabilities, 2.0, task)).all()
    assert fit_temperature(labels, probabilities, task) > 1


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.5])
def test_temperature_recovers_what_the_logits_were_multiplied_with(task: TaskKind, temperature: float) -> None:
    labels, probabilities = calibrated(20_000, task)
    distorted = apply_temperature(probabilities, 1 / temperature, task)
    found = fit_temperature(labels, distorted.astype(np.float32), task)
    assert found == pytest.approx(temperature, rel=0.03)
    mended = apply_temperature(distorted, found, task)
    assert once(labels, mended, task)["ece"] < 0.015
    assert once(labels, mended, task)["nll"] <= once(labels, distorted, task)["nll"] + 1e-9
    assert (mended.argmax(axis=1) == probabilities.argmax(axis=1)).all()


@pytest.mark.parametrize("task", TASKS)
def test_temperature_one_changes_nothing_and_is_kept_where_none_is_better(task: TaskKind) -> None:
    labels, probabilities = calibrated(100, task)
    np.testing.assert_allclose(apply_temperature(probabilities, 1.0, task), probabilities, rtol=1e-6)
    even = np.full_like(probabilities, 1 / K if task == "single_label" else 0.5)
    assert fit_temperature(labels, even, task) == 1.0


@pytest.mark.parametrize("task", TASKS)
def test_temperature_stays_within_its_bounds(task: TaskKind) -> None:
    truth = np.eye(K)[np.arange(20) % K]
    labels = truth.argmax(axis=1) if task == "single_label" else truth
    right = np.where(truth == 1, 0.6, 0.4 / (K - 1))
    wrong = right[:, ::-1] if task == "single_label" else 1 - right
    assert math.exp(-3) <= fit_temperature(labels, right, task) < 0.1
    assert fit_temperature(labels, wrong, task) == pytest.approx(math.exp(3), rel=0.01)


def test_reliability_curve_by_hand() -> None:
    """An edge belongs to the bin below it: 0.6 to the ninth bin, (8/15, 9/15]."""
    labels = np.array([0, 0, 1, 0])
    probabilities = np.array([[0.6, 0.4], [0.56, 0.44], [0.56, 0.44], [1, 0]])
    found = reliability_curve(labels, probabilities, "single_label")
    assert found.count.tolist() == [0] * 8 + [3, 0, 0, 0, 0, 0, 1]
    assert found.confidence[8] == pytest.approx((0.6 + 0.56 + 0.56) / 3)
    assert found.correct[8] == pytest.approx(2 / 3)
    assert (found.confidence[14], found.correct[14]) == (1.0, 1.0)
    assert np.isnan(found.confidence[:8]).all()


@pytest.mark.parametrize("task", TASKS)
def test_reliability_curve_holds_every_prediction_and_gives_the_error(task: TaskKind) -> None:
    labels, probabilities = calibrated(300, task)
    found = reliability_curve(labels, probabilities, task)
    assert found.count.sum() == (300 if task == "single_label" else 300 * K)
    there = found.count > 0
    assert (found.confidence[there] > EDGES[:-1][there]).all()
    assert (found.confidence[there] <= EDGES[1:][there]).all()
    if task == "single_label":
        gaps = np.abs(found.confidence - found.correct)[there] * found.count[there] / 300
        assert once(labels, probabilities, task)["ece"] == pytest.approx(gaps.sum())


def chance_of(gaps: Any, resampled: Any) -> Any:
    """As the scorer makes it, of gaps ``[bins]`` and of those of resamples ``[bins, R]``."""
    moved = resampled - gaps[:, None]
    errors = [np.abs(part * gaps[:, None] + moved).sum(axis=0) for part in SHARES_OF_GAPS]
    return np.stack([*errors, (np.sign(gaps)[:, None] * moved).sum(axis=0)])


def test_the_interval_of_an_error_that_chance_alone_explains_starts_at_zero_and_holds_it() -> None:
    """Two bins with gaps +0.02 and -0.02, each uncertain by up to 0.04: the error 0.04 may be nothing but chance."""
    gaps, moved = np.array([0.02, -0.02]), np.linspace(-0.04, 0.04, 1001)
    low, high = error_interval(0.04, chance_of(gaps, gaps[:, None] + np.stack([moved, -moved])), 0.95)
    assert low == 0
    assert high == pytest.approx(0.04 + 2 * 0.038)


def test_the_interval_of_an_error_far_above_chance_is_that_of_its_linear_part() -> None:
    """One bin with a gap of 0.3, uncertain by up to 0.02 either way: chance cannot change its sign."""
    gaps, moved = np.array([0.3]), np.linspace(-0.02, 0.02, 1001)
    low, high = error_interval(0.3, chance_of(gaps, gaps[:, None] + moved), 0.95)
    assert (low, high) == pytest.approx((0.3 - 0.019, 0.3 + 0.019))


@pytest.mark.parametrize("task", TASKS)
def test_what_the_scorer_says_of_chance(task: TaskKind) -> None:
    """With the whole gaps the error of each resample; with every record once no chance at all."""
    labels, probabilities = calibrated(150, task)
    scorer = calibration_scorer(labels, probabilities, task, with_chance=True)
    found = scorer(np.random.default_rng(3).poisson(1.0, (150, 7)).astype(float))
    np.testing.assert_allclose(found["chance of ece"][len(SHARES_OF_GAPS) - 1], found["ece"], atol=1e-12)
    once_each = scorer(np.ones((150, 1)))
    expected = [*(SHARES_OF_GAPS * once_each["ece"]), 0]
    np.testing.assert_allclose(once_each["chance of ece"][:, 0], expected, atol=1e-12)
