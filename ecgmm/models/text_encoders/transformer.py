"""Report encoder around any model of the ``transformers`` library, from a hub name, a folder or a configuration."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ecgmm.errors import ConfigError
from ecgmm.models.architecture import architecture_of, stack_of_layers, transformer_layers
from ecgmm.models.text_encoders.known_texts import KnownTexts
from ecgmm.pretrained import load_pretrained

if TYPE_CHECKING:
    from transformers import PretrainedConfig


class Transformer(nn.Module):
    """Token states of a transformer, averaged over the real tokens, then one linear layer.

    Args:
        name_or_path: Hub name or folder of a pre-trained model.
        vocabulary_size: Number of token ids that the tokeniser gives out.
        dim: Width D of the embedding.
        trainable_layers: How many of the last layers learn; None for all of the transformer, 0 for nothing but the
            linear layer. What does not learn has its dropout off.
        dropout: Dropout before the linear layer.
        config: Configuration of a model with fresh weights, in place of a pre-trained one; also as plain data.

    Raises:
        ConfigError: If the model cannot be found, or has fewer token embeddings than the tokeniser has tokens.
    """

    def __init__(
        self,
        name_or_path: str | None,
        vocabulary_size: int,
        dim: int,
        trainable_layers: int | None,
        dropout: float,
        config: "PretrainedConfig | Mapping[str, Any] | None" = None,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.model = _load(name_or_path, config)
        if self.model.config.vocab_size < vocabulary_size:
            raise ConfigError(
                f"the text encoder {name_or_path or type(self.model).__name__} knows {self.model.config.vocab_size} "
                f"tokens but the tokeniser gives out {vocabulary_size}; use the tokeniser that belongs to it."
            )
        self._learning = _learning_part(self.model, trainable_layers)
        self.model.requires_grad_(False)
        for part in self._learning:
            part.requires_grad_()
        self.dropout = nn.Dropout(dropout)
        self.width: int = self.model.config.hidden_size
        self.linear = nn.Linear(self.width, dim)
        self.known: KnownTexts | None = None

    @property
    def frozen(self) -> bool:
        """Whether the transformer never learns, so that it gives the same for a text whenever it is asked."""
        return not self._learning

    def frozen_state(self) -> tuple[str, Mapping[str, Tensor]]:
        """Architecture of the transformer, as text, and its weights by name: with a text they decide ``pooled``."""
        return self.model.config.to_json_string(), self.model.state_dict()

    def know(self, known: KnownTexts) -> None:
        """Take ``pooled`` of whole texts from a table from now on."""
        assert self.frozen
        self.known = known

    def train(self, mode: bool = True) -> "Transformer":
        """Switch training mode; what does not learn stays in evaluation mode."""
        super().train(mode)
        self.model.eval()
        for part in self._learning:
            part.train(mode)
        return self

    def layer_prefixes(self) -> list[list[str]]:
        """What the names of the weights of each layer begin with, from the input on."""
        return [*transformer_layers(self.model, "model"), ["linear"]]

    @property
    def word_table(self) -> nn.Module:
        """The embedding that ``embed`` asks."""
        table: nn.Module = self.model.get_input_embeddings()
        return table

    def embed(self, token_ids: Tensor) -> Tensor:
        """Look words up: ids ``[B, N] -> [B, N, width]``."""
        words: Tensor = self.word_table(token_ids)
        return words

    def token_states(self, token_ids: Tensor, token_mask: Tensor) -> Tensor:
        """Compute the last layer's states: ``[B, N] -> [B, N, width]``, N at least 1; undefined at masked positions."""
        return self._states(self.embed(token_ids), token_mask)

    def _states(self, words: Tensor, token_mask: Tensor) -> Tensor:
        attended = token_mask | ~token_mask.any(dim=-1, keepdim=True)  # over nothing, some kernels give NaN
        # Word embeddings that learn (prompts) need their gradient through a transformer that does not.
        needs_gradient = bool(self._learning) or words.requires_grad
        with torch.set_grad_enabled(torch.is_grad_enabled() and needs_gradient):
            states: Tensor = self.model(inputs_embeds=words, attention_mask=attended.long()).last_hidden_state
        return states

    def pooled(self, token_ids: Tensor, token_mask: Tensor) -> Tensor:
        """Average the last layer's states over the real tokens: ``[B, N] -> [B, width]``, zeros where all is masked."""
        return _mean(self.token_states(token_ids, token_mask), token_mask)

    def summarise(self, states: Tensor, token_mask: Tensor) -> Tensor:
        """Embed a report from its ``token_states`` ``[B, N, width]``: ``[B, D]``, zeros where all is masked."""
        return self._embedding(_mean(states, token_mask), token_mask)

    def _embedding(self, pooled: Tensor, token_mask: Tensor) -> Tensor:
        embedding: Tensor = self.linear(self.dropout(pooled))
        return embedding * token_mask.any(dim=-1, keepdim=True)

    def encode(self, words: Tensor, token_mask: Tensor) -> Tensor:
        """Encode word embeddings ``[B, N, width]``, which need not come from the vocabulary: ``[B, D]``."""
        return self.summarise(self._states(words, token_mask), token_mask)

    def forward(self, token_ids: Tensor, token_mask: Tensor) -> Tensor:
        """Encode reports.

        Args:
            token_ids: int64 ``[B, N]``, N at least 1.
            token_mask: bool ``[B, N]``, True at real tokens.

        Returns:
            ``[B, D]``; exact zeros for a report without tokens.
        """
        if self.known is not None:
            return self._embedding(self.known(token_ids, token_mask), token_mask)
        return self.encode(self.embed(token_ids), token_mask)


def _mean(states: Tensor, token_mask: Tensor) -> Tensor:
    shares = token_mask / token_mask.sum(dim=-1, keepdim=True).clamp(min=1)
    return (shares.unsqueeze(1) @ states.float()).squeeze(1)


def _learning_part(model: Any, trainable_layers: int | None) -> list[nn.Module]:
    if trainable_layers is None:
        return [model]
    n_layers = model.config.num_hidden_layers
    if not 0 <= trainable_layers <= n_layers:
        raise ConfigError(f"text_encoder.trainable_layers is {trainable_layers}; this model has {n_layers} layers")
    return list(stack_of_layers(model)[1])[n_layers - trainable_layers :]


def _load(name_or_path: str | None, config: "PretrainedConfig | Mapping[str, Any] | None") -> Any:
    from transformers import AutoModel

    if config is not None:
        model = AutoModel.from_config(architecture_of(config), trust_remote_code=False)
    else:
        assert name_or_path is not None
        model = load_pretrained(AutoModel, "text_encoder.name_or_path", name_or_path, dtype=torch.float32)
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    if hasattr(model, "pooler"):
        model.pooler = None  # unused, and parameters without a gradient break distributed training
    return model
