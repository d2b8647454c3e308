"""Metric of the PhysioNet/CinC challenge of 2021: decisions are worth more the nearer they come to the labels.

A table holds what each predicted class is worth of each class of the labels; a record's sum is divided by the number of
classes that are labelled or predicted. 1 is what the labels themselves would get, 0 what sinus rhythm for every record
gets; worse is below 0. Source: Reyna et al., Will Two Do?, Computing in Cardiology 48 (2021).
"""

import csv
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgmm.evaluation.metrics import Scorer
from ecgmm.evaluation.ranking import Floats, ratio

KEY = "challenge_score"
"""Name of the metric."""
SINUS_RHYTHM = "NSR"


class Weights(NamedTuple):
    """Table of the challenge.

    Attributes:
        classes: The K classes, in the order of the label set ``cinc_2021``.
        worth: float64 ``[K, K]``: of a label (row), what a prediction (column) is worth.
    """

    classes: tuple[str, ...]
    worth: Floats


@cache
def challenge_weights() -> Weights:
    """The published table."""
    text = files("ecgmm.evaluation").joinpath("cinc_2021_weights.csv").read_text(encoding="utf-8")
    head, *rows = csv.reader(line for line in text.splitlines() if not line.startswith("#"))
    worth = np.array([[float(field) for field in row[1:]] for row in rows])
    return Weights(tuple(head[1:]), worth)


def worth_of_records(labels: NDArray[np.bool_], decisions: NDArray[np.bool_], weights: Floats) -> Floats:
    """Worth of the decisions about each record.

    Args:
        labels: ``[n, K]``.
        decisions: ``[n, K]``.
        weights: ``[K, K]``.

    Returns:
        float64 ``[n]``.
    """
    n_named = np.maximum((labels | decisions).sum(axis=1), 1)
    worth: Floats = ((labels @ weights) * decisions).sum(axis=1) / n_named
    return worth


def challenge_terms(
    labels: NDArray[np.bool_], decisions: NDArray[np.bool_], weights: Floats, sinus_rhythm: int
) -> Floats:
    """Worth of the decisions, of the labels as decisions, and of sinus rhythm for every record: float64 ``[3, n]``."""
    always = np.zeros_like(labels)
    always[:, sinus_rhythm] = True
    return np.stack([worth_of_records(labels, own, weights) for own in (decisions, labels, always)])


def normalised(sums: Floats) -> Floats:
    """Score from sums over records of ``challenge_terms``: ``[3, R]`` to ``[R]``.

    NaN where the labels are worth no more than sinus rhythm, where the challenge's own code says 0.
    """
    own, best, always = sums
    return ratio(own - always, best - always, np.nan)


def challenge_score(
    labels: NDArray[np.bool_], decisions: NDArray[np.bool_], weights: Floats, sinus_rhythm: int
) -> float:
    """Score of decisions about records.

    Args:
        labels: ``[n, K]``.
        decisions: ``[n, K]``.
        weights: ``[K, K]``, as in ``Weights``.
        sinus_rhythm: Place of sinus rhythm among the classes.
    """
    terms = challenge_terms(labels, decisions, weights, sinus_rhythm)
    return float(normalised(terms.sum(axis=1)[:, None])[0])


def challenge_scorer(
    labels: NDArray[np.floating], probabilities: NDArray[np.floating], thresholds: Floats, class_names: Sequence[str]
) -> Scorer:
    """Scorer of a task of some of the published classes; the others are neither labelled nor predicted.

    Args:
        labels: ``[n, C]`` in [0, 1]; positive from one half on.
        probabilities: ``[n, C]``.
        thresholds: ``[C]``, chosen on validation.
        class_names: C names of the label set ``cinc_2021``.
    """
    classes, worth = challenge_weights()
    places = [classes.index(name) for name in class_names]
    positive, predicted = np.zeros((2, len(labels), len(classes)), dtype=bool)
    positive[:, places], predicted[:, places] = labels >= 0.5, probabilities >= thresholds
    terms = challenge_terms(positive, predicted, worth, classes.index(SINUS_RHYTHM))
    return lambda weights: {KEY: normalised(terms @ weights)}
