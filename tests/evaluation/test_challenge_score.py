"""The metric of the PhysioNet/CinC challenge of 2021 on numbers worked out by hand."""

import numpy as np
import pytest

from ecgmm.data.sources.labels.cinc_2021 import CLASSES
from ecgmm.evaluation.challenge_score import KEY, challenge_score, challenge_scorer, challenge_weights
from ecgmm.evaluation.thresholds import Thresholds
from ecgmm.runs.measuring import measure_predictions
from ecgmm.runs.metrics import Metric

WORTH = np.array([[1.0, 0.5, 0.2], [0.5, 1.0, 0.3], [0.2, 0.3, 1.0]])
SINUS = 2
LABELS = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0]], dtype=bool)


def test_a_score_by_hand() -> None:
    decisions = np.array([[0, 1, 0], [0, 1, 0], [1, 0, 1], [1, 0, 0]], dtype=bool)
    own = 0.5 / 2 + 1.0 + (1.0 + 0.2 + 0.5 + 0.3) / 3 + 0.0
    best = 1.0 + 1.0 + (1.0 + 0.5 + 0.5 + 1.0) / 2
    always = 0.2 / 2 + 0.3 / 2 + (0.2 + 0.3) / 3
    assert challenge_score(LABELS, decisions, WORTH, SINUS) == pytest.approx((own - always) / (best - always))


def test_the_labels_get_1_sinus_rhythm_0_and_nothing_less() -> None:
    sinus = np.zeros_like(LABELS)
    sinus[:, SINUS] = True
    assert challenge_score(LABELS, LABELS, WORTH, SINUS) == 1
    assert challenge_score(LABELS, sinus, WORTH, SINUS) == 0
    assert challenge_score(LABELS, np.zeros_like(LABELS), WORTH, SINUS) < 0
    assert np.isnan(challenge_score(sinus, LABELS, WORTH, SINUS))


def test_the_published_table_is_that_of_the_label_set() -> None:
    classes, worth = challenge_weights()
    assert classes == CLASSES
    assert worth.shape == (26, 26)
    np.testing.assert_array_equal(worth, worth.T)
    assert (np.diag(worth) == 1).all()
    assert worth[classes.index("QAb"), classes.index("NSR")] == 0.15  # the least
    assert worth.min() == 0.15
    assert worth[classes.index("PVC"), classes.index("PR")] == 0.5


def test_metrics_of_the_label_set_have_the_score_of_all_classes_whichever_the_store_has() -> None:
    random = np.random.default_rng(0)
    labels = (random.random((40, 26)) < 0.2).astype(float)
    probabilities = random.random((40, 26))
    lacking = [CLASSES.index("PRWP"), CLASSES.index("NSR")]
    labels[:, lacking], probabilities[:, lacking] = 0, 0
    classes, worth = challenge_weights()
    wanted = challenge_score(labels > 0, probabilities >= 0.6, worth, classes.index("NSR"))
    kept = np.delete(np.arange(26), lacking)
    names = [CLASSES[place] for place in kept]
    score = challenge_scorer(labels[:, kept], probabilities[:, kept], np.full(24, 0.6), names)
    assert score(np.ones((40, 1)))[KEY][0] == pytest.approx(wanted)
    assert score(np.full((40, 1), 2.0))[KEY][0] == pytest.approx(wanted)
    thresholds = Thresholds(np.full(24, 0.6), np.zeros(24, dtype=bool))

    def measured(label_set: str) -> dict[str, Metric]:
        given = (labels[:, kept], probabilities[:, kept], np.arange(40), names)
        return measure_predictions(*given, "multi_label", thresholds, n_resamples=20, label_set=label_set).measured

    assert measured("cinc_2021")[f"test/{KEY}"].value == pytest.approx(wanted)
    assert f"test/{KEY}" not in measured("table")
