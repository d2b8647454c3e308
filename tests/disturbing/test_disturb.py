"""Disturbances: what each does in millivolts and words, and that a record's depends on its own stream alone."""

from dataclasses import replace

import numpy as np
import pytest

from ecgmm.disturbing.disturb import cannot_meet, disturb
from ecgmm.disturbing.inputs import Inputs
from ecgmm.leads import FEWER_LEADS, LEADS
from ecgmm.settings.disturbances import HITS_RECORDS, KINDS, SHARES
from ecgmm.types import MISSING_SAMPLE
from tests.disturbing.made_inputs import MV_PER_STEP, N_TIMES, RATE_HZ, made

INPUTS = made()
WAVEFORMS = [name for name, kind in KINDS.items() if kind.modality == "waveform"]
LAWFUL = (
    "arms_exchanged",
    "leg_exchanged",
    "v1_v2_exchanged",
    "muscle_noise",
    "mains",
    "drift",
    "motion",
    "gain_too_low",
    "gain_too_high",
    "calibration",
    "monitor_band",
    "high_pass",
    "sampling_rate",
    "short_window",
)
II, V1, V2 = (LEADS.index(name) for name in ("II", "V1", "V2"))


def some(inputs: Inputs, chosen: list[int]) -> Inputs:
    arrays = {
        name: getattr(inputs, name)[chosen] for name in ("rows", "waveforms", "has_waveform", "patients", "labels")
    }
    lists = {name: [getattr(inputs, name)[index] for index in chosen] for name in ("reports", "previous", "keys")}
    return Inputs(**{**vars(inputs), **arrays, **lists})


def waveforms(name: str, strength: float, inputs: Inputs = INPUTS) -> np.ndarray:
    changed = disturb(inputs, name, strength, 0).waveforms
    assert changed is not None
    return changed


def test_every_kind_has_a_stream_of_its_own_and_a_sentence() -> None:
    assert len({kind.number for kind in KINDS.values()}) == len(KINDS)
    assert all(kind.what and kind.unit for kind in KINDS.values())
    assert all(len(set(kind.strengths)) == 5 for kind in KINDS.values())


@pytest.mark.parametrize("name", [name for name in KINDS if not name.startswith("foreign")])
def test_a_record_is_disturbed_alike_whatever_is_beside_it(name: str) -> None:
    chosen = [41, 3, 18, 7]
    strength = KINDS[name].strengths[2]
    together, apart = disturb(INPUTS, name, strength, 9), disturb(some(INPUTS, chosen), name, strength, 9)
    for whole, part in ((together.waveforms, apart.waveforms), (together.changed, apart.changed)):
        assert (whole is None) == (part is None)
        if whole is not None and part is not None:
            np.testing.assert_array_equal(whole[chosen], part)
    if together.reports is not None and apart.reports is not None:
        assert [together.reports[index] for index in chosen] == list(apart.reports)


@pytest.mark.parametrize("name", ["drift", "typing_errors", "foreign_report", "random_leads_lost"])
def test_the_seed_decides(name: str) -> None:
    one, same, other = (disturb(INPUTS, name, KINDS[name].strengths[3], seed) for seed in (1, 1, 2))
    if one.waveforms is not None and other.waveforms is not None:
        assert same.waveforms is not None
        np.testing.assert_array_equal(one.waveforms, same.waveforms)
        assert not np.array_equal(one.waveforms, other.waveforms)
    else:
        assert one.reports == same.reports != other.reports


@pytest.mark.parametrize("name", LAWFUL)
def test_the_laws_of_the_limb_leads_hold_afterwards(name: str) -> None:
    first, second, third, *augmented = waveforms(name, KINDS[name].strengths[-1])[:, :6].swapaxes(0, 1).astype(int)
    assert np.abs(first + third - second).max() <= 6  # steps: each lead is rounded for itself, then enlarged
    assert np.abs(sum(augmented)).max() <= 6


@pytest.mark.parametrize("name", WAVEFORMS)
def test_missing_samples_stay_missing_and_the_input_stays_as_it_is(name: str) -> None:
    holed = INPUTS.waveforms[:4].copy()
    holed[:, :, 100:120] = MISSING_SAMPLE
    before = holed.copy()
    changed = waveforms(name, KINDS[name].strengths[-1], replace(some(INPUTS, [0, 1, 2, 3]), waveforms=holed))
    assert (changed[:, :, 100:120] == MISSING_SAMPLE).all()
    np.testing.assert_array_equal(holed, before)


@pytest.mark.parametrize(("name", "unit"), [("muscle_noise", 1.0), ("drift", np.sqrt(0.5))])
def test_noise_has_its_strength_in_millivolts_at_each_electrode(name: str, unit: float) -> None:
    """Lead I is the difference of two electrodes, whose noises are independent: their squares add up."""
    silent = replace(INPUTS, waveforms=np.zeros_like(INPUTS.waveforms))
    strength = KINDS[name].strengths[-1]
    added_mv = waveforms(name, strength, silent)[:, 0] * MV_PER_STEP
    rms_mv = np.sqrt((added_mv**2).mean())
    assert rms_mv == pytest.approx(np.sqrt(2) * strength * unit, rel=0.25)


def test_lost_leads_are_lost_for_their_share_of_the_recording() -> None:
    for share in SHARES:
        lost = waveforms("only_lead_ii", share) == MISSING_SAMPLE
        assert not lost[:, II].any()
        assert (lost[:, V1].sum(axis=-1) == round(share * N_TIMES)).all()
    for n_leads in KINDS["random_leads_lost"].strengths:
        lost = (waveforms("random_leads_lost", n_leads) == MISSING_SAMPLE).all(axis=-1)
        assert (lost.sum(axis=1) == n_leads).all()


