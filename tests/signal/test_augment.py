"""Augmentation: its randomness, its direction in time, and what it must keep."""

from typing import Any

import pytest
import torch

from ecgmm import waiting
from ecgmm.leads import LEADS
from ecgmm.signal.augment import Augmentation, shift_in_time, surviving_leads
from ecgmm.signal.electrodes import LEADS_FROM_ELECTRODES, phase_shares, slow_hz, waves, white_noise
from ecgmm.streams import Purpose, stream_seed
from tests.models.no_waiting import NoWaiting

STD_MV = torch.linspace(0.1, 0.3, 12)
NOTHING = {"gain": 0.0, "shift_s": 0.0, "noise_mv": 0.0, "drift_mv": 0.0, "lead_dropout": 0.0}
EVERYTHING = {"gain": 0.2, "shift_s": 0.3, "noise_mv": 0.03, "drift_mv": 0.1, "lead_dropout": 0.3}


def augmentation(probability: float = 1.0, **strengths: float) -> Augmentation:
    settings: dict[str, Any] = {**NOTHING, **strengths}
    return Augmentation(STD_MV.tolist(), rate_hz=100.0, probability=probability, **settings)


def seed(number: int) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def scores(n_records: int = 6, n_times: int = 400) -> torch.Tensor:
    """Z-scores of potentials drawn at the electrodes, so that the limb-lead laws hold in millivolts."""
    potentials_mv = torch.randn((n_records, 9, n_times), generator=seed(7))
    return LEADS_FROM_ELECTRODES @ potentials_mv / STD_MV[:, None]


def test_no_strength_or_no_probability_is_the_identity() -> None:
    assert torch.equal(augmentation(1.0, **NOTHING)(scores(), seed(0)), scores())
    assert torch.equal(augmentation(0.0, **EVERYTHING)(scores(), seed(0)), scores())


@pytest.mark.parametrize("strength", sorted(EVERYTHING))
def test_generator_decides_everything(strength: str) -> None:
    augment = augmentation(1.0, **{strength: EVERYTHING[strength]})
    assert torch.equal(augment(scores(), seed(3)), augment(scores(), seed(3)))
    assert not torch.equal(augment(scores(), seed(3)), augment(scores(), seed(4)))


def test_global_randomness_is_neither_used_nor_advanced() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    augmentation(**EVERYTHING)(scores(), seed(0))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("strength", sorted(EVERYTHING))
def test_each_record_has_its_own_draw_and_the_input_stays(strength: str) -> None:
    same = scores(1).repeat(5, 1, 1)
    before = same.clone()
    changed = augmentation(1.0, **{strength: EVERYTHING[strength]})(same, seed(1))
    assert torch.equal(same, before)
    assert len(torch.unique(changed.flatten(1), dim=0)) > 1


def test_positive_shift_delays_and_repeats_the_first_sample() -> None:
    ramp = torch.arange(6.0).expand(2, 12, 6)
    shifted = shift_in_time(ramp, torch.tensor([2, -1]))
    assert shifted[0, 0].tolist() == [0, 0, 0, 1, 2, 3]
    assert shifted[1, 0].tolist() == [1, 2, 3, 4, 5, 5]


def test_shifts_go_both_ways_and_never_beyond_the_strength() -> None:
    ramp = torch.arange(100.0).expand(300, 12, 100)
    delay = 50 - augmentation(shift_s=0.1)(ramp, seed(0))[:, 0, 50]
    assert delay.min() == -10
    assert delay.max() == 10


def test_gain_stays_within_its_range_and_is_one_factor_for_all_leads() -> None:
    factor = augmentation(gain=0.2)(scores(200), seed(0)) / scores(200)
    assert torch.allclose(factor, factor[:, :1, :1], atol=1e-5)
    assert 1 / 1.2 - 1e-5 <= factor.min() < 0.9
    assert 1.1 < factor.max() <= 1.2 + 1e-5


def test_limb_lead_laws_hold_in_millivolts() -> None:
    changed = augmentation(**{**EVERYTHING, "lead_dropout": 0.0})(scores(), seed(2)) * STD_MV[:, None]
    lead = {name: changed[:, index] for index, name in enumerate(LEADS)}
    for law in (
        lead["II"] - lead["I"] - lead["III"],
        lead["aVR"] + (lead["I"] + lead["II"]) / 2,
        lead["aVL"] - (lead["I"] - lead["III"]) / 2,
        lead["aVF"] - (lead["II"] + lead["III"]) / 2,
    ):
        assert law.abs().max() < 1e-5


def test_noise_and_drift_have_the_size_asked_for() -> None:
    zero_but_live = torch.zeros(200, 12, 4000)
    zero_but_live[..., 0] = 1e-9
    noise_mv = augmentation(noise_mv=0.05)(zero_but_live, seed(0)) * STD_MV[:, None]
    lead_one_std_mv = noise_mv[:, LEADS.index("I")].std(dim=-1)  # difference of two electrodes
    assert 0.95 * 0.05 * 2**0.5 < lead_one_std_mv.max() < 1.05 * 0.05 * 2**0.5
    drift_mv = augmentation(drift_mv=0.1)(zero_but_live, seed(0)) * STD_MV[:, None]
    assert 0.15 < drift_mv.abs().max() < 0.2 + 1e-6


