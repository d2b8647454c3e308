"""Amplitudes, flat leads and missing samples by lead are those of the rows that were read."""

from pathlib import Path

import numpy as np
import pytest

from ecgmm.data.store.store import Store
from ecgmm.integrity import leads
from ecgmm.integrity.leads import QUANTILES, amplitudes, damage
from ecgmm.leads import LEADS
from ecgmm.types import MISSING_SAMPLE
from tests.integrity.small_store import N_ROWS, waveforms, write_store


def test_quantiles_are_exact_and_leave_missing_samples_out(tmp_path: Path) -> None:
    steps = waveforms()
    steps[:, 0, :150] = MISSING_SAMPLE
    steps[:, 1] = MISSING_SAMPLE
    steps[4, 2, 7], steps[5, 2, 8] = 32767, -32767
    found = amplitudes(Store.open(write_store(tmp_path / "store", steps)))["mv"]
    assert found["II"] is None
    for index in (0, 2, 11):
        there = steps[:, index][steps[:, index] != MISSING_SAMPLE] * 0.005
        np.testing.assert_allclose(found[LEADS[index]], np.quantile(there, QUANTILES, method="inverted_cdf"), atol=1e-6)


def test_damage_is_counted_by_lead(tmp_path: Path) -> None:
    steps = waveforms()
    steps[3, 5] = 100
    steps[4, 5] = MISSING_SAMPLE
    steps[5, 5, 10:] = MISSING_SAMPLE
    steps[5, 5, :10] = -3  # constant as far as it is there
    steps[6, 0, :10] = MISSING_SAMPLE
    found = damage(Store.open(write_store(tmp_path / "store", steps)))
    assert (found["rows"], found["rows_read"]) == (4, 4)
    assert found["by_lead"]["aVF"] == {"flat": 3, "missing": 2, "samples": 200 + 190}
    assert found["by_lead"]["I"] == {"flat": 0, "missing": 1, "samples": 10}
    assert found["by_lead"]["V6"] == {"flat": 0, "missing": 0, "samples": 0}


def test_no_more_rows_are_read_than_stand_for_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leads, "MOST_ROWS", 6)
    steps = waveforms()
    steps[1::2, 3] = 0
    store = Store.open(write_store(tmp_path / "store", steps))
    assert (amplitudes(store)["rows_read"], amplitudes(store)["rows"]) == (5, N_ROWS)
    found = damage(store)
    assert (found["rows_read"], found["rows"], found["by_lead"]["aVR"]["flat"]) == (5, 10, 5)
    there = steps[::4, 0] * 0.005
    assert amplitudes(store)["mv"]["I"][-1] == pytest.approx(there.max())
