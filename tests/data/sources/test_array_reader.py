"""Arrays of some leads go the way of files."""

from pathlib import Path

import numpy as np
import pytest

from ecgmm.data.preparation.single_record import read_single_record
from ecgmm.data.sources.array_reader import ArrayReader
from ecgmm.errors import ConfigError


def test_an_array_of_some_leads_is_a_record_of_these(tmp_path: Path) -> None:
    millivolts = np.stack([np.full(500, 0.1), np.full(500, 0.4), np.full(500, 0.3)]) * np.sin(np.arange(500) / 9)
    reader = ArrayReader.of(millivolts, 500, ["lead II", "-aVR", "I"])
    read = read_single_record(tmp_path, 500, 500, 1.0, reader=reader)
    assert read.quality["lead_origin"] == "rrdrddmmmmmm"
    steps = read.steps[0].astype(np.int64)
    np.testing.assert_array_equal(steps[1], np.rint(millivolts[0] * 1000))
    np.testing.assert_allclose(steps[3], -millivolts[1] * 1000, atol=0.51)  # an array is rounded to 0.01 µV before
    np.testing.assert_array_equal(steps[2], steps[1] - steps[0])
    assert (steps[6:] == -32768).all()


@pytest.mark.parametrize(
    ("shape", "leads", "words"),
    [
        ((2, 500), ["I"], r"shape \(2, 500\); it must be \[1, T\]"),
        ((2, 500), ["I", "i"], "twice; name each lead once"),
        ((1, 500), ["Pleth"], "at least one of I, II"),
    ],
)
def test_names_and_rows_must_fit(shape: tuple[int, int], leads: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ArrayReader.of(np.zeros(shape), 500, leads)
