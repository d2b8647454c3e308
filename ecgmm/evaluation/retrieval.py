"""Ranks of what is looked for among what is there, the share found among the first k, and what chance finds.

Of several right items the best ranked one counts, and right ones do not stand in each other's way.

The rank is 1 plus the wrong items that score higher, plus those that a fair coin puts before it among equal scores
(the mean rank of a tie). All queries of a block are ranked by one matrix product and two comparisons. Letters: Q
queries, G items of the gallery, E ranked queries, R resamples.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgmm.evaluation.metrics import Scorer
from ecgmm.evaluation.ranking import Floats

CUTOFFS = (1, 5, 10)
MEASURES = (*(f"R@{k}" for k in CUTOFFS), "MRR", "median rank")
_SCORES_AT_ONCE = 1 << 22

Bools = NDArray[np.bool_]
Relevance = Callable[[slice], Bools]
"""Queries of a block to a table ``[q, G]`` of the items that are right."""


@dataclass(frozen=True)
class Ranked:
    """Queries with the rank of what they look for.

    Attributes:
        query: int64 ``[E]``, number of each query; one that nothing is right for is left out.
        rank: ``[E]``, from 1; halves where scores are equal.
        n_right: ``[E]``, right items of its gallery.
        n_wrong: ``[E]``, wrong ones.
    """

    query: NDArray[np.int64]
    rank: Floats
    n_right: NDArray[np.int64]
    n_wrong: NDArray[np.int64]

    @staticmethod
    def together(parts: "Sequence[Ranked]") -> "Ranked":
        """Several galleries, one after the other."""
        names = ("query", "rank", "n_right", "n_wrong")
        return Ranked(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def rank(
    queries: NDArray[np.floating],
    gallery: NDArray[np.floating],
    relevance: Relevance,
    own: tuple[NDArray[np.integer], NDArray[np.floating]] | None = None,
) -> Ranked:
    """Rank the gallery for every query by inner products, and find what is right.

    Args:
        queries: ``[Q, D]``; of length 1 where cosines are meant.
        gallery: ``[G, D]``.
        relevance: What is right for whom.
        own: An item of each query whose score is another for it, and that score: both ``[Q]``.
    """
    size = max(1, _SCORES_AT_ONCE // len(gallery))
    blocks = [slice(start, min(start + size, len(queries))) for start in range(0, len(queries), size)]
    parts = []
    for block in blocks:
        scores = queries[block] @ gallery.T
        if own is not None:
            scores[np.arange(len(scores)), own[0][block]] = own[1][block]
        found = rank_scores(scores, relevance(block))
        parts.append(Ranked(found.query + block.start, found.rank, found.n_right, found.n_wrong))
    return Ranked.together(parts)


def rank_scores(scores: NDArray[np.floating], right: Bools) -> Ranked:
    """Ranks of a table of scores ``[Q, G]``."""
    asked = right.any(axis=1)
    scores, right = scores[asked], right[asked]
    wrong = ~right
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    above, tied = (scores > best) & wrong, (scores == best) & wrong
    best_right = ((scores == best) & right).sum(axis=1)
    # Of t wrong and s right items in random order, t / (s + 1) wrong ones stand before the first right one.
    ranks = 1 + above.sum(axis=1) + tied.sum(axis=1) / (best_right + 1)
    return Ranked(np.flatnonzero(asked), ranks, right.sum(axis=1), wrong.sum(axis=1))


def measures(ranked: Ranked, weights: Floats) -> Scorer:
    """Scorer of ``MEASURES``.

    Args:
        ranked: The ranked queries.
        weights: ``[E]``, how much each counts before resampling.
    """
    hits = np.stack([*(ranked.rank <= k for k in CUTOFFS), 1 / ranked.rank]).astype(np.float64)
    order = np.argsort(ranked.rank, kind="stable")

    def score(resampled: Floats) -> dict[str, Floats]:
        counted = resampled * weights[:, None]
        total = counted.sum(axis=0)
        with np.errstate(invalid="ignore"):
            shares = (hits @ counted) / total
        running = np.cumsum(counted[order], axis=0)
        middle = (running < total / 2 * (1 - 1e-12)).sum(axis=0).clip(max=len(order) - 1)
        median = np.where(total > 0, ranked.rank[order][middle], np.nan)
        return dict(zip(MEASURES, [*shares, median], strict=True))

    return score


def chance(ranked: Ranked, weights: Floats) -> dict[str, float]:
    """What a random order of each gallery gives on average, exactly; of the median rank, the median of all orders.

    The first right item of s among s + t stands behind place k with probability t! (s+t-k)! / ((t-k)! (s+t)!).

    Args:
        ranked: The ranked queries, of which only the galleries count.
        weights: ``[E]``, as in ``measures``.
    """
    kinds, kind = np.unique(np.stack([ranked.n_right, ranked.n_wrong]), axis=1, return_inverse=True)
    share = np.bincount(kind.ravel(), weights=weights, minlength=kinds.shape[1]) / weights.sum()
    n_right, n_wrong = kinds[:, :, None].astype(np.float64)
    place = np.arange(int(n_wrong.max(initial=0)) + 1)  # wrong items before
    with np.errstate(divide="ignore", invalid="ignore"):
        goes_on = np.where(place < n_wrong, (n_wrong - place) / (n_right + n_wrong - place), 0)
    behind = np.cumprod(goes_on, axis=1)  # P(first right item stands behind place k), k from 1
    behind = (share[:, None] * behind).sum(axis=0)
    exactly = -np.diff(behind, prepend=1.0)
    values = [1 - behind[min(k, len(behind)) - 1] for k in CUTOFFS]
    mrr = (exactly / (place + 1)).sum()
    median = 1 + int((behind > 0.5 + 1e-12).sum())
    return dict(zip(MEASURES, map(float, [*values, mrr, median]), strict=True))


def draw_pools(item: NDArray[np.integer], size: int, n_pools: int, seed: int) -> NDArray[np.int64]:
    """Draw pools of records no two of which have the same report.

    Args:
        item: ``[n]``, number of each record's report.
        size: Records in a pool.
        n_pools: Number of pools.
        seed: Seed of the draw.

    Returns:
        ``[n_pools, size]``, records; each pool is as large as there are reports where these are fewer.
    """
    generator = np.random.default_rng(seed)
    pools = []
    for _ in range(n_pools):
        order = generator.permutation(len(item))
        _, first = np.unique(item[order], return_index=True)
        pools.append(order[generator.permutation(first)[:size]])
    return np.stack(pools)
