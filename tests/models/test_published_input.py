"""Input of published encoders: what numpy and scipy make of the millivolts by the published steps."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import signal

from ecgmm.leads import LEADS
from ecgmm.models.ecg_encoders.hubert_ecg import in_one_row
from tests.models.published import KINDS, LEAD_MEAN_MV, LEAD_STD_MV, tiny

Signals = NDArray[np.float64]
MISSING = 4
"""Lead without signal: aVL."""


def millivolts() -> Signals:
    """Ten seconds of beats at 500 Hz with drift, mains and noise, a height of its own in each lead; aVL is missing."""
    rng, times_s = np.random.default_rng(2), np.arange(5000) / 500
    beats = sum(np.exp(-(((times_s - beat) / 0.02) ** 2)) for beat in np.arange(0.5, 10, 0.8))
    drift, mains = 0.3 * np.sin(2 * np.pi * 0.2 * times_s), 0.05 * np.sin(2 * np.pi * 50 * times_s)
    heights = rng.uniform(0.2, 2, size=(12, 1)) * rng.choice([-1, 1], size=(12, 1))
    signals: Signals = heights * beats + drift + mains + 0.02 * rng.normal(size=(12, 5000))
    signals[MISSING] = 0
    return signals


def z_scores(signals_mv: Signals) -> torch.Tensor:
    scores = (signals_mv - np.array(LEAD_MEAN_MV)[:, None]) / np.array(LEAD_STD_MV)[:, None]
    scores[MISSING] = 0
    return torch.from_numpy(scores[None]).float()


def founder(signals_mv: Signals) -> Signals:
    filtered = signal.filtfilt(*signal.iirnotch(50, 30, 500), signals_mv)
    filtered = signal.filtfilt(*signal.butter(4, [0.67, 40], "bandpass", fs=500), filtered)
    filtered = filtered - np.stack([signal.medfilt(lead, 201) for lead in filtered])
    standardised: Signals = (filtered - filtered.mean()) / filtered.std()
    return standardised


def merl(signals_mv: Signals) -> Signals:
    in_order = signals_mv[[0, 1, 2, 3, 5, 4, 6, 7, 8, 9, 10, 11]]
    in_range: Signals = (in_order - in_order.min()) / (in_order.max() - in_order.min())
    return in_range


def hubert(signals_mv: Signals) -> Signals:
    filtered = signal.filtfilt(signal.firwin(151, [0.05, 47], pass_zero=False, fs=500), [1.0], signals_mv)
    lowest, highest = filtered.min(axis=1, keepdims=True), filtered.max(axis=1, keepdims=True)
    in_range: Signals = 2 * (filtered - lowest) / (highest - lowest + 1e-8) - 1
    return in_range


def fm(signals_mv: Signals) -> Signals:
    deviations = signals_mv.std(axis=1, keepdims=True)
    deviations[deviations == 0] = 1
    standardised: Signals = (signals_mv - signals_mv.mean(axis=1, keepdims=True)) / deviations
    return standardised


PREPARED = {"merl": merl, "ecg_founder": founder, "hubert_ecg": hubert, "ecg_fm": fm}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.slow) if "founder" in kind else kind for kind in KINDS]
)
def test_records_are_prepared_as_published(kind: str) -> None:
    encoder = tiny(kind, rate_hz=500)
    windows = encoder.input(z_scores(millivolts()))[0]
    expected = PREPARED[kind](millivolts())
    n = round(encoder.expected.window_s * 500)
    assert windows.shape == (5000 // n, 12, n)
    np.testing.assert_allclose(windows.transpose(0, 1).flatten(1).numpy(), expected, atol=1e-3)


def test_missing_leads_are_what_the_published_steps_make_of_zeros() -> None:
    at = {"merl": 5, "hubert_ecg": MISSING, "ecg_fm": MISSING}
    lead = {kind: tiny(kind, rate_hz=500).input(z_scores(millivolts()))[0, :, place] for kind, place in at.items()}
    in_mv = millivolts()
    zero = -in_mv.min() / (in_mv.max() - in_mv.min())
    torch.testing.assert_close(lead["merl"], torch.full_like(lead["merl"], zero), atol=1e-4, rtol=0)
    assert (lead["hubert_ecg"] == -1).all()
    assert (lead["ecg_fm"] == 0).all()


def test_leads_of_hubert_ecg_stand_one_behind_the_other_at_100_hz() -> None:
    windows = torch.randn(2, 12, 2500).cumsum(dim=-1) / 30
    rows = np.stack([signal.decimate(window.reshape(-1), 5) for window in windows.double().numpy()])
    assert rows.shape == (2, 6000)
    np.testing.assert_allclose(in_one_row(windows).numpy(), rows, atol=1e-3)


@pytest.mark.parametrize("kind", ["merl", "hubert_ecg", "ecg_fm"])
def test_the_unit_does_not_matter(kind: str) -> None:
    encoder = tiny(kind, rate_hz=500)
    expected = encoder.input(z_scores(millivolts()))
    in_microvolts = tiny(kind, rate_hz=500)
    for name in ("lead_mean_mv", "lead_std_mv"):
        in_microvolts.input.get_buffer(name).mul_(1000)
    torch.testing.assert_close(in_microvolts.input(z_scores(millivolts())), expected, atol=1e-4, rtol=0)


def test_a_short_record_is_continued_by_zeros_and_what_is_left_at_the_end_is_not_used() -> None:
    encoder = tiny("ecg_fm", rate_hz=500)
    whole = z_scores(millivolts())
    short = encoder.input(whole[..., :1000])
    assert short.shape == (1, 1, 12, 2500)
    assert (short[0, 0, 0, 1000:] == short[0, 0, 0, 1000]).all()
    assert encoder.input(whole[..., :4900]).shape == (1, 1, 12, 2500)


def test_every_encoder_declares_each_lead_once() -> None:
    assert all(sorted(tiny(kind).expected.leads) == sorted(LEADS) for kind in KINDS)
