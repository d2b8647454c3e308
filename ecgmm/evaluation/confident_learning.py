"""Confident learning: which labels are probably wrong, and how often each class is labelled as each other.

Source: Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 2021. Own
code, though cleanlab 2.9 (Apache-2.0) has it: training needs the joint in each epoch, and does without pandas.

Probabilities must be out of sample: of models that did not learn from the record. A multi-label task asks one question
for each class, with the answers no and yes (``yes_or_no``).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Suspects(NamedTuple):
    """What confident learning says of each label.

    Attributes:
        suggested: int64 ``[n]``, the most probable other answer.
        score: float64 ``[n]`` in [-1, 1], the probability of the given answer minus that of the suggested one; the
            lower, the more suspicious.
        suspicious: bool ``[n]``, those that are probably wrong by the estimated joint.
    """

    suggested: NDArray[np.int64]
    score: Floats
    suspicious: NDArray[np.bool_]


def yes_or_no(labels: NDArray[Any], probabilities: Floats) -> tuple[NDArray[np.int64], Floats]:
    """One class of a multi-label task as a question with two answers.

    Args:
        labels: ``[n]`` of 0 and 1.
        probabilities: Of yes, ``[n]``.

    Returns:
        Answers ``[n]`` and their probabilities ``[n, 2]``.
    """
    return (labels >= 0.5).astype(np.int64), np.stack([1 - probabilities, probabilities], axis=1)


def confident_joint(labels: NDArray[np.int64], probabilities: Floats) -> Floats:
    """Estimate how given and true answers go together.

    A record counts for the true answer j when its probability of j reaches the mean that records labelled j have of it;
    of several such answers the most probable one counts. Rows are then scaled to how often each label was given.

    Args:
        labels: Given answers, int64 ``[n]``.
        probabilities: ``[n, C]``.

    Returns:
        float64 ``[C, C]``, given by true, with sum 1.
    """
    n_answers = probabilities.shape[1]
    given = np.bincount(labels, minlength=n_answers)
    one_hot = np.eye(n_answers)[labels]
    means = (one_hot * probabilities).sum(axis=0) / np.maximum(given, 1)
    means[given == 0] = np.inf  # nobody was labelled so: nothing says how sure is sure
    confident = probabilities >= means
    counted = confident.any(axis=1)
    true = np.where(confident, probabilities, -1).argmax(axis=1)
    counts = np.zeros((n_answers, n_answers))
    np.add.at(counts, (labels[counted], true[counted]), 1)
    empty = counts.sum(axis=1) == 0
    counts[empty, empty] = 1
    joint: Floats = counts / counts.sum(axis=1, keepdims=True) * given[:, None] / len(labels)
    return joint


def noise_transition(joint: Floats, most_wrong: float) -> Floats:
    """Chance of each true answer (row) to be given as each (column), from a joint as ``confident_joint`` makes it.

    Args:
        joint: float64 ``[C, C]``, given by true.
        most_wrong: Bound of the chance to be given as another: above it, the others shrink together.

    Returns:
        float64 ``[C, C]``, rows that sum to 1; an answer that is never true keeps itself.
    """
    true = joint.sum(axis=0)
    transition = np.where(true[:, None] > 0, joint.T / np.where(true > 0, true, 1)[:, None], np.eye(len(joint)))
    wrong = 1 - transition.diagonal()
    transition = transition * np.minimum(1, most_wrong / np.maximum(wrong, 1e-12))[:, None]
    np.fill_diagonal(transition, 0)
    bounded: Floats = transition + np.diag(1 - transition.sum(axis=1))
    return bounded


def find_suspects(labels: NDArray[np.int64], probabilities: Floats) -> Suspects:
    """Rank labels by how suspicious they are.

    Of the records with label i as many are suspicious, for each j, as the joint holds for truly j: those whose margin
    of j over i is largest, if j is more probable at all ("prune by noise rate", equation 7 of the paper).

    Args:
        labels: Given answers, int64 ``[n]``.
        probabilities: Out of sample, ``[n, C]``.
    """
    rows = np.arange(len(labels))
    own = probabilities[rows, labels]
    others = probabilities.copy()
    others[rows, labels] = -1
    suggested = others.argmax(axis=1)
    n_wrong = np.rint(confident_joint(labels, probabilities) * len(labels)).astype(int)
    suspicious = np.zeros(len(labels), dtype=np.bool_)
    for i, j in zip(*np.nonzero(n_wrong * (1 - np.eye(len(n_wrong), dtype=int))), strict=True):
        given = np.flatnonzero(labels == i)
        margin = probabilities[given, j] - own[given]
        worst = np.argsort(-margin, kind="stable")[: n_wrong[i, j]]
        suspicious[given[worst[margin[worst] > 0]]] = True
    return Suspects(suggested, own - others[rows, suggested], suspicious)
