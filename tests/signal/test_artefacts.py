"""Artefacts in training: what makes each of them itself, the laws of the limb leads, and what must stay."""

from typing import Any

import pytest
import torch

from ecgmm.leads import LEADS
from ecgmm.signal.artefacts import EXCHANGES, RobustAugmentation, leads_after_exchange, window
from ecgmm.signal.augment import Augmentation
from ecgmm.signal.electrodes import LEADS_FROM_ELECTRODES

STD_MV = torch.linspace(0.1, 0.3, 12)
BEFORE = {"gain": 0.0, "shift_s": 0.0, "noise_mv": 0.0, "drift_mv": 0.0, "lead_dropout": 0.0}
NOTHING = {"mains_mv": 0.0, "muscle_mv": 0.0, "motion_mv": 0.0, "gap_s": 0.0, "exchange": 0.0, "group_loss": 0.0}
EVERYTHING = {"mains_mv": 0.1, "muscle_mv": 0.2, "motion_mv": 0.5, "gap_s": 1.0, "exchange": 0.9, "group_loss": 0.9}
N_TIMES = 800


def robust(**strengths: float) -> RobustAugmentation:
    settings: dict[str, Any] = {**BEFORE, **NOTHING, **strengths}
    return RobustAugmentation(lead_std_mv=STD_MV.tolist(), rate_hz=100.0, probability=1.0, **settings)


def seed(number: int) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def signals_mv(n_records: int = 40) -> torch.Tensor:
    return LEADS_FROM_ELECTRODES @ torch.randn((n_records, 9, N_TIMES), generator=seed(7))


def scores(n_records: int = 40) -> torch.Tensor:
    return signals_mv(n_records) / STD_MV[:, None]


def added_mv(**strengths: float) -> torch.Tensor:
    added: torch.Tensor = (robust(**strengths)(scores(), seed(1)) - scores()) * STD_MV[:, None]
    return added


def test_no_strength_is_the_identity() -> None:
    assert torch.allclose(robust()(scores(), seed(0)), scores(), atol=1e-5)


@pytest.mark.parametrize("strength", sorted(EVERYTHING))
def test_generator_decides_everything_and_the_input_stays(strength: str) -> None:
    augment, signals = robust(**{strength: EVERYTHING[strength]}), scores()
    first = augment(signals, seed(3))
    assert torch.equal(signals, scores())
    assert torch.equal(first, augment(scores(), seed(3)))
    assert not torch.equal(first, augment(scores(), seed(4)))


@pytest.mark.parametrize("strength", ["mains_mv", "muscle_mv", "motion_mv", "gap_s", "exchange"])
def test_limb_lead_laws_hold_in_millivolts(strength: str) -> None:
    changed = robust(**{strength: EVERYTHING[strength]})(scores(), seed(2)) * STD_MV[:, None]
    lead = {name: changed[:, index] for index, name in enumerate(LEADS)}
    for law in (
        lead["II"] - lead["I"] - lead["III"],
        lead["aVR"] + (lead["I"] + lead["II"]) / 2,
        lead["aVL"] - (lead["I"] - lead["III"]) / 2,
        lead["aVF"] - (lead["II"] + lead["III"]) / 2,
    ):
        assert law.abs().max() < 1e-4


def test_hum_is_of_the_mains() -> None:
    spectrum = torch.fft.rfft(added_mv(mains_mv=0.1)).abs().mean(dim=(0, 1))
    hz = torch.fft.rfftfreq(N_TIMES, d=0.01)
    near = ((hz - 50).abs() < 0.5) | ((hz - 40).abs() < 0.5)  # 60 Hz appear at 40 where samples are 10 ms apart
    assert spectrum[near].amax() > 1000 * spectrum[~near].amax()


def test_muscle_noise_comes_in_bursts_and_motion_at_one_moment() -> None:
    quiet = (added_mv(muscle_mv=0.2).abs().amax(dim=1) < 1e-5).float().mean(dim=1)
    assert quiet.min() >= 1 - 5.0 / 8.0 - 0.01
    assert quiet.max() < 1 - 0.5 / 8.0 + 0.01
    step = added_mv(motion_mv=0.5)
    assert step.abs().max() <= 1.0 + 1e-5  # the difference of two electrodes, or of one and a mean
    assert step[..., 0].abs().max() < 1e-5
    jumps = (step.diff(dim=-1).abs().amax(dim=1) > step.abs().amax(dim=(1, 2))[:, None] / 2).sum(dim=1)
    assert jumps.max() == 1


def test_a_gap_is_a_straight_line_and_all_else_stays() -> None:
    changed = robust(gap_s=1.0)(scores(), seed(5))
    touched = (changed - scores()).abs().amax(dim=1) > 1e-5
    assert 0 < touched.sum(dim=1).max() < 100
    record = int(touched.sum(dim=1).argmax())
    start, end = touched[record].nonzero()[[0, -1], 0].tolist()
    assert changed[record, :, start - 1 : end + 2].diff(n=2, dim=-1).abs().max() < 1e-3


def test_exchanges_are_those_of_the_electrodes() -> None:
    potentials = torch.randn(9, 50, generator=seed(0))
    names = ["R", "L", "F", *LEADS[6:]]
    for pair in EXCHANGES:
        swapped = potentials.clone()
        first, second = (names.index(name) for name in pair)
        swapped[[first, second]] = potentials[[second, first]]
        leads = leads_after_exchange(pair) @ (LEADS_FROM_ELECTRODES @ potentials)
        assert torch.allclose(leads, LEADS_FROM_ELECTRODES @ swapped, atol=1e-5), pair
    arms = leads_after_exchange(("R", "L"))
    assert arms[LEADS.index("I")].tolist() == [-1.0] + [0.0] * 11


def test_groups_of_leads_are_lost_but_never_all_that_a_record_has() -> None:
    signals = scores(400)
    signals[:100, :6] = 0  # chest leads alone
    kept = robust(group_loss=1.0)(signals, seed(0)).abs().amax(dim=2) > 0
    assert kept.any(dim=1).all()
    whole = kept[100:]
    patterns = {tuple(row) for row in whole.tolist()}
    assert (True,) * 6 + (False,) * 6 in patterns
    assert (False,) * 6 + (True,) * 6 in patterns
    assert sum(sum(row) == 1 for row in patterns) == 12
    assert not kept[:100, :6].any()


def test_dead_leads_stay_exactly_zero() -> None:
    signals = scores()
    signals[:, 8] = 0
    changed = robust(**{**EVERYTHING, "exchange": 0.0})(signals, seed(5))
    assert changed[:, 8].count_nonzero() == 0


def test_the_changes_of_the_shorter_form_follow() -> None:
    strengths = {"gain": 0.2, "shift_s": 0.3, "noise_mv": 0.03, "drift_mv": 0.1, "lead_dropout": 0.3}
    plain = Augmentation(STD_MV.tolist(), 100.0, 1.0, 0.2, 0.3, 0.03, 0.1, 0.3)
    longer, generator = robust(**strengths), seed(9)
    after_artefacts = longer._with_artefacts(scores(), generator)
    assert torch.allclose(plain(after_artefacts, generator), longer(scores(), seed(9)), atol=1e-5)


def test_a_window_lies_within_the_record_and_has_its_length() -> None:
    lengths = window(scores(300), 100.0, (0.5, 2.0), seed(0)).sum(dim=(1, 2))
    assert lengths.min() >= 49
    assert lengths.max() <= 201
