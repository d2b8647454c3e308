"""Attention of queries that are the same for all records: what does not depend on the record is computed once."""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention


def attend(attention: nn.MultiheadAttention, queries: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
    """Attention of shared queries to each record's own memory: what ``attention`` gives for queries repeated B times.

    Args:
        attention: Its weights; batch first, with biases.
        queries: ``[Q, D]``.
        memory: ``[B, N, C]``.
        mask: bool ``[B, N]``, True at what may be attended to, at least one of each record; None for all.

    Returns:
        ``[B, Q, D]``.
    """
    whole: Tensor | None = attention.in_proj_weight
    weights = (
        (attention.q_proj_weight, attention.k_proj_weight, attention.v_proj_weight) if whole is None else whole.chunk(3)
    )
    query, key, value = (
        linear(states, weight, bias).unflatten(-1, (attention.num_heads, -1)).transpose(-3, -2)
        for states, weight, bias in zip(
            (queries, memory, memory), weights, attention.in_proj_bias.chunk(3), strict=True
        )
    )
    heads = scaled_dot_product_attention(
        query.expand(memory.shape[0], -1, -1, -1),
        key,
        value,
        attn_mask=None if mask is None else mask[:, None, None, :],
        dropout_p=attention.dropout if attention.training else 0.0,
    )
    answers: Tensor = attention.out_proj(heads.transpose(1, 2).flatten(2))
    return answers


def decode(decoder: nn.TransformerDecoder, groups: list[Tensor], memory: Tensor, mask: Tensor) -> list[Tensor]:
    """Put groups of queries to each record's memory; the queries of a group attend to each other and to no other group.

    The same as one call of ``decoder`` a group, with the queries repeated for each record. But keys and values of the
    memory are computed once for all groups, and up to their first look at it queries are the same for all records, so
    that the first self-attention is computed once. With dropout, its draws there are the same for all records too.

    Args:
        decoder: Of layers whose norms stand first.
        groups: Queries, each ``[Q, width]``.
        memory: ``[B, N, width]``.
        mask: bool ``[B, N]``, True at what may be attended to, at least one of each record.

    Returns:
        ``[B, Q, width]`` for each group.
    """
    sizes = [len(group) for group in groups]
    queries = torch.cat(groups)
    apart = ~torch.block_diag(*(mask.new_ones(size, size) for size in sizes))
    first, *others = decoder.layers
    normed = first.norm1(queries).unsqueeze(0)
    among = first.self_attn(normed, normed, normed, attn_mask=apart, need_weights=False)[0].squeeze(0)
    queries = queries + first.dropout1(among)
    states = queries + first.dropout2(attend(first.multihead_attn, first.norm2(queries), memory, mask))
    inner = first.dropout(first.activation(first.linear1(first.norm3(states))))
    states = states + first.dropout3(first.linear2(inner))
    for layer in others:
        states = layer(states, memory, tgt_mask=apart, memory_key_padding_mask=~mask)
    assert decoder.norm is not None
    return list(decoder.norm(states).split(sizes, dim=1))
