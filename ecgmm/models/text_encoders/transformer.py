"""Report encoder around any model of the ``transformers`` library, from a hub name, a folder or a configuration."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ecgmm.errors import ConfigError

if TYPE_CHECKING:
    from transformers import PretrainedConfig


class Transformer(nn.Module):
    """Token states of a transformer, averaged over the real tokens, then one linear layer.

    Args:
        name_or_path: Hub name or folder of a pre-trained model.
        vocabulary_size: Number of token ids that the tokeniser gives out.
        dim: Width D of the embedding.
        frozen: Keep the transformer's weights as they are, and its dropout off; only the linear layer learns.
        dropout: Dropout before the linear layer.
        config: Configuration of a model with fresh weights, in place of a pre-trained one.

    Raises:
        ConfigError: If the model cannot be found, or has fewer token embeddings than the tokeniser has tokens.
    """

    def __init__(
        self,
        name_or_path: str | None,
        vocabulary_size: int,
        dim: int,
        frozen: bool,
        dropout: float,
        config: "PretrainedConfig | None" = None,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.frozen = frozen
        self.model = _load(name_or_path, config)
        if self.model.config.vocab_size < vocabulary_size:
            raise ConfigError(
                f"the text encoder {name_or_path or type(self.model).__name__} knows {self.model.config.vocab_size} "
                f"tokens but the tokeniser gives out {vocabulary_size}; use the tokeniser that belongs to it."
            )
        self.model.requires_grad_(not frozen)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(self.model.config.hidden_size, dim)

    def train(self, mode: bool = True) -> "Transformer":
        """Switch training mode; a frozen transformer stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.model.eval()
        return self

    def token_states(self, token_ids: Tensor, token_mask: Tensor) -> Tensor:
        """Compute the last layer's states: ``[B, N] -> [B, N, H]``, N at least 1; undefined at masked positions."""
        attended = token_mask | ~token_mask.any(dim=-1, keepdim=True)  # over nothing, some kernels give NaN
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            states: Tensor = self.model(input_ids=token_ids, attention_mask=attended.long()).last_hidden_state
        return states

    def forward(self, token_ids: Tensor, token_mask: Tensor) -> Tensor:
        """Encode reports.

        Args:
            token_ids: int64 ``[B, N]``, N at least 1.
            token_mask: bool ``[B, N]``, True at real tokens.

        Returns:
            ``[B, D]``; exact zeros for a report without tokens.
        """
        shares = token_mask / token_mask.sum(dim=-1, keepdim=True).clamp(min=1)
        pooled = (shares.unsqueeze(1) @ self.token_states(token_ids, token_mask).float()).squeeze(1)
        embedding: Tensor = self.linear(self.dropout(pooled))
        return embedding * token_mask.any(dim=-1, keepdim=True)


def _load(name_or_path: str | None, config: "PretrainedConfig | None") -> Any:
    from transformers import AutoModel

    if config is not None:
        model = AutoModel.from_config(config)
    else:
        try:
            model = AutoModel.from_pretrained(name_or_path, dtype=torch.float32)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"text_encoder.name_or_path={name_or_path} is neither a folder with a transformers model nor a hub "
                "name that can be reached; give the path of a downloaded model."
            ) from error
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    if hasattr(model, "pooler"):
        model.pooler = None  # unused, and parameters without a gradient break distributed training
    return model
