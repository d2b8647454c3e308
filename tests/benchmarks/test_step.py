"""The benchmark of a step compares equals: the plain network is the encoder, weight for weight."""

import pytest
import torch
from torch import nn

from benchmarks.step import Plain, Way, build, compare, difference
from ecgmm.leads import N_LEADS


@pytest.mark.parametrize("name", ["conv", "resnet18"])
def test_the_plain_network_has_the_weights_numbers_and_gradients_of_the_encoder(name: str) -> None:
    encoder = build(name, 100).double()
    plain = Plain(encoder).double()
    assert not [m for m in plain.modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d | nn.MaxPool2d)]
    waveforms = torch.randn(2, N_LEADS, 300, dtype=torch.float64)
    ways = {"plain": Way(plain, False), "fp32": Way(encoder, False)}
    off_by = compare(ways, waveforms)
    assert off_by["fp32"]["output"] < 1e-6  # embeddings are compared as float32
    assert off_by["fp32"]["gradient"] < 1e-9


def test_another_network_is_refused() -> None:
    ways = {"plain": Way(Plain(build("conv", 100)), False), "fp32": Way(build("conv", 100), False)}
    with torch.no_grad():
        next(ways["fp32"].network.parameters()).mul_(1.5)
        list(ways["fp32"].network.parameters())[-1].add_(1)
    with pytest.raises(AssertionError, match="fp32 differs from plain"):
        compare(ways, torch.randn(2, N_LEADS, 300))


def test_difference_is_relative() -> None:
    assert difference(torch.tensor([3.0, 4.4]), torch.tensor([3.0, 4.0])) == pytest.approx(0.08)
