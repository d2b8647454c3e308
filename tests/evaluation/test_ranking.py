"""Area and average precision of many weightings at once; tests/evaluation/test_metrics.py compares them with others."""

import numpy as np

from ecgmm.evaluation.ranking import auroc, auroc_and_average_precision, rank_segments


def test_the_area_alone_is_the_area_beside_average_precision() -> None:
    generator = np.random.default_rng(0)
    scores, positive = generator.integers(8, size=50).astype(float), generator.random(50) < 0.3  # with ties
    segments, weights = rank_segments(positive, scores), generator.integers(3, size=(50, 20)).astype(float)
    weights[:, 0] = positive  # no negative, so no area
    area = auroc(segments, weights)
    assert np.isnan(area[0])
    np.testing.assert_array_equal(area, auroc_and_average_precision(segments, weights)[0])
    pairs = scores[positive][:, None] - scores[~positive]
    won = (pairs > 0) + (pairs == 0) / 2
    both = weights[positive][:, None] * weights[~positive]
    np.testing.assert_allclose(area[1:], ((won[..., None] * both).sum((0, 1)) / both.sum((0, 1)))[1:])
