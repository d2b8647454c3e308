"""Random style keeps the laws of the limb leads and the mean, and takes away what lies outside its band."""

import numpy as np
import pytest
import torch
from scipy.signal import butter, sosfreqz

from ecgmm.leads import LEADS
from ecgmm.signal.electrodes import LEADS_FROM_ELECTRODES
from ecgmm.signal.style import RandomStyle, in_band

RATE_HZ = 100.0


def batch(n: int = 8) -> torch.Tensor:
    """Leads of random electrodes in mV, one second louder than the other: ``[n, 12, 1000]``."""
    generator = torch.Generator().manual_seed(3)
    electrodes = torch.randn(n, 9, 1000, generator=generator) * torch.rand(n, 9, 1, generator=generator)
    leads: torch.Tensor = LEADS_FROM_ELECTRODES @ electrodes + 0.5
    return leads


def changed(waveforms: torch.Tensor, seed: int = 0, **strengths: float) -> torch.Tensor:
    settings = {"probability": 1.0, "highpass_hz": 0.0, "lowpass_hz": 150.0, "mixing": 0.0, **strengths}
    new: torch.Tensor = RandomStyle(RATE_HZ, **settings)(waveforms, torch.Generator().manual_seed(seed))
    return new


def test_without_strength_nothing_changes() -> None:
    waveforms = batch()
    assert changed(waveforms, probability=0.0, highpass_hz=1.0, lowpass_hz=15.0, mixing=1.0).allclose(
        waveforms, atol=1e-5
    )


def test_limb_leads_obey_their_laws_and_lost_leads_stay_lost() -> None:
    waveforms = batch() - 0.5
    waveforms[:, LEADS.index("V3")] = 0
    new = changed(waveforms, highpass_hz=1.0, lowpass_hz=15.0, mixing=1.0)
    assert not new.allclose(waveforms, atol=0.05)
    lead = {name: new[:, k] for k, name in enumerate(LEADS)}
    assert lead["II"].allclose(lead["I"] + lead["III"], atol=1e-4)
    assert lead["aVR"].allclose(-(lead["I"] + lead["II"]) / 2, atol=1e-4)
    assert (lead["V3"] == 0).all()


def test_a_band_has_the_magnitude_of_butterworth_filters_and_keeps_the_mean() -> None:
    waveforms = torch.zeros(1, 1, 1000)
    waveforms[..., 500] = 1.0
    found = in_band(waveforms, RATE_HZ, torch.full((1, 1, 1), 1.0), torch.full((1, 1, 1), 15.0))
    frequency_hz = np.fft.rfftfreq(1000, 1 / RATE_HZ)
    expected = np.ones(501)
    for corner_hz, kind in ((1.0, "highpass"), (15.0, "lowpass")):
        analogue = butter(2, corner_hz, kind, output="sos", fs=10_000)
        expected *= np.abs(sosfreqz(analogue, frequency_hz, fs=10_000)[1])
    assert torch.fft.rfft(found)[0, 0].abs().numpy()[1:] == pytest.approx(expected[1:], abs=1e-2)
    assert found.mean() == pytest.approx(float(waveforms.mean()))


def test_mixing_gives_leads_the_spread_of_another_record_at_most() -> None:
    waveforms = batch()
    before, after = waveforms.std(dim=-1)[:, 6:], changed(waveforms, mixing=1.0).std(dim=-1)[:, 6:]
    assert (after >= before.amin(dim=0) - 1e-4).all()
    assert (after <= before.amax(dim=0) + 1e-4).all()
    assert not after.allclose(before, rtol=0.05)


def test_the_same_generator_draws_the_same() -> None:
    strengths = {"highpass_hz": 1.0, "lowpass_hz": 15.0, "mixing": 1.0}
    assert changed(batch(), 4, **strengths).equal(changed(batch(), 4, **strengths))
    assert not changed(batch(), 4, **strengths).equal(changed(batch(), 5, **strengths))
