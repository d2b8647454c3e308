"""Waveform encoders: same numbers as plain one-dimensional layers, any length, any rate."""

import pytest
import torch
from torch import Tensor, nn

from ecgmm.models.ecg_encoders.convolutional import Convolutional
from ecgmm.models.ecg_encoders.resnet1d import ResNet1d


def convolutional(rate_hz: float = 100) -> Convolutional:
    return Convolutional(
        dim=16, rate_hz=rate_hz, channels=[8, 8, 16, 16, 24], stem_kernel_s=0.09, stem_hz=50, kernel_size=5, dropout=0.1
    )


def resnet(depth: int = 18) -> ResNet1d:
    return ResNet1d(dim=16, depth=18 if depth == 18 else 34, width=4, dropout=0.1)


def one_dimensional(layer: nn.Module) -> nn.Module:
    """Copy a network of height-one layers into plain one-dimensional layers."""
    match layer:
        case nn.Conv2d():
            (stride, padding) = (int(layer.stride[1]), int(layer.padding[1]))
            conv = nn.Conv1d(layer.in_channels, layer.out_channels, layer.kernel_size[1], stride, padding, bias=False)
            conv.load_state_dict({"weight": layer.weight.squeeze(2)})
            return conv.double()
        case nn.BatchNorm2d():
            norm = nn.BatchNorm1d(layer.num_features)
            norm.load_state_dict(layer.state_dict())
            return norm.double().train(layer.training)
        case nn.MaxPool2d():
            return nn.MaxPool1d(2)
        case nn.Sequential():
            return nn.Sequential(*(one_dimensional(part) for part in layer))
        case _:
            return layer


def plain_residual(stem: nn.Module, blocks: nn.Sequential, waveforms: Tensor) -> Tensor:
    x: Tensor = one_dimensional(stem)(waveforms)
    for block in blocks:
        body, shortcut = block.get_submodule("body"), block.get_submodule("shortcut")
        x = torch.relu(one_dimensional(body)(x) + one_dimensional(shortcut)(x))
    return x


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("n_times", [500, 333])
def test_convolutional_equals_plain_conv1d_with_relu_before_pooling(training: bool, n_times: int) -> None:
    torch.manual_seed(0)
    encoder = convolutional().double().train(training)
    x = waveforms = torch.randn(4, 12, n_times, dtype=torch.float64)
    for i in range(0, len(encoder.layers), 4):
        conv, norm, pool, relu = (one_dimensional(encoder.layers[i + k]) for k in range(4))
        x = pool(relu(norm(conv(x))))
    torch.testing.assert_close(encoder.features(waveforms), x)


@pytest.mark.parametrize("training", [True, False])
def test_resnet_equals_plain_conv1d(training: bool) -> None:
    torch.manual_seed(0)
    encoder = resnet().double().train(training)
    waveforms = torch.randn(4, 12, 250, dtype=torch.float64)
    expected = plain_residual(encoder.stem, encoder.blocks, waveforms)
    torch.testing.assert_close(encoder.features(waveforms), expected)


@pytest.mark.parametrize("depth", [18, 34])
def test_resnet_has_as_many_layers_as_its_name_says_and_a_sixteenth_of_the_samples(depth: int) -> None:
    encoder = resnet(depth)
    convolutions = [m for m in encoder.modules() if isinstance(m, nn.Conv2d) and m.kernel_size[1] > 1]
    assert len(convolutions) + 1 == depth
    assert encoder.features(torch.randn(2, 12, 5000)).shape == (2, 32, 313)  # as in MERL


@pytest.mark.parametrize("rate_hz", [100, 250, 500])
def test_convolutional_sees_the_same_seconds_at_every_rate(rate_hz: int) -> None:
    encoder = convolutional(rate_hz)
    stem = encoder.layers[0]
    assert isinstance(stem, nn.Conv2d)
    assert stem.kernel_size[1] / rate_hz == pytest.approx(0.09, abs=1 / rate_hz)
    assert encoder.features(torch.randn(2, 12, 10 * rate_hz)).shape == (2, 24, 15)


@pytest.mark.parametrize("encoder", [convolutional(), resnet()], ids=["conv", "resnet"])
@pytest.mark.parametrize("n_times", [1000, 997, 5000])
def test_any_length_gives_one_embedding_a_record(encoder: nn.Module, n_times: int) -> None:
    assert encoder(torch.randn(3, 12, n_times)).shape == (3, encoder.dim)


@pytest.mark.parametrize("encoder", [convolutional(), resnet()], ids=["conv", "resnet"])
def test_lead_order_matters_and_input_is_left_alone(encoder: nn.Module) -> None:
    encoder.eval()
    waveforms = torch.randn(2, 12, 500)
    before = waveforms.clone()
    swapped = waveforms[:, [0, 1, 2, 3, 5, 4, 6, 7, 8, 9, 10, 11]]
    assert not torch.allclose(encoder(waveforms), encoder(swapped), atol=1e-4)
    assert torch.equal(waveforms, before)


@pytest.mark.parametrize("encoder", [convolutional(), resnet()], ids=["conv", "resnet"])
def test_flat_waveforms_give_finite_embeddings(encoder: nn.Module) -> None:
    assert encoder.train()(torch.zeros(4, 12, 500)).isfinite().all()
