"""Lookup table of frozen-encoder embeddings: on the device, and without waiting for it."""

import torch
from torch import Tensor, nn


class KnownTexts(nn.Module):
    """Lookup table of frozen-encoder embeddings, keyed by token ids and mask.

    A text's key is a sum over its tokens, each times a random number of its place, in 64-bit integers that wrap
    around. Padding adds nothing to it. Two of a million texts share a key with a probability of about 1e-7, and then
    the table is refused.

    Nothing of it is saved with a model: it follows from the model's weights and the texts.

    Args:
        token_ids: int64 ``[R, N]``, right-padded; texts may come more than once.
        token_mask: bool ``[R, N]``.
        pooled: float32 ``[R, width]``, the embedding of each.
    """

    multipliers: Tensor
    keys: Tensor
    pooled: Tensor

    def __init__(self, token_ids: Tensor, token_mask: Tensor, pooled: Tensor) -> None:
        super().__init__()
        limits = torch.iinfo(torch.int64)
        generator = torch.Generator().manual_seed(0)  # of its own: a run's random numbers stay what they are
        multipliers = torch.randint(limits.min, limits.max, (token_ids.shape[1],), generator=generator)
        self.register_buffer("multipliers", multipliers, persistent=False)
        keys, order = self._keys(token_ids, token_mask).sort(stable=True)
        sorted_ids = token_ids.masked_fill(~token_mask, -1)[order]
        again = torch.zeros(len(keys), dtype=torch.bool)
        again[1:] = keys[1:] == keys[:-1]
        assert (sorted_ids[1:] == sorted_ids[:-1])[again[1:]].all(), "two texts share a key"
        self.register_buffer("keys", keys[~again], persistent=False)
        self.register_buffer("pooled", pooled[order[~again]], persistent=False)

    def _keys(self, token_ids: Tensor, token_mask: Tensor) -> Tensor:
        return ((token_ids + 1) * token_mask * self.multipliers[: token_ids.shape[1]]).sum(dim=1)

    def forward(self, token_ids: Tensor, token_mask: Tensor) -> Tensor:
        """Look texts ``[B, N]`` up: ``[B, width]``. A text that is not in the table is our mistake, and stops us."""
        keys = self._keys(token_ids, token_mask)
        place = torch.searchsorted(self.keys, keys).clamp(max=len(self.keys) - 1)
        torch._assert_async((self.keys[place] == keys).all(), "a text that is not in the table of known texts")
        return self.pooled[place]
