"""Temperature, thresholds and sets that a model keeps are those of validation, computed by hand."""

import numpy as np
import polars as pl
import pytest

from ecgmm.runs.calibration import Calibration, calibrate
from ecgmm.runs.measuring import fit_on_validation
from ecgmm.settings.ranges import COVERAGES

CLASSES = ["A", "B"]


def frame_of(labels: np.ndarray, probabilities: np.ndarray) -> pl.DataFrame:
    """Predictions of validation records; labels ``[n]`` or ``[n, 2]``."""
    n = len(probabilities)
    own = {"label": labels} if labels.ndim == 1 else {f"label.{c}": labels[:, k] for k, c in enumerate(CLASSES)}
    found = {f"probability.{c}": probabilities[:, k].astype(np.float32) for k, c in enumerate(CLASSES)}
    places = {"row": range(n), "record": range(n), "split": ["val"] * n}
    return pl.DataFrame({**places, **own, **found, "gate": None, "inconsistency": None})


def calibrated(frame: pl.DataFrame, task: str) -> Calibration:
    fitted = fit_on_validation(frame, CLASSES, task)[""]  # type: ignore[arg-type]  # a name of a task
    return calibrate(frame, CLASSES, task, fitted, "32-true")  # type: ignore[arg-type]  # a name of a task


def test_sets_of_one_class_a_record_by_hand() -> None:
    own = np.arange(1, 20) / 20  # probability of the true class of 19 records
    found = calibrated(frame_of(np.zeros(19, dtype=np.int64), np.stack([own, 1 - own], axis=1)), "single_label")
    # 0.9 of 20 is the 18th highest of 19: 0.10; 0.5 the 10th: 0.5; 0.99 more than there are, so any class belongs.
    assert found.sets_at(0.9).least == pytest.approx([0.1, 0.1])
    assert found.sets_at(0.5).least == pytest.approx([0.5, 0.5])
    assert found.sets_at(0.99).least == [0, 0]
    assert (found.thresholds, found.n_records) == (None, 19)


def test_of_several_classes_both_answers_are_covered_however_rare() -> None:
    rng = np.random.default_rng(0)
    labels = (rng.random((4000, 2)) < [0.5, 0.03]).astype(np.float32)
    probabilities = 1 / (1 + np.exp(-(rng.normal(0, 1, (4000, 2)) + 2 * labels - 3)))
    found = calibrated(frame_of(labels[:2000], probabilities[:2000]), "multi_label")
    sets, new, truth = found.sets_at(0.9), probabilities[2000:], labels[2000:] == 1
    assert sets.least_absent is not None
    present, absent = new >= np.array(sets.least), 1 - new >= np.array(sets.least_absent)
    for k in range(2):
        assert present[truth[:, k], k].mean() == pytest.approx(0.9, abs=0.09)
        assert absent[~truth[:, k], k].mean() == pytest.approx(0.9, abs=0.03)


def test_a_class_without_a_record_is_never_ruled_out_and_named() -> None:
    labels = np.zeros((20, 2), dtype=np.float32)
    labels[::2, 0] = 1
    found = calibrated(frame_of(labels, np.random.default_rng(0).random((20, 2))), "multi_label")
    assert found.default_thresholds == ["B"]
    assert [found.sets_at(coverage).least[1] for coverage in COVERAGES] == [0] * len(COVERAGES)


def test_what_is_of_other_classes_or_coverages_does_not_fit() -> None:
    found = calibrated(frame_of(np.array([0, 1, 0]), np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])), "single_label")
    assert found.fits(2)
    assert not found.fits(3)
    assert not found.model_copy(update={"conformal": found.conformal[:-1]}).fits(2)
