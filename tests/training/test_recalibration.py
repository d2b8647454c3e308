"""Recalibration: patients are parted whole, choices come from one part and are measured on the other."""

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest

from ecgmm.data.sources.leakage import Origins
from ecgmm.errors import ConfigError
from ecgmm.evaluation.thresholds import Thresholds
from ecgmm.runs.measuring import Fitted, measure
from ecgmm.runs.metrics import Metrics, Recalibration
from ecgmm.training.recalibration import recalibrated

ORIGINS = Origins("superclass", "annotation", "notes", "full", ["ecg"], leaky=False)
TRAINED = {"": Fitted(Thresholds(np.array([0.9]), np.array([False])), 1.0)}


def predictions(n_patients: int) -> pl.DataFrame:
    """Three records a patient; a record is positive from a probability of 0.3 on."""
    n = 3 * n_patients
    probability = np.random.default_rng(1).uniform(0, 0.6, n).astype(np.float32)
    return pl.DataFrame(
        {
            "row": np.arange(n),
            "record": np.arange(n),
            "patient": np.repeat(np.arange(n_patients), 3),
            "window": 0,
            "split": ["train", "val", "test"] * n_patients,
            "label.MI": (probability >= 0.3).astype(np.float32),
            "probability.MI": probability,
        }
    )


def recalibrate(frame: pl.DataFrame, share: float) -> tuple[Recalibration, list[pl.DataFrame]]:
    seen = []

    def measuring(part: pl.DataFrame, fitted: Mapping[str, Fitted]) -> Metrics:
        seen.append(part)
        as_one = part.with_columns(split=pl.lit("all"))
        return measure(as_one, ["MI"], "multi_label", fitted, 5, 0, ORIGINS, {}, "all")

    return recalibrated(frame, ["MI"], "multi_label", TRAINED, share, 7, measuring), seen


def test_thresholds_of_some_patients_are_measured_on_the_others() -> None:
    frame = predictions(60)
    found, (rest, same) = recalibrate(frame, 0.3)
    assert rest.equals(same)
    others = set(frame["patient"]) - set(rest["patient"])
    assert found.n_patients == len(others)
    assert found.n_records == 3 * len(others)
    assert 10 <= len(others) <= 26, "about a third of 60"
    assert found.before["all/f1_macro"].value == 0, "a threshold of 0.9 calls nobody"
    assert found.after["all/f1_macro"].value == pytest.approx(1, abs=0.03)
    assert found.before.thresholds == [0.9]
    assert found.after.thresholds == pytest.approx([0.3], abs=0.02)


def test_a_patient_keeps_the_place_whoever_else_is_there() -> None:
    _, (rest, _) = recalibrate(predictions(60), 0.3)
    _, (fewer, _) = recalibrate(predictions(60).filter(pl.col("patient") < 40), 0.3)
    assert set(fewer["patient"]) == {patient for patient in rest["patient"] if patient < 40}


def test_a_part_without_patients_is_refused() -> None:
    with pytest.raises(ConfigError, match="leaves 0 of 4 patients to fit on"):
        recalibrate(predictions(4), 1e-9)


def test_it_stands_in_the_file_and_is_read_again() -> None:
    found, _ = recalibrate(predictions(60), 0.3)
    whole = found.before.model_copy(update={"recalibration": found})
    content = whole.plain()
    assert content["recalibration"]["after"]["all/f1_macro"]["value"] == found.after["all/f1_macro"].value
    assert Metrics.model_validate(content).recalibration == found
