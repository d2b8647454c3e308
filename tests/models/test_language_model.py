"""The wrapper against plain models of the library with the same weights, built and saved here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import DynamicCache, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PretrainedConfig

from ecgmm.errors import ConfigError
from ecgmm.models.language_model import LanguageModel, causal

N_WORDS, WIDTH, HEAD_DIM, N_LAYERS = 30, 16, 4, 2
IDS = torch.tensor([[5, 9, 3, 7, 11, 2], [8, 8, 20, 1, 4, 29]])
KINDS = ("llama", "gpt2")
every_kind = pytest.mark.parametrize("kind", KINDS)
Pair = tuple[LanguageModel, Any]


def config_of(kind: str) -> PretrainedConfig:
    if kind == "gpt2":
        return GPT2Config(vocab_size=N_WORDS, n_embd=WIDTH, n_layer=N_LAYERS, n_head=4, n_positions=64)
    return LlamaConfig(
        vocab_size=N_WORDS,
        hidden_size=WIDTH,
        intermediate_size=32,
        num_hidden_layers=N_LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
    )


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    """Of each kind a wrapper and the library's model, both loaded from the same folder."""
    made: dict[str, Pair] = {}
    for kind, library in (("llama", LlamaForCausalLM), ("gpt2", GPT2LMHeadModel)):
        folder: Path = tmp_path_factory.mktemp(kind)
        torch.manual_seed(0)
        model = library(config_of(kind))
        for parameter in model.parameters():  # large enough that every part has a say
            nn.init.normal_(parameter, std=0.3)
        model.save_pretrained(folder)
        made[kind] = LanguageModel(str(folder), N_WORDS).eval(), library.from_pretrained(folder).eval()
    return made


def attentions(model: LanguageModel) -> list[Any]:
    return [part for part in model.modules() if type(part).__name__ in ("LlamaAttention", "GPT2Attention")]


def everything(n_records: int, n: int) -> Tensor:
    return causal(torch.ones(n_records, n, dtype=torch.bool))


@every_kind
def test_equals_the_library(pairs: dict[str, Pair], kind: str) -> None:
    model, library = pairs[kind]
    states = model(model.embed(IDS), everything(*IDS.shape))
    torch.testing.assert_close(model.next_token_logits(states), library(input_ids=IDS).logits)
    some = torch.tensor([4, 17])
    torch.testing.assert_close(model.next_token_logits(states, some), library(input_ids=IDS).logits[..., some])


@every_kind
def test_attends_in_float32_on_a_cpu_under_autocast(pairs: dict[str, Pair], kind: str) -> None:
    model, _ = pairs[kind]
    kinds: list[torch.dtype] = []
    projection = {"llama": "o_proj", "gpt2": "c_proj"}[kind]
    hooks = [
        getattr(attention, projection).register_forward_pre_hook(lambda _, args: kinds.append(args[0].dtype))
        for attention in attentions(model)
    ]
    plain = model(model.embed(IDS), everything(*IDS.shape))
    with torch.autocast("cpu", torch.bfloat16):
        halved = model(model.embed(IDS), everything(*IDS.shape))
    for hook in hooks:
        hook.remove()
    assert kinds == [torch.float32] * (2 * N_LAYERS)
    assert halved.isfinite().all()
    assert (halved - plain).norm() < 0.05 * plain.norm()


@every_kind
def test_padding_in_the_middle_changes_nothing(pairs: dict[str, Pair], kind: str) -> None:
    model, _ = pairs[kind]
    straight = model(model.embed(IDS), everything(*IDS.shape))
    padded = torch.cat([IDS[:, :2], torch.tensor([[6, 6, 6], [0, 1, 2]]), IDS[:, 2:]], dim=1)
    present = torch.tensor([[True] * 2 + [False] * 3 + [True] * 4] * 2)
    states = model(model.embed(padded), causal(present))
    assert states.isfinite().all()
    torch.testing.assert_close(states[:, [0, 1, 5, 6, 7, 8]], straight)


