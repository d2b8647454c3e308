"""Split conformal prediction: sets of classes that hold the true one with a probability that was asked for.

The sets are those of the least ambiguous classifier (Sadinle, Lei and Wasserman, JASA 114, 2019): a class is in the set
if its probability is high enough. mapie has the same without weights, and wants an estimator of scikit-learn.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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
