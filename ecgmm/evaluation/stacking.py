"""Calibrated stacking: seen against unseen classes, with an offset that seen classes alone decide.

A model that learnt from some classes answers with one of them nearly always. Taking an offset off the seen classes'
logits brings the others in (Chao et al., "An empirical study and analysis of generalized zero-shot learning for object
recognition in the wild", arXiv 1605.04253, equation 2). Letters: n records, K classes, R weightings.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecgmm.evaluation.metrics import Scorer
from ecgmm.evaluation.ranking import Floats

KEPT = 0.9
"""Part of the recall of seen classes, as it is where no other may be answered, that the offset must leave."""


def choose_offset(logits: NDArray[np.floating], labels: NDArray[np.integer], seen: NDArray[np.bool_]) -> float:
    """The largest offset that leaves seen classes ``KEPT`` of their macro recall.

    Args:
        logits: ``[n, K]`` of validation.
        labels: ``[n]``; records of unseen classes are not looked at.
        seen: bool ``[K]``.
    """
    kept = seen[labels]
    logits, labels = logits[kept], labels[kept]
    best_seen = np.where(seen, logits, -np.inf).argmax(axis=1)
    margin = logits[:, seen].max(axis=1) - logits[:, ~seen].max(axis=1)  # an answer stays while the offset is below
    right = best_seen == labels
    weight = 1 / np.bincount(labels, minlength=len(seen))[labels]
    order = np.argsort(-margin[right], kind="stable")
    reached = np.cumsum(weight[right][order])
    last = int(np.searchsorted(reached, KEPT * reached[-1] - 1e-12)) if right.any() else 0
    return float(np.nextafter(margin[right][order][last], -np.inf)) if right.any() else 0.0


def stacking_scorer(
    logits: NDArray[np.floating], labels: NDArray[np.integer], seen: NDArray[np.bool_], offset: float
) -> Scorer:
    """Scorer of ``seen``, ``unseen`` (macro recall of either kind of class) and ``harmonic`` (their harmonic mean).

    Args:
        logits: ``[n, K]``.
        labels: ``[n]``.
        seen: bool ``[K]``.
        offset: Taken off the logits of seen classes.
    """
    answered = (logits - offset * seen).argmax(axis=1)
    classes = np.arange(len(seen))
    there = (labels[:, None] == classes).astype(np.float64)
    right = there * (answered == labels)[:, None]

    def score(weights: Floats) -> dict[str, Floats]:
        with np.errstate(invalid="ignore", divide="ignore"):
            recall = (right.T @ weights) / (there.T @ weights)  # [K, R]
            of_seen, of_unseen = (recall[chosen].mean(axis=0) for chosen in (seen, ~seen))
            harmonic = np.where(of_seen + of_unseen > 0, 2 * of_seen * of_unseen / (of_seen + of_unseen), 0)
        return {
            "seen": of_seen,
            "unseen": of_unseen,
            "harmonic": np.where(np.isnan(of_seen * of_unseen), np.nan, harmonic),
        }

    return score


def areas_scorer(positive: NDArray[np.bool_], scores: NDArray[np.floating], names: Sequence[str]) -> Scorer:
    """Scorer of ``auroc_macro`` and of ``auroc/<class>`` from scores ``[n, K]`` and ``positive [n, K]``."""
    from ecgmm.evaluation.ranking import auroc, rank_segments

    segments = [rank_segments(positive[:, k], scores[:, k]) for k in range(len(names))]

    def score(weights: Floats) -> dict[str, Floats]:
        areas = np.stack([auroc(one, weights) for one in segments])
        return {"auroc_macro": areas.mean(axis=0), **{f"auroc/{name}": areas[k] for k, name in enumerate(names)}}

    return score