@every_kind
def test_what_is_hidden_from_a_part_has_no_say_in_it(pairs: dict[str, Pair], kind: str) -> None:
    model, _ = pairs[kind]
    attended = everything(*IDS.shape)
    attended[:, 4:, 2:4] = False
    states = model(model.embed(IDS), attended)
    shorter = IDS[:, [0, 1, 4, 5]]
    torch.testing.assert_close(states[:, 4:], model(model.embed(shorter), everything(*shorter.shape))[:, 2:])
    torch.testing.assert_close(states[:, :4], model(model.embed(IDS[:, :4]), everything(2, 4)))


@every_kind
@pytest.mark.parametrize("layer_norm", [False, True])
def test_own_key_and_value_come_from_the_layers_own_projections(
    pairs: dict[str, Pair], kind: str, layer_norm: bool
) -> None:
    model, _ = pairs[kind]
    vector = torch.randn(2, HEAD_DIM, generator=torch.Generator().manual_seed(1))
    repeated = torch.cat([vector] * 4, dim=1)
    cache = model.key_values(vector, layer_norm)
    assert cache.get_seq_length() == 1
    model(model.embed(IDS), everything(*IDS.shape), cache, torch.ones(2, dtype=torch.bool))
    assert cache.get_seq_length() == 1 + IDS.shape[1]
    assert len(cache.layers) == N_LAYERS
    for layer, attention, block in zip(cache.layers, attentions(model), model.layers(), strict=True):
        norm: Any = block.ln_1 if kind == "gpt2" else block.input_layernorm
        hidden = norm(repeated) if layer_norm else repeated
        if kind == "gpt2":
            weight, bias = attention.c_attn.weight, attention.c_attn.bias
            key, value = (hidden @ weight + bias)[:, WIDTH:].split(WIDTH, dim=1)
        else:
            key, value = hidden @ attention.k_proj.weight.T, hidden @ attention.v_proj.weight.T
        for actual, expected in ((layer.keys, key), (layer.values, value)):
            torch.testing.assert_close(actual[:, :, 0], expected.view(2, -1, HEAD_DIM))


@every_kind
@pytest.mark.parametrize("layer", range(N_LAYERS))
def test_own_key_and_value_change_the_attention_of_every_layer(pairs: dict[str, Pair], kind: str, layer: int) -> None:
    model, _ = pairs[kind]
    seen: list[Tensor] = []
    hook = attentions(model)[layer].register_forward_hook(lambda _, args, output: seen.append(output[0]))
    first, other = torch.randn(2, 2, HEAD_DIM, generator=torch.Generator().manual_seed(1))
    for vector in (first, other):
        cache, own = model.key_values(first), model.key_values(vector)
        every, single = cache.make, own.make  # all layers before are the same, so what changes changes here

        def of_one_layer(index: int, every: Any = every, single: Any = single) -> Any:
            return (single if index == layer else every)(index)

        cache.make = of_one_layer
        model(model.embed(IDS), everything(*IDS.shape), cache, torch.ones(2, dtype=torch.bool))
    hook.remove()
    assert ((seen[0] - seen[1]).abs().amax(dim=-1) > 1e-4).all()  # at every position of every record


@every_kind
def test_without_own_key_and_value_it_is_the_model_of_text_alone(pairs: dict[str, Pair], kind: str) -> None:
    model, library = pairs[kind]
    vectors = torch.randn(2, HEAD_DIM, generator=torch.Generator().manual_seed(1))
    present = torch.tensor([False, True])
    states = model(model.embed(IDS), everything(*IDS.shape), model.key_values(vectors), present)
    alone = library(input_ids=IDS).logits
    logits = model.next_token_logits(states)
    torch.testing.assert_close(logits[0], alone[0])
    assert ((logits[1] - alone[1]).abs().amax(dim=-1) > 1e-4).all()


