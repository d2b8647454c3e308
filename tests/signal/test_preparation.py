"""From stored steps to z-scores: exact on sound records, finite and zero where it must be on damaged ones."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgmm.signal.preparation import WaveformPreparation
from ecgmm.types import MISSING_SAMPLE

MEAN_MV = [0.01 * lead for lead in range(12)]
STD_MV = [0.1 + 0.02 * lead for lead in range(12)]


def preparation(
    uv_per_step: float = 5.0, limit_mv: float = 10.0, highpass_hz: float | None = None
) -> WaveformPreparation:
    return WaveformPreparation(MEAN_MV, STD_MV, uv_per_step, 100.0, limit_mv, highpass_hz)


def sound_records(largest_step: int = 1500) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(-largest_step, largest_step, (4, 12, 300), generator=generator).to(torch.int16)


def test_sound_record_is_exactly_the_plain_formula() -> None:
    steps = sound_records()
    expected = (steps.float() * 0.005 - torch.tensor(MEAN_MV)[:, None]) / torch.tensor(STD_MV)[:, None]
    assert torch.equal(preparation()(steps), expected)


@pytest.mark.parametrize("highpass_hz", [None, 0.5])
def test_input_is_not_changed(highpass_hz: float | None) -> None:
    steps = sound_records()
    steps[0, 0, :40] = MISSING_SAMPLE
    before = steps.clone()
    preparation(limit_mv=1.0, highpass_hz=highpass_hz)(steps)
    assert torch.equal(steps, before)


def test_coarser_steps_scale_millivolts() -> None:
    steps = sound_records(300)
    torch.testing.assert_close(preparation(uv_per_step=10.0)(steps), preparation(uv_per_step=5.0)(2 * steps))


@pytest.mark.parametrize("offset", [-400, 250])
def test_offset_shifts_the_scores_by_offset_over_deviation(offset: int) -> None:
    steps = sound_records()
    moved = preparation()(steps + offset) - preparation()(steps)
    expected = (offset * 0.005 / torch.tensor(STD_MV))[:, None].expand_as(moved)
    torch.testing.assert_close(moved, expected, atol=1e-4, rtol=1e-4)


def test_offset_vanishes_with_drift_removal() -> None:
    steps = sound_records()
    torch.testing.assert_close(
        preparation(highpass_hz=0.5)(steps + 250), preparation(highpass_hz=0.5)(steps), atol=2e-3, rtol=0
    )


def test_pacing_spike_changes_nothing_but_itself() -> None:
    steps = sound_records()
    spiked = steps.clone()
    spiked[1, 6, 100:102] = 32767
    plain, limited = preparation()(steps), preparation()(spiked)
    same = torch.ones_like(steps, dtype=torch.bool)
    same[1, 6, 100:102] = False
    assert torch.equal(limited[same], plain[same])
    torch.testing.assert_close(limited[1, 6, 100], torch.tensor((10.0 - MEAN_MV[6]) / STD_MV[6]))


@pytest.mark.parametrize("highpass_hz", [None, 0.5])
def test_missing_constant_and_saturated_leads_are_exactly_zero(highpass_hz: float | None) -> None:
    steps = sound_records()
    steps[0, 3] = MISSING_SAMPLE
    steps[1, 4] = 123
    steps[2, 5] = 123
    steps[2, 5, ::3] = MISSING_SAMPLE
    steps[3, 6] = torch.where(steps[3, 6] > 0, 30000, 32000)  # 150 mV and more: an amplifier at its stop
    scores = preparation(highpass_hz=highpass_hz)(steps)
    assert all(scores[row, lead].count_nonzero() == 0 for row, lead in enumerate((3, 4, 5, 6)))
    assert (scores != 0).any(dim=-1).sum() == 4 * 12 - 4


def test_lead_without_deviation_in_training_is_zero() -> None:
    prepare = WaveformPreparation([0.0] * 12, [0.0] + [0.2] * 11, 5.0, 100.0, 10.0, None)
    scores = prepare(sound_records())
    assert scores[:, 0].count_nonzero() == 0
    assert scores[:, 1:].isfinite().all()


@pytest.mark.parametrize("highpass_hz", [None, 0.5])
@settings(max_examples=60)
@given(
    pool=st.lists(st.integers(-32768, 32767), min_size=1, max_size=6),
    n_times=st.integers(2, 40),
    seed=st.integers(0, 1000),
)
def test_no_input_gives_nan_or_infinity(highpass_hz: float | None, pool: list[int], n_times: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    choice = torch.randint(len(pool) + 1, (2, 12, n_times), generator=generator)
    steps = torch.tensor([MISSING_SAMPLE, *pool], dtype=torch.int16)[choice]
    scores = preparation(highpass_hz=highpass_hz)(steps)
    assert scores.dtype == torch.float32
    assert scores.isfinite().all()


def test_records_do_not_influence_each_other() -> None:
    steps = sound_records()
    steps[2, 1, 5:9] = MISSING_SAMPLE
    steps[3, 0] = 32767
    together = preparation(highpass_hz=0.5)(steps)
    alone = torch.cat([preparation(highpass_hz=0.5)(record[None]) for record in steps])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_statistics_travel_with_the_state() -> None:
    other = WaveformPreparation([0.0] * 12, [1.0] * 12, 5.0, 100.0, 10.0, None)
    other.load_state_dict(preparation().state_dict())
    assert torch.equal(other(sound_records()), preparation()(sound_records()))
