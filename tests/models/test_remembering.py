"""Encoders that compute what they make of known inputs once."""

import torch
from torch import Tensor, nn

from ecgmm.models.remembering import remembering


class Counting(nn.Module):
    """Encoder of two parts that counts how often it computes features."""

    def __init__(self) -> None:
        super().__init__()
        self.n = 0

    def features(self, waveforms: Tensor) -> Tensor:
        self.n += 1
        return waveforms * 2

    def forward(self, waveforms: Tensor) -> Tensor:
        return self.features(waveforms).sum(dim=-1)


def test_a_known_input_is_encoded_once_whichever_part_is_asked() -> None:
    encoder, known, other = Counting(), torch.ones(2, 3), torch.ones(2, 3)
    with remembering(encoder, [known]):
        assert encoder(known).tolist() == [6, 6]
        assert encoder.features(known).tolist() == [[2, 2, 2]] * 2
        assert encoder(known).tolist() == [6, 6]
        assert encoder.n == 1
        encoder(other)
        encoder(other)
        assert encoder.n == 3
    encoder(known)
    assert encoder.n == 4