@every_kind
def test_writes_what_the_library_writes(pairs: dict[str, Pair], kind: str) -> None:
    model, library = pairs[kind]
    for row in range(2):
        prompt = IDS[row : row + 1]
        arguments = {"max_new_tokens": 12, "do_sample": False, "pad_token_id": 0}
        with torch.no_grad():
            endless = library.generate(prompt, eos_token_id=None, **arguments)[0, 6:].tolist()
            assert model.generate(model.embed(prompt), DynamicCache(), -1, 12) == endless
            end = endless[4]
            stopped = model.generate(model.embed(prompt), DynamicCache(), end, 12)
        assert stopped == endless[: endless.index(end)]


@every_kind
def test_writes_the_likeliest_token_with_its_own_key_and_value(pairs: dict[str, Pair], kind: str) -> None:
    model, _ = pairs[kind]
    vector = torch.randn(1, HEAD_DIM, generator=torch.Generator().manual_seed(1))
    written = model.generate(model.embed(IDS[:1]), model.key_values(vector), -1, 6)
    ids = IDS[:1]
    for _ in range(6):
        present = torch.ones(1, dtype=torch.bool)
        states = model(model.embed(ids), everything(*ids.shape), model.key_values(vector), present)
        ids = torch.cat([ids, model.next_token_logits(states[:, -1]).argmax(dim=-1, keepdim=True)], dim=1)
    assert written == ids[0, 6:].tolist()


@every_kind
def test_only_adapters_learn_where_there_are_any(kind: str) -> None:
    torch.manual_seed(0)
    model = LanguageModel(None, N_WORDS, config_of(kind), lora_rank=3, lora_alpha=6, lora_dropout=0.1)
    learnt = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    n_projections = 4 if kind == "gpt2" else 7  # of a layer
    assert len(learnt) == 2 * n_projections * N_LAYERS
    assert all("lora_" in name for name in learnt)
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    vectors = torch.randn(2, HEAD_DIM, requires_grad=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    for _ in range(2):  # the second factor of an adapter starts at zero, so the first learns from the second step on
        optimizer.zero_grad()
        cache = model.key_values(vectors)
        states = model(model.embed(IDS), everything(*IDS.shape), cache, torch.ones(2, dtype=torch.bool))
        model.next_token_logits(states).square().sum().backward()
        optimizer.step()
    changed = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    assert changed == learnt
    assert vectors.grad is not None
    assert vectors.grad.abs().sum(dim=1).min() > 0


@every_kind
def test_weights_are_saved_once(kind: str, tmp_path: Path) -> None:
    model = LanguageModel(None, N_WORDS, config_of(kind))
    assert (model.head is None) == (kind == "gpt2")  # its output weights are its word embeddings
    save_file(model.state_dict(), tmp_path / "weights.safetensors")  # refuses weights that share memory


def test_a_model_of_fewer_words_than_the_tokeniser_is_refused() -> None:
    with pytest.raises(ConfigError, match="knows 30 tokens but the tokeniser gives out 31"):
        LanguageModel(None, N_WORDS + 1, config_of("llama"))


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere is neither a folder"):
        LanguageModel(str(tmp_path / "nowhere"), N_WORDS)


def meta_size(build: Callable[[], LanguageModel]) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build().parameters() if parameter.requires_grad)


def test_builds_without_memory_for_its_weights() -> None:
    config = GPT2Config(n_embd=1024, n_layer=24, n_head=16)
    # Of each layer: c_attn 1024 x 3072, c_proj 1024 x 1024, c_fc 1024 x 4096, c_proj 4096 x 1024; rank 64.
    per_layer = 64 * ((1024 + 3072) + (1024 + 1024) + 2 * (1024 + 4096))
    assert meta_size(lambda: LanguageModel(None, 50257, config, 64, 128, 0.1)) == 24 * per_layer
