"""Area under the ROC curve and average precision for many sets of record weights at once, ties counted exactly.

Scores never change between resamples, only weights do. So the records are sorted once and gathered into segments;
a sparse product sums the weights of every segment for all resamples, and only segments that hold a positive remain.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats: TypeAlias = NDArray[np.float64]
Segments: TypeAlias = Any  # scipy.sparse.csr_array, which has no type stubs


def rank_segments(positive: NDArray[np.bool_], score: NDArray[np.floating]) -> Segments:
    """Gather records into runs between which the ranking of positives against negatives changes.

    Records with one score that hold a positive form group j, counted from the highest score. Segment 3j holds the
    negatives ranked above group j and below group j - 1, 3j + 1 the negatives tied with the group's positives,
    3j + 2 its positives. The last segment holds the negatives below every positive.

    Args:
        positive: bool ``[n]``.
        score: ``[n]``, higher means more likely positive.

    Returns:
        Sparse 0/1 matrix ``[3 * groups + 1, n]``; times weights ``[n, R]`` it gives the weight of each segment.
    """
    order = np.argsort(-score, kind="stable")
    score, positive = score[order], positive[order]
    group = np.cumsum(np.diff(score, prepend=score[:1]) != 0)
    has_positive = np.bincount(group, weights=positive) > 0
    positive_groups_above: NDArray[np.int64] = np.cumsum(has_positive) - has_positive
    segment = 3 * positive_groups_above[group] + np.where(has_positive[group], 1 + positive, 0)
    shape = (3 * int(has_positive.sum()) + 1, len(score))
    return csr_array((np.ones(len(score)), (segment, order)), shape=shape)


def auroc(segments: Segments, weights: Floats) -> Floats:
    """Weighted AUROC alone, as ``auroc_and_average_precision`` gives it."""
    sums = segments @ weights
    return _auroc(sums, _false_positives(sums))


def auroc_and_average_precision(segments: Segments, weights: Floats) -> tuple[Floats, Floats]:
    """Weighted AUROC (a tie counts one half) and average precision (sum of precision times step in recall).

    Args:
        segments: From ``rank_segments``.
        weights: ``[n, R]``, at least 0.

    Returns:
        Both as ``[R]``; NaN where a resample has no positive, for AUROC also where it has no negative.
    """
    sums = segments @ weights
    positives, false_positives = sums[2::3], _false_positives(sums)
    true_positives = np.cumsum(positives, axis=0)
    precision = ratio(true_positives, true_positives + false_positives, if_empty=0.0)
    average_precision = ratio((positives * precision).sum(axis=0), positives.sum(axis=0), if_empty=np.nan)
    return _auroc(sums, false_positives), average_precision


def _false_positives(sums: Floats) -> Floats:
    """Weight of the negatives that rank not below each group of positives ``[groups, R]``."""
    false_positives: Floats = np.cumsum(sums[0::3][:-1] + sums[1::3], axis=0)
    return false_positives


def _auroc(sums: Floats, false_positives: Floats) -> Floats:
    negatives_above, negatives_tied, positives = sums[0::3], sums[1::3], sums[2::3]
    n_negatives = negatives_above.sum(axis=0) + negatives_tied.sum(axis=0)
    pairs_won = (positives * (n_negatives - false_positives + negatives_tied / 2)).sum(axis=0)
    return ratio(pairs_won, positives.sum(axis=0) * n_negatives, if_empty=np.nan)


def ratio(part: Floats, whole: Floats, if_empty: float) -> Floats:
    """Elementwise ``part / whole``, and ``if_empty`` where ``whole`` is 0."""
    result: Floats = np.full(whole.shape, if_empty)
    return np.divide(part, whole, out=result, where=whole > 0)
