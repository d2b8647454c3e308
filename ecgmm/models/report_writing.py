"""Reports in tokens, written from waveforms alone by the methods that can."""

import torch
from torch import Tensor

from ecgmm.models.language_model import LanguageModel
from ecgmm.models.methods.ecg_doctor import EcgDoctor
from ecgmm.models.methods.meit import Meit
from ecgmm.types import Batch

TOLD_FROM = 0.5
"""Probability from which ``ecg_doctor`` tells a finding."""


@torch.inference_mode()
def write_tokens(method: Meit, batch: Batch, max_tokens: int) -> list[list[int]]:
    """Write the report of each waveform, always with the likeliest token (greedily); no report is looked at.

    Args:
        method: In evaluation mode.
        batch: Records with a waveform, as the method sees them.
        max_tokens: Most tokens of a report.

    Returns:
        Token ids of each record.
    """
    assert bool(batch.has_waveform.all())
    _, vectors = method.injected(batch)
    model = method.language_model
    prompt = model.embed(method.instruction).expand(len(vectors), -1, -1)
    # A report ends where the question begins (``Meit.report_nll``).
    return write_greedily(model, prompt, method.key_values(vectors), int(method.options.question[0]), max_tokens)


@torch.inference_mode()
def write_greedily(
    model: LanguageModel, prompt: Tensor, cache: object, end_id: int, max_tokens: int
) -> list[list[int]]:
    """Go on from prompts of one length, all records at once; what was computed of earlier tokens is kept in the cache.

    Args:
        model: The language model.
        prompt: Word embeddings ``[B, N, width]``.
        cache: Of ``Meit.key_values`` for the same records; used up.
        end_id: Token that ends a text; not part of it.
        max_tokens: Most tokens of a text.

    Returns:
        Token ids of each record.
    """
    words, start, tokens = prompt, 0, []
    ended = torch.zeros(len(prompt), dtype=torch.bool, device=prompt.device)
    for _ in range(max_tokens):
        positions = torch.arange(start, start + words.shape[1], device=words.device).expand(len(words), -1)
        states = model.body(
            inputs_embeds=words, position_ids=positions, past_key_values=cache, use_cache=True
        ).last_hidden_state
        token = model.next_token_logits(states[:, -1]).argmax(dim=-1)
        tokens.append(token)
        ended |= token == end_id
        if bool(ended.all()):
            break
        start += words.shape[1]
        words = model.embed(token).unsqueeze(1)
    written = torch.stack(tokens, dim=1).tolist() if tokens else [[] for _ in prompt]
    return [line[: line.index(end_id)] if end_id in line else line for line in written]


@torch.inference_mode()
def told_findings(method: EcgDoctor, batch: Batch) -> list[list[str]]:
    """Names of the findings that the method tells of each waveform, the likeliest first.

    Its language model learns to answer a question and no report, so this is all that it can say in words.

    Args:
        method: In evaluation mode.
        batch: Records with a waveform, as the method sees them.
    """
    _, logits, _ = method.read_waveform(batch)
    probabilities, order = logits.sigmoid().sort(dim=1, descending=True)
    names, counts = method.stated_findings.names, (probabilities >= TOLD_FROM).sum(dim=1).tolist()
    return [[names[k] for k in line[:count]] for line, count in zip(order.tolist(), counts, strict=True)]
