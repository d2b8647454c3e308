import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgmm.leads import LEADS, channel_of_each_lead

MIMIC_ORDER = ["I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6"]


@given(st.permutations(list(LEADS)))
def test_any_stored_order_is_brought_to_the_standard_order(stored: list[str]) -> None:
    assert tuple(np.array(stored)[channel_of_each_lead(stored)]) == LEADS


def test_mimic_order_swaps_channels_4_and_5_only() -> None:
    assert channel_of_each_lead(MIMIC_ORDER) == [0, 1, 2, 3, 5, 4, 6, 7, 8, 9, 10, 11]


def test_case_and_blanks_of_names_do_not_matter() -> None:
    assert channel_of_each_lead([f" {name.upper()} " for name in LEADS]) == list(range(12))


@pytest.mark.parametrize(
    "names",
    [list(LEADS[:11]), [*LEADS[:11], "V5"], [*LEADS[:11], "V7"], [*LEADS, "V6"]],
    ids=["missing", "twice", "unknown", "13"],
)
def test_a_lead_that_is_missing_twice_or_unknown_is_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match="each of I, II, III"):
        channel_of_each_lead(names)
