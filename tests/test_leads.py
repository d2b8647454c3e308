import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgmm.leads import LEADS, channel_of_each_lead, channels_of_leads, lead_of

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


@pytest.mark.parametrize(
    ("name", "lead", "sign"),
    [
        ("i", "I", 1),
        (" aVr ", "aVR", 1),
        ("MDC_ECG_LEAD_I", "I", 1),
        ("MDC_ECG_LEAD_AVR", "aVR", 1),
        ("mdc_ecg_lead_v6", "V6", 1),
        ("lead I", "I", 1),
        ("Lead II (Einthoven)", "II", 1),
        ("ECG lead V3", "V3", 1),
        ("ECG I", "I", 1),
        ("EKG_III", "III", 1),
        ("DI", "I", 1),
        ("D3", "III", 1),
        ("C4", "V4", 1),
        ("aV F", "aVF", 1),
        ("-aVR", "aVR", -1),
        ("- aVR", "aVR", -1),
        ("\u2212aVR", "aVR", -1),
        ("MDC_ECG_LEAD_neg_aVR", "aVR", -1),
    ],
)
def test_other_names_of_a_lead_are_known(name: str, lead: str, sign: int) -> None:
    assert lead_of(name) == (LEADS.index(lead), sign)


@pytest.mark.parametrize("name", ["", "vx", "MLII", "V7", "V3R", "Pleth", "IV", "aVRL", "ECG", "lead", "MCL1", "ecg1"])
def test_names_of_other_signals_are_no_leads(name: str) -> None:
    assert lead_of(name) is None


def test_channels_of_some_leads_are_found_with_their_sign() -> None:
    channels = channels_of_leads(["Pleth", "V5", "II", "-aVR"])
    wanted: list[tuple[int, int] | None] = [None] * 12
    wanted[10], wanted[1], wanted[3] = (1, 1), (2, 1), (3, -1)
    assert channels == wanted


@pytest.mark.parametrize("names", [["I", "lead I"], ["aVR", "-aVR"], ["V1", "C1"]])
def test_a_lead_named_twice_is_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match="twice; name each lead once"):
        channels_of_leads(names)


@pytest.mark.parametrize("names", [[], ["Pleth", "Resp"]])
def test_no_lead_at_all_is_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match="at least one of I, II"):
        channels_of_leads(names)
