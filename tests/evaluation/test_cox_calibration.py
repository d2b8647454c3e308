"""Calibration slope and intercept against another library, on planted miscalibration, and where there is none."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from ecgmm.evaluation.bootstrap import estimates
from ecgmm.evaluation.calibration import LEAST
from ecgmm.evaluation.cox_calibration import cox_scorer
from ecgmm.evaluation.metrics import TaskKind

NAMES = ("a", "b", "c")
N = 2000


@pytest.fixture(scope="module")
def drawn() -> tuple[Any, Any]:
    """Labels that are drawn from their probabilities, ``[N, 3]``, and the logits of these."""
    rng = np.random.default_rng(0)
    logits = 1.5 * rng.normal(size=(N, 3)) + [-1, 0, 1]
    return (rng.random((N, 3)) < expit(logits)).astype(float), logits


def once(labels: Any, logits: Any, task: TaskKind = "multi_label") -> dict[str, float]:
    scorer = cox_scorer(labels, expit(logits), task, NAMES)
    return {key: float(values[0]) for key, values in scorer(np.ones((len(labels), 1))).items()}


def test_slope_and_intercept_are_those_of_unpenalised_logistic_regression(drawn: Any) -> None:
    labels, logits = drawn
    found = once(labels, 1.7 * logits + 0.4)
    for k, name in enumerate(NAMES):
        x, y = 1.7 * logits[:, k] + 0.4, labels[:, k]
        fitted = LogisticRegression(C=np.inf, tol=1e-10).fit(x[:, None], y)
        assert found[f"calibration_slope/{name}"] == pytest.approx(fitted.coef_[0, 0], abs=2e-3)
        large = brentq(lambda a, x=x, y=y: (y - expit(a + x)).sum(), -5, 5)
        assert found[f"calibration_intercept/{name}"] == pytest.approx(large, abs=2e-3)
    for key in ("slope", "intercept"):
        mean = np.mean([found[f"calibration_{key}/{name}"] for name in NAMES])
        assert found[f"calibration_{key}"] == pytest.approx(mean)


def test_calibrated_probabilities_have_slope_one_and_intercept_zero(drawn: Any) -> None:
    """Within 2.5 standard errors, which the bootstrap of patients says too."""
    labels, logits = drawn
    found = estimates(cox_scorer(labels, expit(logits), "multi_label", NAMES), np.arange(N), 100, seed=0)
    for k, name in enumerate(NAMES):
        information = expit(logits[:, k]) * (1 - expit(logits[:, k]))
        expected = {"intercept": (0, information.sum() ** -0.5)}
        spread = logits[:, k] - (information * logits[:, k]).sum() / information.sum()
        expected["slope"] = (1, (information * spread**2).sum() ** -0.5)
        for key, (right, error) in expected.items():
            one = found[f"calibration_{key}/{name}"]
            assert abs(one.value - right) < 2.5 * error
            assert one.high - one.low == pytest.approx(2 * 1.96 * error, rel=0.3)


def test_planted_miscalibration_is_found(drawn: Any) -> None:
    """Logits doubled halve the slope; logits moved by c move the intercept by -c and leave the slope."""
    labels, logits = drawn
    right, doubled, moved = (once(labels, x) for x in (logits, 2 * logits, logits + 0.7))
    for name in ("", *(f"/{name}" for name in NAMES)):
        slope, intercept = f"calibration_slope{name}", f"calibration_intercept{name}"
        assert doubled[slope] == pytest.approx(right[slope] / 2, abs=2e-3)
        assert moved[slope] == pytest.approx(right[slope], abs=2e-3)
        assert moved[intercept] == pytest.approx(right[intercept] - 0.7, abs=2e-3)


def test_a_softmax_is_read_as_one_question_for_each_class(drawn: Any) -> None:
    probabilities = np.exp(drawn[1]) / np.exp(drawn[1]).sum(axis=1, keepdims=True)
    numbers = np.random.default_rng(1).integers(0, 3, N)
    one = cox_scorer(numbers, probabilities, "single_label", NAMES)(np.ones((N, 1)))
    assert one == cox_scorer(np.eye(3)[numbers], probabilities, "multi_label", NAMES)(np.ones((N, 1)))


def test_integer_weights_are_repeated_records(drawn: Any) -> None:
    labels, logits = (part[:200] for part in drawn)
    counts = np.random.default_rng(1).poisson(1.0, 200)
    weighted = cox_scorer(labels, expit(logits), "multi_label")(np.stack([counts, 3 * counts], axis=1).astype(float))
    rows = np.repeat(np.arange(200), counts)
    for key, values in weighted.items():
        assert values == pytest.approx(2 * [once(labels[rows], logits[rows])[key]]), key


def test_what_has_no_answer_has_no_value(drawn: Any) -> None:
    """A class that is not there; one that is told apart without a fault; one with a single probability."""
    labels, logits = (part[:200].copy() for part in drawn)
    labels[:, 0] = 0
    left = once(labels, logits)
    assert np.isnan([left["calibration_slope/a"], left["calibration_intercept/a"]]).all()
    assert left["calibration_slope"] == pytest.approx((left["calibration_slope/b"] + left["calibration_slope/c"]) / 2)
    apart = once((logits > 0).astype(float), logits)
    assert np.isnan(apart["calibration_slope/a"])
    assert np.isfinite(apart["calibration_intercept/a"])
    same = once(drawn[0][:200], np.full((200, 3), 0.3))
    assert np.isnan(same["calibration_slope"])
    assert np.isfinite(same["calibration_intercept"])


def test_certain_and_wrong_has_a_finite_fit(drawn: Any) -> None:
    labels = drawn[0]
    certain = np.where(drawn[1] > 0, 1.0, 0.0)
    scorer = cox_scorer(labels, certain, "multi_label")
    found = scorer(np.ones((N, 1)))
    odds = np.log(LEAST)
    rates = [[labels[certain[:, k] == side, k].mean() for side in (0, 1)] for k in range(3)]
    slopes = [(np.log(high / (1 - high)) - np.log(low / (1 - low))) / (-2 * odds) for low, high in rates]
    assert found["calibration_slope"][0] == pytest.approx(np.mean(slopes), rel=2e-3)
    assert np.isfinite(found["calibration_intercept"]).all()
