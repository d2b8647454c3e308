"""Class prompts that begin with learned vectors in place of written words."""

import torch
from torch import Tensor, nn

from ecgmm.models.encoders import TextEncoder
from ecgmm.models.text_bank import TextBank
from ecgmm.models.words import ClassPrompts


class LearnedPrompts(nn.Module):
    """Class descriptions behind a learned context that all classes share.

    Source: CoOp (Zhou et al., "Learning to prompt for vision-language models", arXiv 2109.01134, section 3.2, unified
    context before the class name, drawn with standard deviation 0.02).

    Args:
        n_context: Number of context vectors.
        width: Width of the word embeddings of the text encoder.
    """

    def __init__(self, n_context: int, width: int) -> None:
        super().__init__()
        self.context = nn.Parameter(torch.randn(n_context, width) * 0.02)
        self.descriptions = ClassPrompts()
        self.n_before = 0

    def bind(self, texts: TextBank) -> None:
        """Write the descriptions, and see whether the tokeniser begins a text with a token of its own ([CLS])."""
        self.descriptions.bind(texts, templates=("{}",))
        first = texts.descriptions(texts.class_names[0])[0]
        self.n_before = int(texts.encode([first])[0][0, 0] != texts.pieces(first)[0])

    def forward(self, text_encoder: TextEncoder) -> Tensor:
        """Embed the classes: float32 ``[K, D]`` of length 1."""

        def encode(token_ids: Tensor, token_mask: Tensor) -> Tensor:
            words = text_encoder.embed(token_ids)
            context = self.context.expand(words.shape[0], -1, -1).to(words.dtype)
            before, behind = words[:, : self.n_before], words[:, self.n_before :]
            there = token_mask.new_ones(context.shape[:2])
            return text_encoder.encode(
                torch.cat([before, context, behind], dim=1), torch.cat([there, token_mask], dim=1)
            )

        classes: Tensor = self.descriptions(encode)
        return classes
