"""Risk against coverage, by hand."""

import numpy as np
import pytest

from ecgmm.evaluation.selective import area_under_risk_coverage, risk_coverage


def test_risk_of_the_surest_records_by_hand() -> None:
    """Surest first: right, wrong, and two of one confidence of which one is right."""
    labels = np.array([0, 1, 0, 1])
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.6, 0.4]])
    np.testing.assert_allclose(risk_coverage(labels, probabilities), [0, 1 / 2, 1.5 / 3, 2 / 4])
    assert area_under_risk_coverage(labels, probabilities) == pytest.approx(1.5 / 4)


def test_a_multi_label_record_is_as_sure_as_its_decisions() -> None:
    labels = np.array([[1.0, 0.0], [1.0, 1.0]])
    probabilities = np.array([[0.6, 0.4], [0.9, 0.1]])
    np.testing.assert_allclose(risk_coverage(labels, probabilities), [0.5, 0.25])