@pytest.mark.parametrize("missing", [[], ["noise_mv"], ["drift_mv"], ["shift_s"]])
def test_a_gpu_and_a_cpu_make_the_same_changes(missing: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    augment = augmentation(0.7, **{**EVERYTHING, **dict.fromkeys(missing, 0.0)})
    one_by_one = augment(scores(12), seed(4))
    monkeypatch.setattr(waiting, "may_look", lambda values: False)
    torch.testing.assert_close(augment(scores(12), seed(4)), one_by_one, rtol=0, atol=1e-5)


def test_as_a_gpu_does_it_the_host_does_not_wait() -> None:
    augment, signals, generator = augmentation(**EVERYTHING), scores(), seed(0)
    augment(signals, generator)  # the table of noise is made once
    with NoWaiting():
        augment(signals, generator)


def test_noise_is_normal_white_and_independent_between_electrodes_records_and_epochs() -> None:
    like = torch.zeros(64, 12, 2048)
    noise, next_epoch = (white_noise(like, seed(stream_seed(Purpose.TRAINING, 1, epoch, 0))) for epoch in (0, 1))
    assert noise.shape == (64, 9, 2048)
    n = noise[0].numel() * 64
    assert abs(noise.mean()) < 4 / n**0.5
    assert abs(noise.var() - 1) < 4 * (2 / n) ** 0.5
    assert abs((noise**4).mean() - 3) < 4 * (96 / n) ** 0.5  # the fourth moment of a normal variable is 3
    power = torch.fft.rfft(noise).abs().square().mean(dim=(0, 1))[1:-1] / 2048
    assert (power - 1).abs().max() < 5 / (64 * 9) ** 0.5, "no frequency has more power than another"
    together = torch.cat([noise, next_epoch]).flatten(0, 1)
    correlations = together @ together.T / 2048 - torch.eye(len(together))
    assert correlations.abs().max() < 6.5 / 2048**0.5, "of any two electrodes, records or epochs"


def test_noise_of_very_long_records_has_places_to_begin_at() -> None:
    assert not torch.equal(*white_noise(torch.zeros(2, 12, 300_000), seed(0)))


def test_sines_by_the_addition_theorem_have_amplitude_one_and_stay_slow() -> None:
    like = torch.zeros(50, 12, 4000)
    generator = seed(0)
    frequency_hz = slow_hz(like, generator)
    sines = phase_shares(like, generator) @ waves(frequency_hz, 100.0, 4000)
    assert sines.shape == (50, 9, 4000)
    assert sines.amax(dim=-1).min() > 0.99
    assert sines.abs().max() < 1 + 1e-5
    assert sines.diff(dim=-1).abs().max() < 2 * torch.pi * 0.5 / 100 * 1.01


def test_some_lead_with_signal_survives_even_certain_loss() -> None:
    signals = scores(200)
    signals[:100, 1:] = 0
    kept = surviving_leads(signals, torch.ones(200, 1, 1), seed(0))[..., 0]
    assert kept.sum(dim=1).tolist() == [1] * 200
    assert kept[:100, 0].all()


def test_share_of_lost_leads_is_the_chance() -> None:
    kept = surviving_leads(scores(1000, 2), torch.full((1000, 1, 1), 0.3), seed(0))
    assert abs(1 - kept.mean() - 0.3) < 0.02


def test_dead_leads_stay_exactly_zero() -> None:
    signals = scores()
    signals[:, 2] = 0
    signals[0] = 0
    changed = augmentation(**EVERYTHING)(signals, seed(5))
    assert changed[:, 2].count_nonzero() == 0
    assert changed[0].count_nonzero() == 0


def test_mixed_precision_changes_nothing() -> None:
    signals = scores()
    with torch.autocast("cpu", torch.bfloat16):
        mixed = augmentation(**EVERYTHING)(signals, seed(6))
    assert torch.equal(mixed, augmentation(**EVERYTHING)(signals, seed(6)))


def test_waves_are_exact_at_every_frequency_and_sample() -> None:
    frequency_hz = torch.tensor([[0.3], [50.0]])
    parts = waves(frequency_hz, 500.0, 1001)
    angle = 2 * torch.pi * frequency_hz.double() * torch.arange(1001) / 500
    assert (parts[:, 0] - angle.sin()).abs().max() < 1e-4
    assert (parts[:, 1] - angle.cos()).abs().max() < 1e-4
    shares = phase_shares(torch.zeros(2, 12, 1001), seed(0))
    assert torch.allclose(shares.square().sum(dim=-1), torch.ones(2, 9))
