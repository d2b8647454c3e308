"""Retrieval: ranks by hand, planted and random embeddings, and repetition that neither helps nor harms."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ecgmm.evaluation.retrieval import MEASURES, Ranked, chance, draw_pools, measures, rank, rank_scores


def values(ranked: Ranked, weights: NDArray[np.float64] | None = None) -> dict[str, float]:
    weights = np.ones(len(ranked.rank)) if weights is None else weights
    found = measures(ranked, weights)(np.ones((len(weights), 1)))
    return {name: float(value[0]) for name, value in found.items()}


def test_ranks_by_hand_with_ties_and_several_right_items() -> None:
    scores = np.array(
        [
            [0.9, 0.5, 0.1, 0.3],  # one wrong item above
            [0.5, 0.5, 0.5, 0.1],  # tied with two wrong ones: the middle of places 1 to 3
            [0.5, 0.5, 0.5, 0.1],  # two right ones tied with a wrong one: it stands first in a third of all orders
            [0.9, 0.1, 0.2, 0.8],  # the best of two right ones counts
            [0.1, 0.2, 0.3, 0.4],  # nothing is right: no query
        ]
    )
    right = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]], bool)
    ranked = rank_scores(scores, right)
    assert ranked.query.tolist() == [0, 1, 2, 3]
    assert ranked.rank == pytest.approx([2, 2, 1 + 1 / 3, 2])
    assert ranked.n_right.tolist() == [1, 1, 2, 2]
    assert ranked.n_wrong.tolist() == [3, 3, 2, 2]
    found = values(ranked)
    assert found["R@1"] == 0
    assert found["R@5"] == 1
    assert found["MRR"] == pytest.approx((3 / 2 + 3 / 4) / 4)
    assert found["median rank"] == 2


def test_chance_is_the_mean_over_all_orders() -> None:
    from itertools import permutations

    right = np.array([1, 1, 0, 0, 0], bool)
    ranks = [1 + min(order.index(0), order.index(1)) for order in permutations(range(5))]  # of the first right item
    expected = chance(
        Ranked(np.array([0]), np.ones(1), np.array([right.sum()]), np.array([(~right).sum()])), np.ones(1)
    )
    assert expected["R@1"] == pytest.approx(np.mean(np.array(ranks) <= 1))
    assert expected["R@5"] == pytest.approx(1)
    assert expected["MRR"] == pytest.approx(np.mean(1 / np.array(ranks)))
    assert expected["median rank"] == np.median(ranks)


def test_chance_of_different_galleries_is_weighed() -> None:
    ranked = Ranked(np.arange(2), np.ones(2), np.array([1, 3]), np.array([1, 1]))
    assert chance(ranked, np.array([1.0, 3.0]))["R@1"] == pytest.approx((1 / 2 + 3 * 3 / 4) / 4)


def pairs_of(n: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    generator = np.random.default_rng(seed)
    ecg, text = generator.normal(size=(2, n, 8))
    return ecg / np.linalg.norm(ecg, axis=1, keepdims=True), text / np.linalg.norm(text, axis=1, keepdims=True)


def own(item: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.bool_]:
    right: NDArray[np.bool_] = item[:, None] == other
    return right


def test_planted_embeddings_are_found_at_once_and_random_ones_as_chance_has_it() -> None:
    n = 800
    ecg, text = pairs_of(n)
    item = np.arange(n)
    planted = rank(ecg, ecg, lambda block: own(item[block], item))
    assert values(planted) == dict(zip(MEASURES, [1, 1, 1, 1, 1], strict=True))
    random = rank(ecg, text, lambda block: own(item[block], item))
    found, expected = values(random), chance(random, np.ones(n))
    for name in ("R@1", "R@5", "R@10"):
        spread = np.sqrt(expected[name] * (1 - expected[name]) / n)
        assert abs(found[name] - expected[name]) < 4 * spread
    assert found["median rank"] == pytest.approx(expected["median rank"], rel=0.1)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ecg, text = pairs_of(60)
    item = np.arange(60)
    whole = rank(ecg, text, lambda block: own(item[block], item))
    monkeypatch.setattr("ecgmm.evaluation.retrieval._SCORES_AT_ONCE", 420)
    cut = rank(ecg, text, lambda block: own(item[block], item))
    assert cut.query.tolist() == whole.query.tolist()
    assert cut.rank.tolist() == whole.rank.tolist()


def test_a_resample_weighs_queries() -> None:
    ranked = Ranked(np.arange(3), np.array([1.0, 4.0, 20.0]), np.ones(3, int), np.full(3, 30))
    weights = np.array([[1.0, 0.0, 2.0], [1.0, 0.0, 0.0], [2.0, 0.0, 1.0]])
    found = measures(ranked, np.ones(3))(weights)
    assert found["R@1"] == pytest.approx([1 / 4, np.nan, 2 / 3], nan_ok=True)
    assert found["median rank"] == pytest.approx([4, np.nan, 1], nan_ok=True)


def test_a_pool_holds_no_report_twice() -> None:
    item = np.repeat(np.arange(30), np.arange(1, 31))
    pools = draw_pools(item, 20, 5, seed=1)
    assert pools.shape == (5, 20)
    assert all(len(set(item[pool])) == 20 for pool in pools)
    assert np.array_equal(pools, draw_pools(item, 20, 5, seed=1))
    assert not np.array_equal(pools, draw_pools(item, 20, 5, seed=2))
    assert draw_pools(item, 100, 2, seed=1).shape == (2, 30)
