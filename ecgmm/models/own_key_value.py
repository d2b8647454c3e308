"""Keys and values of a language model before which each layer puts one of its own."""

from collections.abc import Callable
from typing import Any

from torch import Tensor
from transformers import DynamicCache


class OwnKeyValue(DynamicCache):  # type: ignore[misc]  # transformers has no types
    """Cache that begins with one key and value a layer, made when the layer first attends.

    Not before: where a model is sharded, the weights of a layer are there only while it is at work.

    Args:
        make: From the index of a layer its key and value, ``[B, heads of keys, 1, head_dim]`` each.
    """

    def __init__(self, make: Callable[[int], tuple[Tensor, Tensor]]) -> None:
        super().__init__()
        self.make = make

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Add keys and values of a layer, behind its own, and return all."""
        if self._is_to_be_made(layer_idx):
            super().update(*self.make(layer_idx), layer_idx)
        keys, values = super().update(key_states, value_states, layer_idx, *args, **kwargs)
        return keys, values

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Count the keys of a layer, its own among them."""
        return 1 if self._is_to_be_made(layer_idx) else super().get_seq_length(layer_idx)

    def get_mask_sizes(self, query_length: int, layer_idx: int) -> tuple[int, int]:
        """Count the keys that ``query_length`` further positions see, and those before the first."""
        if self._is_to_be_made(layer_idx):
            return query_length + 1, 0
        n_keys, n_before = super().get_mask_sizes(query_length, layer_idx)
        return n_keys, n_before

    def _is_to_be_made(self, layer_idx: int) -> bool:
        return len(self.layers) <= layer_idx
