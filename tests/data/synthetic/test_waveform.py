"""Waveforms show what the state says, and nothing the state does not say."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ecgmm.data.synthetic.anatomy import STORED_LEADS
from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.noise import N_TIMES, RATE_HZ
from ecgmm.data.synthetic.state import (
    CD,
    CHAMBER,
    CONDUCTION,
    HYP,
    MI,
    REGIONS,
    RHYTHM,
    ST_T,
    STTC,
    Ints,
    States,
    sample_states,
)
from ecgmm.data.synthetic.waveform import Recordings, sample_recordings, simulate, true_intervals
from ecgmm.types import MISSING_SAMPLE

CLEAN = SyntheticConfig(n_patients=30, noise=0, lead_loss=0, missing_samples=0, amplitude_outliers=0)


def normal_states(n: int = 30) -> States:
    """Healthy hearts in sinus rhythm at 70 a minute."""
    states = sample_states(np.random.default_rng(0), np.arange(n), replace(CLEAN, n_patients=n))
    zeros = np.zeros(n, dtype=np.int64)
    no = zeros.astype(np.bool_)
    return replace(
        states, present=np.zeros((n, 4), dtype=np.bool_), effect=np.zeros((n, 4)), rhythm=zeros, pacs=zeros, pvcs=zeros,
        rate_bpm=np.full(n, 70.0), low_voltage=no, early_repolarization=no,
    )  # fmt: skip


def with_finding(group: int, effect: float = 1.0, **kinds: int | bool) -> States:
    states = normal_states()
    effects = states.effect.copy()
    effects[:, group] = effect
    changed = {name: np.full_like(getattr(states, name), kind) for name, kind in kinds.items()}
    return replace(states, effect=effects, **changed)


def with_rhythm(name: str) -> States:
    states = normal_states()
    return replace(states, rhythm=np.full_like(states.rhythm, list(RHYTHM).index(name)))


def recordings_of(states: States, config: SyntheticConfig = CLEAN) -> Recordings:
    return sample_recordings(np.random.default_rng(1), np.arange(len(states)), states, config)


def stored(states: States, config: SyntheticConfig = CLEAN) -> NDArray[np.int16]:
    return simulate(recordings_of(states, config), config.seed, np.arange(len(states)))


def beat_mv(states: States, lead: str) -> NDArray[np.float64]:
    """Median beat of one lead from 300 ms before to 500 ms after R, ``[n, 400]`` mV, 0 before P."""
    recordings = recordings_of(states)
    steps = simulate(recordings, CLEAN.seed, np.arange(len(states)))[:, :, STORED_LEADS.index(lead)]
    beats = []
    for row, times in enumerate(np.rint(recordings.beats.times_s * RATE_HZ).astype(np.int64)):
        inside = times[(times >= 200) & (times < N_TIMES - 300)]
        median = np.median(steps[row, inside[:, None] + np.arange(-150, 250)], axis=0)
        beats.append((median - median[:5].mean()) / 200)
    return np.array(beats)


def at(beats: NDArray[np.float64], start_ms: int, stop_ms: int) -> NDArray[np.float64]:
    return beats[:, 150 + start_ms // 2 : 150 + stop_ms // 2]


@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_limb_leads_obey_einthoven_and_goldberger_in_stored_steps(noise: float) -> None:
    states = sample_states(np.random.default_rng(0), np.arange(30), CLEAN)
    steps = stored(states, replace(CLEAN, noise=noise)).astype(np.int64)
    lead = {name: steps[:, :, i] for i, name in enumerate(STORED_LEADS)}
    assert np.abs(lead["I"] + lead["III"] - lead["II"]).max() <= 2
    assert np.abs(lead["aVR"] + (lead["I"] + lead["II"]) / 2).max() <= 1.5
    assert np.abs(lead["aVL"] - (lead["I"] - lead["III"]) / 2).max() <= 1.5
    assert np.abs(lead["aVF"] - (lead["II"] + lead["III"]) / 2).max() <= 1.5
    assert lead["II"].std() > 10


def test_noise_is_the_records_own_whatever_block_it_is_in() -> None:
    recordings = recordings_of(normal_states(), replace(CLEAN, noise=1))
    together = simulate(recordings, 7, np.arange(30))
    alone = np.concatenate([simulate(recordings[rows], 7, rows) for rows in np.array_split(np.arange(30), 7)])
    np.testing.assert_array_equal(together, alone)
    assert (simulate(recordings, 8, np.arange(30)) != together).any()


@pytest.mark.parametrize(("kind", "at_least_ms"), [("lbbb", 45), ("rbbb", 20), ("ivcd", 30), ("lafb", -15)])
def test_blocks_widen_the_qrs_complex(kind: str, at_least_ms: int) -> None:
    def width_ms(states: States) -> NDArray[np.float64]:
        slope = np.abs(np.diff(np.stack([at(beat_mv(states, lead), -120, 200) for lead in STORED_LEADS[6:]]), axis=2))
        steep = slope.max(axis=0) > 0.02
        last: NDArray[np.int64] = steep.shape[1] - steep[:, ::-1].argmax(axis=1)
        width: NDArray[np.float64] = 2.0 * (last - steep.argmax(axis=1))
        return width

    blocked = with_finding(CD, conduction=list(CONDUCTION).index(kind))
    assert np.median(width_ms(blocked)) >= np.median(width_ms(normal_states())) + at_least_ms
    wider = true_intervals(recordings_of(blocked)).qrs_ms - true_intervals(recordings_of(normal_states())).qrs_ms
    assert np.median(wider) >= at_least_ms


def test_left_bundle_branch_block_is_negative_in_v1_and_right_positive_late() -> None:
    left = with_finding(CD, conduction=list(CONDUCTION).index("lbbb"))
    right = with_finding(CD, conduction=list(CONDUCTION).index("rbbb"))
    assert (at(beat_mv(left, "V1"), -60, 120).max(axis=1) < 0.25).mean() > 0.8
    assert np.median(at(beat_mv(right, "V1"), 40, 110).max(axis=1)) > 0.3
    assert np.median(at(beat_mv(normal_states(), "V1"), 40, 110).max(axis=1)) < 0.1


def test_fascicular_blocks_turn_the_axis() -> None:
    def axis(states: States) -> float:
        return float(np.median(true_intervals(recordings_of(states)).qrs_axis_deg))

    assert axis(with_finding(CD, conduction=list(CONDUCTION).index("lafb"))) < -20
    assert axis(with_finding(CD, conduction=list(CONDUCTION).index("lpfb"))) > 90
    assert 10 < axis(normal_states()) < 80


@pytest.mark.parametrize(("region", "lead"), [("inferior", "aVF"), ("anteroseptal", "V2"), ("lateral", "I")])
def test_old_infarct_digs_a_q_wave_where_it_lies_and_acute_lifts_st(region: str, lead: str) -> None:
    number = list(REGIONS).index(region)
    normal = beat_mv(normal_states(), lead)
    old = beat_mv(with_finding(MI, region=number, acute=False), lead)
    acute = beat_mv(with_finding(MI, region=number, acute=True), lead)
    assert np.median(at(old, -70, -10).min(axis=1)) < np.median(at(normal, -70, -10).min(axis=1)) - 0.1
    assert np.median(at(acute, 80, 120).mean(axis=1)) > np.median(at(normal, 80, 120).mean(axis=1)) + 0.1


def test_effect_is_continuous_and_a_faint_finding_is_nearly_invisible() -> None:
    number = list(REGIONS).index("inferior")
    normal = beat_mv(normal_states(), "aVF")
    infarcts = [with_finding(MI, effect, region=number, acute=False) for effect in (0.03, 0.5, 1)]
    medians = [np.median(np.abs(beat_mv(states, "aVF") - normal).max(axis=1)) for states in infarcts]
    assert medians[0] < 0.05 < medians[1] < medians[2]


def test_ischemia_and_long_qt_change_repolarisation() -> None:
    lateral = with_finding(STTC, st_t=list(ST_T).index("ischemia"), st_t_region=list(REGIONS).index("lateral"))
    assert np.median(at(beat_mv(lateral, "V6"), 200, 300).mean(axis=1)) < 0
    assert np.median(at(beat_mv(normal_states(), "V6"), 200, 300).mean(axis=1)) > 0.05
    long = true_intervals(recordings_of(with_finding(STTC, st_t=list(ST_T).index("long_qt")))).qt_ms
    assert (long > true_intervals(recordings_of(normal_states())).qt_ms + 60).all()


def test_left_ventricular_hypertrophy_raises_sokolow_lyon() -> None:
    def index_mv(states: States) -> float:
        s_v1 = -at(beat_mv(states, "V1"), -60, 80).min(axis=1)
        return float(np.median(s_v1 + at(beat_mv(states, "V5"), -60, 80).max(axis=1)))

    assert index_mv(with_finding(HYP, chamber=list(CHAMBER).index("lvh"))) > 1.4 * index_mv(normal_states())


def rr_s(states: States) -> list[NDArray[np.float64]]:
    times = recordings_of(states).beats.times_s
    return [np.diff(row[(row > 0) & (row < 10)]) for row in times]


def test_fibrillation_is_irregular_flutter_and_pacing_strict() -> None:
    spread = {name: np.median([rr.std() / rr.mean() for rr in rr_s(with_rhythm(name))]) for name in RHYTHM}
    assert spread["atrial_fibrillation"] > 0.12
    assert spread["sinus"] < 0.05
    assert 0.05 < spread["sinus_arrhythmia"] < 0.15
    assert spread["atrial_flutter"] < 0.01
    assert spread["paced"] < 0.01


def test_p_wave_is_there_only_in_sinus_rhythm() -> None:
    def p_mv(states: States) -> float:
        return float(np.median(np.ptp(at(beat_mv(states, "II"), -220, -80), axis=1)))

    assert p_mv(normal_states()) > max(0.08, 2 * p_mv(with_rhythm("atrial_fibrillation")))


def test_premature_ventricular_beats_come_early_and_wide_and_pause() -> None:
    states = normal_states()
    beats = recordings_of(replace(states, pvcs=np.full_like(states.pvcs, 2))).beats
    assert (beats.is_pvc.sum(axis=1) == 2).all()
    rr = np.diff(beats.times_s, axis=1)
    row, column = np.nonzero(beats.is_pvc)
    assert (rr[row, column - 1] < 0.8 * 60 / 70).all()
    assert (rr[row, column] > 1.15 * 60 / 70).all()
    inside = (beats.times_s[row, column] > 0) & (beats.times_s[row, column] < 10)
    assert inside.mean() > 0.95


def test_record_is_filled_with_beats_at_every_rate() -> None:
    states = normal_states()
    for bpm in (38, 165):
        fast = replace(states, rate_bpm=np.full(len(states), float(bpm)), pvcs=np.full_like(states.pvcs, 4))
        times = recordings_of(fast).beats.times_s
        assert (times[:, 0] <= 0).all()
        assert (times[:, -1] > 10).all()


def test_defects_are_where_they_were_drawn_and_leave_the_rest_alone() -> None:
    config = replace(CLEAN, lead_loss=1, missing_samples=1, amplitude_outliers=1)
    recordings = recordings_of(normal_states(), config)
    rows: Ints = np.arange(30)
    steps = simulate(recordings, 0, rows)
    levels = recordings.imperfections
    missing = steps == MISSING_SAMPLE
    expected = np.where(levels.missing_lead < 0, 12, 1) * (levels.missing[:, 1] - levels.missing[:, 0])
    np.testing.assert_array_equal(missing.sum(axis=(1, 2)), expected)
    lost = np.where(missing, 0, steps)[rows, :, 6 + levels.lost_lead]
    assert not lost.any()
    spiked = np.abs(np.where(missing, 0, steps)).max(axis=(1, 2)) > 1500
    assert spiked.mean() > 0.7  # the others lie in the lost lead or in the missing run
