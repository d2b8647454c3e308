"""Split conformal prediction: sets of classes that hold the true one with a probability that was asked for.

The sets are those of the least ambiguous classifier (Sadinle, Lei and Wasserman, JASA 114, 2019): a class is in the set
if its probability is high enough. mapie has the same without weights, and wants an estimator of scikit-learn.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgmm.evaluation.metrics import TaskKind
from ecgmm.evaluation.ranking import Floats


class SetQuality(NamedTuple):
    """Quality of prediction sets.

    Attributes:
        coverage: Share of records whose set holds their class.
        mean_size: Mean number of classes in a set.
        coverage_of_class: Coverage among the records of each class ``[K]``; NaN where there is none.
    """

    coverage: float
    mean_size: float
    coverage_of_class: Floats


def least_probabilities(
    labels: NDArray[np.integer], probabilities: Floats, coverage: float, ratio: Floats | None = None
) -> Floats:
    """Probability from which on each class belongs to a set ``[K]``; -inf for a class that always does.

    Sets made with it hold the true class of a new, exchangeable record with probability ``coverage`` at least. Under
    label shift the same holds with the ratio of the priors as weights (Podkopaev and Ramdas, Distribution-free
    Uncertainty Quantification for Classification under Label Shift, UAI 2021, theorem 2).

    Args:
        labels: Class numbers of calibration records ``[n]``, which training has not seen.
        probabilities: ``[n, K]``.
        coverage: Such as 0.9.
        ratio: Prior where the sets are used over prior of the calibration records ``[K]``; None for no shift.
    """
    n_classes = probabilities.shape[1]
    weight_of_class = np.ones(n_classes) if ratio is None else ratio
    own = probabilities[np.arange(len(labels)), labels]
    order = np.argsort(-own, kind="stable")
    reached = weight_of_class[labels[order]].cumsum()
    needed = coverage * (reached[-1] + weight_of_class)
    place = np.searchsorted(reached, needed * (1 - 1e-12))  # rounding must not cost a record
    return np.asarray(np.append(own[order], -np.inf)[place])


def set_quality(labels: NDArray[np.integer], probabilities: Floats, least: Floats) -> SetQuality:
    """Measure the sets of some records.

    Args:
        labels: Class numbers ``[n]``.
        probabilities: ``[n, K]``.
        least: As ``least_probabilities`` returns it.
    """
    sets = probabilities >= least
    covered = sets[np.arange(len(labels)), labels]
    counts = np.bincount(labels, minlength=len(least))
    of_class = np.bincount(labels, covered, minlength=len(least))
    by_class = np.divide(of_class, counts, out=np.full(len(least), np.nan), where=counts > 0)
    return SetQuality(float(covered.mean()), float(sets.sum(axis=1).mean()), by_class)


def sets_of_records(
    calibration: tuple[NDArray[Any], Floats], tested: tuple[NDArray[Any], Floats], task: TaskKind, coverage: float
) -> tuple[Floats, Floats]:
    """Whether the set of each record holds its class, and the size of the set.

    A multi-label task has a set for each class, which holds yes, no, both or none, calibrated on that class alone.

    Args:
        calibration: Labels (``[n]``, or ``[n, K]`` in [0, 1]) and probabilities ``[n, K]`` of validation.
        tested: Those of the test records.
        task: ``single_label`` or ``multi_label``.
        coverage: Such as 0.9.

    Returns:
        Both ``[n, 1]``, or ``[n, K]`` of a multi-label task.
    """
    if task == "single_label":
        return _held(tested, least_probabilities(*calibration, coverage))
    pairs = []
    for k in range(tested[1].shape[1]):
        (of_calibration, of_tested) = (
            ((labels[:, k] >= 0.5).astype(np.int64), np.stack([1 - shares[:, k], shares[:, k]], axis=1))
            for labels, shares in (calibration, tested)
        )
        pairs.append(_held(of_tested, least_probabilities(*of_calibration, coverage)))
    covered, size = (np.concatenate(columns, axis=1) for columns in zip(*pairs, strict=True))
    return covered, size


def _held(tested: tuple[NDArray[Any], Floats], least: Floats) -> tuple[Floats, Floats]:
    labels, probabilities = tested
    sets = probabilities >= least
    covered = sets[np.arange(len(labels)), labels]
    return covered[:, None].astype(np.float64), sets.sum(axis=1, keepdims=True).astype(np.float64)
