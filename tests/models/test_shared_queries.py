"""Shared queries give what the same queries repeated for each record give."""

import pytest
import torch
from torch import Tensor, nn

from ecgmm.models.shared_queries import attend, decode
from ecgmm.models.transformer_shape import TransformerShape

MEMORY = torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(0))
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 0, 0, 1, 0], [0, 0, 1, 0, 0]], dtype=torch.bool)
QUERIES = torch.randn(6, 8, generator=torch.Generator().manual_seed(1))


def gradients(result: Tensor, module: nn.Module) -> dict[str, Tensor]:
    module.zero_grad()
    result.square().sum().backward()
    return {name: weight.grad.clone() for name, weight in module.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize("memory_width", [8, 4])
@pytest.mark.parametrize("mask", [None, MASK])
def test_attention_equals_that_of_repeated_queries(memory_width: int, mask: Tensor | None) -> None:
    torch.manual_seed(0)
    module = nn.MultiheadAttention(8, 2, kdim=memory_width, vdim=memory_width, batch_first=True)
    nn.init.normal_(module.in_proj_bias)
    memory = MEMORY[:, :, :memory_width]
    shared = attend(module, QUERIES, memory, mask)
    repeated, _ = module(QUERIES.expand(3, -1, -1), memory, memory, None if mask is None else ~mask, need_weights=False)
    torch.testing.assert_close(shared, repeated)
    torch.testing.assert_close(gradients(shared, module), gradients(repeated, module))


@pytest.mark.parametrize("n_layers", [1, 3])
def test_decoding_equals_one_call_of_the_decoder_for_each_group(n_layers: int) -> None:
    torch.manual_seed(0)
    decoder = TransformerShape(width=8, n_layers=n_layers, n_heads=2, dropout=0.0).decoder(16)
    groups = [QUERIES[:4], QUERIES[4:]]
    shared = torch.cat(decode(decoder, groups, MEMORY, MASK), dim=1)
    repeated = torch.cat(
        [decoder(group.expand(3, -1, -1), MEMORY, memory_key_padding_mask=~MASK) for group in groups], dim=1
    )
    torch.testing.assert_close(shared, repeated)
    torch.testing.assert_close(gradients(shared, decoder), gradients(repeated, decoder), atol=1e-4, rtol=1e-4)
