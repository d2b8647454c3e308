"""Causal language models of the ``transformers`` library: their layers, with room for a key and value of one's own."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from ecgmm.errors import ConfigError
from ecgmm.models.architecture import architecture_of, transformer_layers
from ecgmm.pretrained import load_pretrained

if TYPE_CHECKING:
    from transformers import DynamicCache, PretrainedConfig

    from ecgmm.models.own_key_value import OwnKeyValue

_ATTENTION = "ecgmm_sdpa"


class LanguageModel(nn.Module):
    """The layers and the output weights of a causal language model; from the hub, a folder or a configuration.

    Attention may be given for every pair of positions, so that padding can stand anywhere and parts of a sequence can
    be hidden from each other. A position is the number of positions before it that it sees.

    Args:
        name_or_path: Hub name or folder of a pre-trained model.
        vocabulary_size: Number of token ids that the tokeniser gives out.
        config: Configuration of a model with fresh weights, in place of a pre-trained one; also as plain data.
        lora_rank: Rank of low-rank adapters on every projection of attention and MLP (Hu et al., "LoRA",
            arXiv 2106.09685); the model's own weights then stay as they are. None lets all weights learn.
        lora_alpha: Adapters are scaled by ``lora_alpha / lora_rank``.
        lora_dropout: Dropout before the adapters.

    Raises:
        ConfigError: If the model cannot be found, or has fewer token embeddings than the tokeniser has tokens.
    """

    def __init__(
        self,
        name_or_path: str | None,
        vocabulary_size: int,
        config: "PretrainedConfig | Mapping[str, Any] | None" = None,
        lora_rank: int | None = None,
        lora_alpha: int = 128,
        lora_dropout: float = 0.1,
    ) -> None:
        super().__init__()
        model = _load(name_or_path, config)
        if model.config.vocab_size < vocabulary_size:
            raise ConfigError(
                f"the language model {name_or_path or type(model).__name__} knows {model.config.vocab_size} tokens but "
                f"the tokeniser gives out {vocabulary_size}; use the tokeniser that belongs to it."
            )
        if lora_rank is not None:
            _adapt(model, lora_rank, lora_alpha, lora_dropout)
        self.width: int = model.config.hidden_size
        self.n_heads: int = model.config.num_attention_heads
        self.head_dim: int = getattr(model.config, "head_dim", None) or self.width // self.n_heads
        self.body: Any = model.base_model
        # Kept only where the weights are the model's own: tied ones are the word embeddings, saved already.
        tied = model.get_output_embeddings().weight is self.body.get_input_embeddings().weight
        self.head: nn.Module | None = None if tied else model.get_output_embeddings()

    def layer_prefixes(self) -> list[list[str]]:
        """What the names of the weights of each layer begin with, from the input on."""
        return transformer_layers(self.body, "body")

    def embed(self, token_ids: Tensor) -> Tensor:
        """Look words up: ids ``[...] -> [..., width]``."""
        words: Tensor = self.body.get_input_embeddings()(token_ids)
        return words

    def key_values(self, vectors: Tensor, layer_norm: bool = False) -> "OwnKeyValue":
        """Make one key and value for every layer with the layer's own projections.

        Source: MEIT (Wan et al., Findings of ACL 2025). The vector is repeated for each head; no position is written
        into the key, so it is as far from every token.

        Args:
            vectors: ``[B, head_dim]``.
            layer_norm: Whether the repeated vector goes through the layer's own norm first, as the states of tokens do
                before these projections.

        Returns:
            A cache of length 1, for one call of ``forward`` or ``generate``; each layer fills it when it attends.
        """
        from ecgmm.models.own_key_value import OwnKeyValue

        repeated = vectors.repeat(1, self.width // self.head_dim)
        attentions, norms = self._attentions(), self._norms_before_attention()

        def make(layer: int) -> tuple[Tensor, Tensor]:
            attention = attentions[layer]
            hidden = norms[layer](repeated) if layer_norm else repeated
            if hasattr(attention, "c_attn"):  # GPT-2 makes query, key and value in one
                _, key, value = attention.c_attn(hidden).chunk(3, dim=-1)
            else:
                key, value = attention.k_proj(hidden), attention.v_proj(hidden)
            # [B, heads of keys * head_dim] -> [B, heads of keys, 1, head_dim]
            shape = (hidden.shape[0], -1, 1, self.head_dim)
            return key.view(shape), value.view(shape)

        return OwnKeyValue(make)

    def layers(self) -> nn.ModuleList:
        """Find the layers, from the input on."""
        return next(part for part in self.body.children() if isinstance(part, nn.ModuleList))

    def _attentions(self) -> list[Any]:
        return [layer.attn if hasattr(layer, "attn") else layer.self_attn for layer in self.layers()]

    def _norms_before_attention(self) -> list[Any]:
        return [layer.ln_1 if hasattr(layer, "ln_1") else layer.input_layernorm for layer in self.layers()]

    def forward(
        self,
        words: Tensor,
        attended: Tensor,
        cache: "DynamicCache | None" = None,
        cache_present: Tensor | None = None,
    ) -> Tensor:
        """Compute the last layer's states.

        Args:
            words: Word embeddings ``[B, N, width]``.
            attended: bool ``[B, N, N]``, which position (rows) sees which (columns), itself always (``causal``).
            cache: From ``key_values``; used up by the call.
            cache_present: bool ``[B]``, False for records that must not see what the cache holds for them.

        Returns:
            ``[B, N, width]``, of which the next token's logits are made.
        """
        positions = attended.sum(dim=-1) - 1
        if cache_present is not None:
            seen = cache_present.view(-1, 1, 1).expand(-1, attended.shape[1], 1)
            attended = torch.cat([seen, attended], dim=-1)
        states: Tensor = self.body(
            inputs_embeds=words,
            attention_mask=attended.unsqueeze(1),  # four dimensions: taken as it is
            position_ids=positions,
            past_key_values=cache,
            use_cache=cache is not None,
        ).last_hidden_state
        return states

    def next_token_logits(self, states: Tensor, token_ids: Tensor | None = None) -> Tensor:
        """Score what comes next.

        Args:
            states: ``[..., width]`` from ``forward``.
            token_ids: int64 ``[K]``, the tokens of interest; None for the whole vocabulary.

        Returns:
            ``[..., K]``.
        """
        output: Any = self.body.get_input_embeddings() if self.head is None else self.head
        weight: Tensor = output.weight
        return linear(states, weight if token_ids is None else weight[token_ids])

    def generate(self, words: Tensor, cache: "DynamicCache", end_id: int, max_tokens: int) -> list[int]:
        """Write on, always with the likeliest token.

        Args:
            words: Word embeddings ``[1, N, width]`` to go on from.
            cache: From ``key_values``, or an empty one; used up by the call.
            end_id: Token that ends the text; not part of it.
            max_tokens: Most tokens to write.

        Returns:
            Token ids.
        """
        written: list[int] = []
        start = 0
        while len(written) < max_tokens:
            positions = torch.arange(start, start + words.shape[1], device=words.device).unsqueeze(0)
            states = self.body(
                inputs_embeds=words, position_ids=positions, past_key_values=cache, use_cache=True
            ).last_hidden_state
            token = self.next_token_logits(states[:, -1]).argmax(dim=-1)
            if int(token) == end_id:
                break
            written.append(int(token))
            start += words.shape[1]
            words = self.embed(token).unsqueeze(1)
        return written


def causal(present: Tensor) -> Tensor:
    """Let every position see itself and the present ones before it.

    A missing position sees itself too, so that no softmax runs over nothing; nobody else sees it.

    Args:
        present: bool ``[B, N]``.

    Returns:
        bool ``[B, N, N]``, rows see columns.
    """
    n = present.shape[1]
    earlier = torch.ones(n, n, dtype=torch.bool, device=present.device).tril(-1)
    itself = torch.eye(n, dtype=torch.bool, device=present.device)
    return (earlier & present.unsqueeze(1)) | itself


def _load(name_or_path: str | None, config: "PretrainedConfig | Mapping[str, Any] | None") -> Any:
    from transformers import AttentionInterface, AttentionMaskInterface, AutoModelForCausalLM
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(_ATTENTION, _attend)
    AttentionMaskInterface.register(_ATTENTION, sdpa_mask)
    if config is not None:
        return AutoModelForCausalLM.from_config(
            architecture_of(config), attn_implementation=_ATTENTION, trust_remote_code=False
        )
    assert name_or_path is not None
    name = "language_model.name_or_path"
    return load_pretrained(
        AutoModelForCausalLM, name, name_or_path, dtype=torch.float32, attn_implementation=_ATTENTION
    )


def _attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **more: Any
) -> tuple[Tensor, None]:
    """Attend by torch's ``scaled_dot_product_attention``, which takes a mask of truth values for pairs of positions.

    On a CPU in float32, whatever surrounds it: torch's kernel for bfloat16 takes two to five times as long there.
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    on_cpu = query.device.type == "cpu"
    if on_cpu:
        query, key, value = query.float(), key.float(), value.float()
    with torch.autocast("cpu", enabled=False) if on_cpu else nullcontext():
        attended, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **more)
    return attended, None


def _adapt(model: Any, rank: int, alpha: int, dropout: float) -> None:
    """Put adapters into a model and keep everything else from learning."""
    from peft import LoraConfig, inject_adapter_in_model
    from transformers.pytorch_utils import Conv1D

    transposed = any(isinstance(part, Conv1D) for part in model.modules())  # GPT-2 keeps its weights [in, out]
    inject_adapter_in_model(
        LoraConfig(
            r=rank,
            lora_alpha=alpha,
            lora_dropout=dropout,
            target_modules="all-linear",  # every projection; not the output weights
            fan_in_fan_out=transposed,
            task_type="CAUSAL_LM",
        ),
        model,
    )