def test_fewer_leads_keep_the_named_ones_and_no_others() -> None:
    for n_leads in KINDS["fewer_leads"].strengths:
        changed = waveforms("fewer_leads", n_leads)
        kept = [lead in FEWER_LEADS[int(n_leads)] for lead in LEADS]
        assert sum(kept) == n_leads
        np.testing.assert_array_equal(changed[:, kept], INPUTS.waveforms[:, kept])
        assert (changed[:, np.logical_not(kept)] == MISSING_SAMPLE).all()


def test_a_larger_share_holds_the_records_of_a_smaller_one() -> None:
    few, many = (disturb(INPUTS, "v1_v2_exchanged", share, 0).changed for share in (0.4, 0.8))
    assert not (few & ~many).any()
    assert few.sum() < many.sum() < len(many)
    np.testing.assert_array_equal(waveforms("v1_v2_exchanged", 1.0)[:, [V2, V1]], INPUTS.waveforms[:, [V1, V2]])


@pytest.mark.parametrize("name", sorted(HITS_RECORDS))
def test_a_record_that_is_hit_is_as_at_full_strength(name: str) -> None:
    """What a suite relies on that predicts the strongest and takes the others from it."""
    strongest = disturb(INPUTS, name, 1.0, 0)
    for share in SHARES[:-1]:
        weaker = disturb(INPUTS, name, share, 0)
        assert not (weaker.changed & ~strongest.changed).any()
        for part, own in (("waveforms", INPUTS.waveforms), ("has_waveform", INPUTS.has_waveform)):
            found, full = getattr(weaker, part), getattr(strongest, part)
            assert (found is None) == (full is None)
            if found is not None:
                hit = weaker.changed.reshape(-1, *[1] * (found.ndim - 1))
                np.testing.assert_array_equal(found, np.where(hit, full, own))
        if weaker.reports is not None:
            assert strongest.reports is not None
            for at, hit in enumerate(weaker.changed):
                assert weaker.reports[at] == (strongest.reports if hit else INPUTS.reports)[at]


def test_exchanged_arms_are_exchanged_potentials() -> None:
    """I turns round, II and III change places, and so do aVR and aVL."""
    changed = waveforms("arms_exchanged", 1.0)
    np.testing.assert_array_equal(changed[:, 0], -INPUTS.waveforms[:, 0])
    np.testing.assert_array_equal(changed[:, 1:5], INPUTS.waveforms[:, [2, 1, 4, 3]])


def test_a_filter_leaves_what_lies_within_its_band() -> None:
    time_s = np.arange(N_TIMES) / RATE_HZ
    slow, middle, fast = (np.sin(2 * np.pi * hz * time_s) / MV_PER_STEP for hz in (0.2, 8, 60))
    shown = np.broadcast_to(np.stack([slow, middle, fast, *[middle] * 9]), (2, 12, N_TIMES)).astype(np.int16)
    changed = waveforms("monitor_band", 40, replace(some(INPUTS, [0, 1]), waveforms=shown.copy()))
    inner_mv, inner_s = changed[0, :, 100:300] * MV_PER_STEP, time_s[100:300]
    assert np.abs(inner_mv[0]).max() < 0.3
    for lead, hz, size in ((1, 8, 1.0), (2, 60, 0.0)):
        found = np.abs(2 * (inner_mv[lead] * np.exp(-2j * np.pi * hz * inner_s)).mean())
        assert found == pytest.approx(size, abs=0.1)


def test_what_the_rate_or_length_does_not_allow_is_said() -> None:
    assert "50 Hz" in (cannot_meet("mains", 0.1, 100, 10) or "")
    assert cannot_meet("mains", 0.1, 500, 10) is None
    assert "25 Hz is not below the store's 25 Hz" in (cannot_meet("sampling_rate", 25, 25, 10) or "")
    assert "5 s" in (cannot_meet("short_window", 6, 100, 5) or "")
    assert cannot_meet("monitor_band", 40, 100, 10) is None


def test_a_record_without_waveform_says_so() -> None:
    found = disturb(INPUTS, "waveform_missing", 0.6, 0)
    assert found.has_waveform is not None
    np.testing.assert_array_equal(found.has_waveform, ~found.changed)


@pytest.mark.parametrize("name", ["foreign_report", "foreign_report_other_class"])
def test_foreign_reports_are_those_of_other_patients(name: str) -> None:
    """Reports that name their record tell whose they are."""
    told = replace(INPUTS, reports=[[f"report {index}"] if index % 6 != 3 else [] for index in range(60)])
    found = disturb(told, name, 1.0, 0)
    assert found.reports is not None
    assert found.other_class is not None
    for index, report in enumerate(found.reports):
        if not told.reports[index]:
            assert report == []
            continue
        donor = int(report[0].split()[1])
        assert told.patients[donor] != told.patients[index]
        assert found.other_class[index] == (told.labels[donor] != told.labels[index])
    if name.endswith("class"):
        assert found.other_class[found.changed].all()


def test_the_previous_report_is_that_of_the_patient() -> None:
    found = disturb(INPUTS, "previous_report", 1.0, 0)
    assert found.reports is not None
    for index, report in enumerate(found.reports):
        previous = INPUTS.previous[index]
        assert report == (INPUTS.reports[index] if previous is None else previous)


def test_both_modalities_are_disturbed_as_each_alone() -> None:
    both = disturb(INPUTS, "foreign_report_and_noise", 0.6, 3)
    assert both.reports == disturb(INPUTS, "foreign_report", 0.6, 3).reports
    np.testing.assert_array_equal(both.waveforms, disturb(INPUTS, "muscle_noise", 0.1, 3).waveforms)
