"""Spectrograms: the same picture at every sampling rate, in float32, lead by lead."""

import math

import pytest
import torch
from torch import Tensor

from ecgmm.models.ecg_encoders.spectrogram import Spectrogram, SpectrogramResNet


def spectrogram(rate_hz: float = 100) -> Spectrogram:
    return Spectrogram(rate_hz, window_s=1.0, hop_s=0.1, max_hz=50)


def encoder(rate_hz: float = 100) -> SpectrogramResNet:
    torch.manual_seed(0)
    return SpectrogramResNet(
        16, rate_hz, window_s=1.0, hop_s=0.1, max_hz=50, hidden_sizes=[8, 16], depths=[1, 1], dropout=0.1
    ).eval()


def sines(rate_hz: int) -> Tensor:
    """Ten seconds of ``2 sin(2 pi 10 t)`` in lead 0 and ``6 sin(2 pi 25 t)`` in lead 3: ``[1, 12, 10 rate_hz]``."""
    time = torch.arange(10 * rate_hz) / rate_hz
    waveforms = torch.zeros(1, 12, len(time))
    waveforms[0, 0] = 2 * torch.sin(2 * math.pi * 10 * time)
    waveforms[0, 3] = 6 * torch.sin(2 * math.pi * 25 * time)
    return waveforms


@pytest.mark.parametrize("rate_hz", [100, 250, 500])
def test_sine_of_amplitude_a_gives_log_of_one_plus_half_a_at_its_frequency(rate_hz: int) -> None:
    image = spectrogram(rate_hz)(sines(rate_hz))
    assert image.shape == (1, 12, 51, 101)  # 0 to 50 Hz in steps of 1 Hz, 0 to 10 s in steps of 0.1 s
    middle = image[0, :, :, 20:80]
    for lead, frequency_hz, amplitude in ((0, 10, 2), (3, 25, 6)):
        at_peak = middle[lead, frequency_hz]
        torch.testing.assert_close(at_peak, torch.full_like(at_peak, math.log1p(amplitude / 2)), atol=1e-4, rtol=0)
        assert (middle[lead].argmax(dim=0) == frequency_hz).all()
    silent = [lead for lead in range(12) if lead not in (0, 3)]
    assert not image[:, silent].any()


@pytest.mark.parametrize("rate_hz", [250, 500])
def test_picture_does_not_depend_on_the_sampling_rate(rate_hz: int) -> None:
    inner = slice(10, 90)  # windows that lie within the signal
    torch.testing.assert_close(
        spectrogram(rate_hz)(sines(rate_hz))[..., :50, inner],
        spectrogram(100)(sines(100))[..., :50, inner],
        atol=1e-4,
        rtol=0,
    )


def test_frequencies_beyond_the_highest_are_left_out() -> None:
    time = torch.arange(5000) / 500
    fast = torch.sin(2 * math.pi * 120 * time).expand(1, 12, -1)
    assert spectrogram(500)(fast)[..., 10:90].max() < 1e-4


def test_stays_in_float32_under_autocast() -> None:
    waveforms = torch.randn(2, 12, 300)
    with torch.autocast("cpu", torch.bfloat16):
        image = spectrogram()(waveforms)
    assert torch.equal(image, spectrogram()(waveforms))


@pytest.mark.parametrize("n_times", [30, 200, 997])
def test_any_length_gives_one_embedding_a_record(n_times: int) -> None:
    assert encoder()(torch.randn(3, 12, n_times)).shape == (3, 16)


def test_lead_order_matters() -> None:
    waveforms = torch.randn(2, 12, 500)
    swapped = waveforms[:, [1, 0, *range(2, 12)]]
    assert not torch.allclose(encoder()(waveforms), encoder()(swapped), atol=1e-4)


def test_flat_waveforms_give_finite_embeddings() -> None:
    assert encoder().train()(torch.zeros(4, 12, 500)).isfinite().all()


def test_window_is_not_saved() -> None:
    assert not [name for name in encoder().state_dict() if "window" in name]
