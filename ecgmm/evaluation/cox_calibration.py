"""Calibration slope and intercept of each class (Cox, Biometrika 45, 1958), for any number of record weightings.

The truth of a class is regressed on the logit of its probability. Slope: that of the regression with an intercept of
its own; below 1 the probabilities are too extreme, above 1 too timid. Intercept: with the slope held at 1, also called
calibration in the large; below 0 the class is called likelier than it is (Van Calster et al., Journal of Clinical
Epidemiology 74, 2016). No penalty, as in those papers. Letters: n records, K classes, R weightings, m groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import expit, logit

from ecgmm.evaluation.calibration import bounded
from ecgmm.evaluation.metrics import Scorer, TaskKind, positives, scored_classes
from ecgmm.evaluation.ranking import Floats

COX_METRICS = ("calibration_slope", "calibration_intercept")
_STEP_NATS = 0.02
"""Logits are rounded to multiples of it, so that a class has at most 1,663 of them, however many records: a slope
changes by some 0.001, a hundredth of its standard error on 600 records."""
_MOST_STEPS, _LONGEST_STEP, _TOLERANCE = 40, 2.0, 1e-8
_LEAST_VARIANCE, _LEAST_SHARE = 1e-6, 1e-9
"""Of a curve that has run away: no record is in doubt any more, or the records in doubt have one logit."""


def cox_scorer(
    labels: NDArray[Any],
    probabilities: NDArray[np.floating],
    task: TaskKind,
    class_names: Sequence[str] = (),
    suffix: str = "",
) -> Scorer:
    """Scorer of ``calibration_slope`` and ``calibration_intercept``, macro means over classes, each against the rest.

    A value is NaN of a class that a weighting does not have or has alone; the slope is too where all logits are the
    same, and where they tell the class apart without a fault, for which no finite slope is the likeliest.

    Args:
        labels: Class numbers ``[n]``, or for multi-label ``[n, K]`` in [0, 1]; positive from one half on.
        probabilities: ``[n, K]``.
        task: ``single_label`` or ``multi_label``; both are read as K yes/no questions.
        class_names: K names, for ``calibration_slope/<class>`` and the other of each class; empty leaves these out.
        suffix: Put behind the keys of the means.
    """
    assert task in ("single_label", "multi_label")
    positive = positives(labels, probabilities.shape[1])
    scored = scored_classes(positive)
    regressions = {int(k): _regression(positive[:, k], probabilities[:, k]) for k in np.flatnonzero(scored)}

    def score(weights: Floats) -> dict[str, Floats]:
        values = np.full((2, len(scored), weights.shape[1]), np.nan)
        for k, regression in regressions.items():
            values[:, k] = regression(weights)
        found = {
            f"{key}{suffix}": of_class[scored].mean(axis=0) if scored.any() else of_class[0]
            for key, of_class in zip(COX_METRICS, values, strict=True)
        }
        for key, of_class in zip(COX_METRICS, values, strict=True):
            found |= {f"{key}/{name}": of_class[k] for k, name in enumerate(class_names)}
        return found

    return score


@dataclass(frozen=True)
class _Regression:
    """A class against the rest, its records gathered by their logits.

    Attributes:
        gather: ``[m, n]``, which records are in which group.
        logits: ``[m, 1]``.
        positive: ``[2, n]``, 1 for a positive record and its standardised logit, both 0 for the others.
        centre: Of the logits.
        spread: Their standard deviation.
        start: Intercept and slope of standardised logits, and intercept with slope 1, with each record counted once.
    """

    gather: Any
    logits: Floats
    positive: Floats
    centre: float
    spread: float
    start: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __call__(self, weights: Floats) -> Floats:
        """Slope and intercept, ``[2, R]``."""
        line, intercept = self.fit(weights)
        return np.stack([line[1] / (self.spread or np.nan), intercept])

    def fit(self, weights: Floats) -> tuple[Floats, Floats]:
        """Likeliest intercept and slope of standardised logits, ``[2, R]``, and intercept with slope 1, ``[R]``."""
        grouped, (hits, moments) = self.gather @ weights, self.positive @ weights
        return self.line(grouped, hits, moments), self.intercept(grouped, hits)

    def standardised(self) -> Floats:
        """Logits ``[m, 1]`` with mean 0 and variance 1, or all 0."""
        return np.asarray((self.logits - self.centre) / (self.spread or 1.0))

    def line(self, grouped: Floats, hits: Floats, moments: Floats) -> Floats:
        """Likeliest intercept and slope for standardised logits, ``[2, R]``, by Newton's method for all at once."""
        z = self.standardised()
        powers = np.hstack([np.ones_like(z), z, z**2]).T  # [3, m]
        start = np.repeat(np.array([self.start[:2]]).T, grouped.shape[1], axis=1)

        def step(line: Floats, chosen: NDArray[np.intp], weights: Floats) -> Floats:
            expected = expit(line[0] + z * line[1])
            mass = weights * expected
            zeroth, first = powers[:2] @ mass
            mass -= mass * expected
            h0, h1, h2 = powers @ mass
            g0, g1, curvature = hits[chosen] - zeroth, moments[chosen] - first, h0 * h2 - h1**2
            curvature[(h0 < _LEAST_VARIANCE) | (curvature < _LEAST_SHARE * h0 * h2)] = np.nan
            return np.asarray(np.stack([h2 * g0 - h1 * g1, h0 * g1 - h1 * g0]) / curvature)

        return _newton(step, start, grouped, _both_answers(grouped, hits) & (self.spread > 0))

    def intercept(self, grouped: Floats, hits: Floats) -> Floats:
        """Likeliest intercept with slope 1, ``[R]``."""
        start = np.full((1, grouped.shape[1]), self.start[2])

        def step(line: Floats, chosen: NDArray[np.intp], weights: Floats) -> Floats:
            expected = expit(line[0] + self.logits)
            mass = weights * expected
            missing = hits[chosen] - mass.sum(axis=0)
            mass -= mass * expected
            return np.asarray(missing / mass.sum(axis=0))[None]

        return np.asarray(_newton(step, start, grouped, _both_answers(grouped, hits))[0])


