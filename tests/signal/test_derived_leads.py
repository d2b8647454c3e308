"""Leads that follow from I and II, by hand-computed steps."""

import numpy as np
import pytest

from ecgmm.leads import LEADS
from ecgmm.signal.derived_leads import derivable, derive_leads
from ecgmm.types import MISSING_SAMPLE

EIGHT = tuple(name in ("I", "II") or name.startswith("V") for name in LEADS)
GAP = MISSING_SAMPLE


def block_of(first: list[int], second: list[int]) -> np.ndarray:
    block = np.full((1, 12, len(first)), GAP, dtype=np.int16)
    block[0, 0], block[0, 1] = first, second
    return block


def test_four_leads_follow_from_two_by_hand() -> None:
    block = block_of([100, 3, -7, 0, GAP, 30000], [40, 4, -2, 1, 5, -30000])
    filled = derive_leads(block, EIGHT)[0]
    np.testing.assert_array_equal(filled[:2], block[0, :2])
    np.testing.assert_array_equal(filled[2], [-60, 1, 5, 1, GAP, -32767])  # II - I, limited to 16 bits
    np.testing.assert_array_equal(filled[3], [-70, -4, 4, 0, GAP, 0])  # -(I + II) / 2: -3.5, 4.5, -0.5 to even
    np.testing.assert_array_equal(filled[4], [80, 1, -6, 0, GAP, 32767])  # I - II / 2: -0.5 to even
    np.testing.assert_array_equal(filled[5], [-10, 2, 2, 1, GAP, -32767])  # II - I / 2: 2.5, 1.5, 1


def test_recorded_leads_and_whole_records_are_left_alone() -> None:
    block = block_of([100], [40])
    block[0, 3] = 7  # an aVR of its own
    filled = derive_leads(block, tuple(kept or name == "aVR" for name, kept in zip(LEADS, EIGHT, strict=True)))
    assert filled[0, 3, 0] == 7
    assert filled[0, 2, 0] == -60
    assert derive_leads(block, (True,) * 12) is block


@pytest.mark.parametrize("lacking", ["I", "II"])
def test_nothing_follows_from_one_lead(lacking: str) -> None:
    recorded = tuple(name != lacking and kept for name, kept in zip(LEADS, EIGHT, strict=True))
    assert derivable(recorded) == []
    block = block_of([100], [40])
    assert derive_leads(block, recorded) is block