def _both_answers(grouped: Floats, hits: Floats) -> NDArray[np.bool_]:
    return np.asarray((hits > 0) & (hits < grouped.sum(axis=0)))


def _newton(step: Any, start: Floats, grouped: Floats, solvable: NDArray[np.bool_]) -> Floats:
    """Go on with steps ``[P, R]`` in every weighting until they are small; NaN where they never are.

    Long steps are cut, since Newton's method runs away from a far start where the curve is flat.
    """
    found = np.full(start.shape, np.nan)
    left = np.flatnonzero(solvable)
    line, weights = start[:, left], grouped[:, left]
    for _ in range(_MOST_STEPS):
        if not len(left):
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            taken = step(line, left, weights)
        line = line + np.clip(taken, -_LONGEST_STEP, _LONGEST_STEP)
        done = (np.abs(taken) < _TOLERANCE).all(axis=0)
        going = ~done & np.isfinite(taken).all(axis=0)
        found[:, left[done]] = line[:, done]
        if not going.all():
            left, line, weights = left[going], line[:, going], weights[:, going]
    return found


def _regression(positive: NDArray[np.bool_], probabilities: NDArray[np.floating]) -> _Regression:
    steps, group = np.unique(np.round(logit(bounded(probabilities)) / _STEP_NATS), return_inverse=True)
    n, m = len(probabilities), len(steps)
    gather = csr_array((np.ones(n), (group, np.arange(n))), shape=(m, n))
    logits = _STEP_NATS * steps
    centre, spread = float(logits[group].mean()), float(logits[group].std()) if m > 1 else 0.0
    standard = (logits[group] - centre) / (spread or 1.0)
    hits = np.stack([positive, positive * standard]).astype(np.float64)
    cold = _Regression(gather, logits[:, None], hits, centre, spread)
    line, intercept = cold.fit(np.ones((n, 1)))
    first, slope, alone = np.nan_to_num([*line[:, 0], intercept[0]]).tolist()
    return replace(cold, start=(first, slope, alone))
