"""Published networks: what a file's weights compute here is what the published network computes, worked out apart."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.functional import batch_norm, conv1d, gelu, group_norm, layer_norm, linear, max_pool1d, pad, relu
from transformers import HubertConfig, HubertModel

from ecgmm.models.ecg_encoders.hubert_ecg import in_one_row
from ecgmm.models.ecg_encoders.window_encoder import WindowEncoder
from tests.models.published import random_state, tiny, tiny_shapes

State = dict[str, Tensor]
WINDOWS = torch.randn(2, 12, 2500, generator=torch.Generator().manual_seed(5))


def with_weights(kind: str) -> tuple[WindowEncoder, State]:
    encoder, state = tiny(kind), random_state(tiny_shapes(kind))
    encoder.load_state_dict(encoder.published_names(state), strict=False)
    return encoder, state


def merl(x: Tensor, state: State) -> Tensor:
    def norm(x: Tensor, name: str) -> Tensor:
        mean, var, weight, bias = (
            state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return batch_norm(x, mean, var, weight, bias)

    x = relu(norm(conv1d(x, state["conv1.weight"], stride=2, padding=3), "bn1"))
    for stage in range(1, 5):
        for block in range(2):
            at = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            y = relu(norm(conv1d(x, state[f"{at}.conv1.weight"], stride=stride, padding=1), f"{at}.bn1"))
            y = norm(conv1d(y, state[f"{at}.conv2.weight"], padding=1), f"{at}.bn2")
            if f"{at}.shortcut.0.weight" in state:
                x = norm(conv1d(x, state[f"{at}.shortcut.0.weight"], stride=stride), f"{at}.shortcut.1")
            x = relu(x + y)
    return x


def founder(x: Tensor, state: State) -> Tensor:
    def convolved(x: Tensor, name: str, stride: int = 1) -> Tensor:
        weight = state[f"{name}.conv.weight"]
        more = max(0, (-(-x.shape[-1] // stride) - 1) * stride + weight.shape[-1] - x.shape[-1])
        groups = x.shape[1] // weight.shape[1]
        return conv1d(pad(x, (more // 2, more - more // 2)), weight, state[f"{name}.conv.bias"], stride, groups=groups)

    def swish(x: Tensor) -> Tensor:
        return x * x.sigmoid()

    def dense(x: Tensor, name: str) -> Tensor:
        return linear(x, state[f"{name}.weight"], state[f"{name}.bias"])

    x = swish(convolved(x, "first_conv", 2))
    for stage, n_blocks in enumerate([1, 2]):
        for block in range(n_blocks):
            at, stride = f"stage_list.{stage}.block_list.{block}", 2 if block == 0 else 1
            y = convolved(x if stage == block == 0 else swish(x), f"{at}.conv1")
            y = convolved(swish(convolved(swish(y), f"{at}.conv2", stride)), f"{at}.conv3")
            gain = dense(swish(dense(y.mean(-1), f"{at}.se_fc1")), f"{at}.se_fc2").sigmoid()
            if block == 0:
                x = max_pool1d(pad(x, (0, 1)), 2)
            sides = (y.shape[1] - x.shape[1]) // 2
            x = torch.cat([x.new_zeros(len(x), sides, x.shape[2]), x, x.new_zeros(len(x), sides, x.shape[2])], dim=1)
            x = x + y * gain[..., None]
    return x


def hubert(x: Tensor, state: State) -> Tensor:
    config = HubertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        conv_dim=(8,) * 5,
        conv_kernel=(10, 3, 3, 2, 2),
        conv_stride=(4, 2, 2, 2, 2),
    )  # with everything else as the library has it, as in the published code
    model = HubertModel(config).eval()
    left = model.load_state_dict(state, strict=False)
    assert left.missing_keys == []
    states: Tensor = model(in_one_row(x)).last_hidden_state
    return states.transpose(1, 2)


def fm(x: Tensor, state: State) -> Tensor:
    def named(name: str) -> tuple[Tensor, Tensor]:
        return state[f"{name}.weight"], state[f"{name}.bias"]

    for layer in range(4):
        x = conv1d(x, state[f"feature_extractor.conv_layers.{layer}.0.weight"], stride=2)
        x = gelu(group_norm(x, x.shape[1], *named("feature_extractor.conv_layers.0.2")) if layer == 0 else x)
    x = layer_norm(x.transpose(1, 2), x.shape[1:2], *named("layer_norm"))
    x = linear(x, *named("post_extract_proj"))
    at = "conv_pos.pos_conv.0"
    direction = state[f"{at}.parametrizations.weight.original1"]
    length = state[f"{at}.parametrizations.weight.original0"]
    weight = length * direction / direction.square().sum(dim=(0, 1), keepdim=True).sqrt()
    places = conv1d(x.transpose(1, 2), weight, state[f"{at}.bias"], padding=64, groups=16)[..., :-1]
    width = x.shape[-1:]
    x = layer_norm(x + gelu(places).transpose(1, 2), width, *named("encoder.layer_norm"))
    for layer in range(2):
        at = f"encoder.layers.{layer}"
        q, k, v = (
            linear(x, *named(f"{at}.self_attn.{part}_proj")).unflatten(-1, (2, 16)).transpose(1, 2) for part in "qkv"
        )
        read = ((q @ k.transpose(-1, -2)) / 4).softmax(dim=-1) @ v
        x = x + linear(read.transpose(1, 2).flatten(2), *named(f"{at}.self_attn.out_proj"))
        x = layer_norm(x, width, *named(f"{at}.self_attn_layer_norm"))
        x = x + linear(gelu(linear(x, *named(f"{at}.fc1"))), *named(f"{at}.fc2"))
        x = layer_norm(x, width, *named(f"{at}.final_layer_norm"))
    return x.transpose(1, 2)


@pytest.mark.parametrize(
    ("kind", "apart"),
    [("merl", merl), ("ecg_founder", founder), ("hubert_ecg", hubert), ("ecg_fm", fm)],
    ids=["merl", "ecg_founder", "hubert_ecg", "ecg_fm"],
)
def test_it_computes_what_is_published(kind: str, apart: Callable[[Tensor, State], Tensor]) -> None:
    encoder, state = with_weights(kind)
    with torch.no_grad():
        here, there = encoder.window_features(WINDOWS), apart(WINDOWS, state)
    assert here.shape == there.shape
    assert here.shape[1] == encoder.n_channels
    torch.testing.assert_close(here, there, atol=1e-4, rtol=1e-4)
    assert there.std() > 1e-3


def test_the_whole_model_of_merl_and_a_file_saved_by_several_processes_hold_the_same_encoder() -> None:
    encoder, state = with_weights("merl")
    whole = {f"module.ecg_encoder.{name}": one for name, one in state.items()}
    others = ("downconv.weight", "att_pool_head.cls_token", "linear1.weight", "lm_model.embeddings.word.weight")
    whole |= {f"module.{name}": torch.zeros(3, 3, 3) for name in others}
    again = encoder.published_names(whole)
    assert all(torch.equal(one, again[name]) for name, one in encoder.published_names(state).items())


def test_a_fine_tuned_file_of_ecg_fm_holds_the_same_encoder() -> None:
    encoder, state = with_weights("ecg_fm")
    heads = ("quantizer", "project_q", "final_proj")
    tuned = {f"encoder.{name}": one for name, one in state.items() if not name.startswith(heads)}
    again = encoder.published_names({**tuned, "proj.weight": torch.zeros(17, 32), "proj.bias": torch.zeros(17)})
    assert all(torch.equal(one, again[name]) for name, one in encoder.published_names(state).items())


@pytest.mark.parametrize(
    ("kind", "at"), [("hubert_ecg", "encoder.pos_conv_embed.conv"), ("ecg_fm", "conv_pos.pos_conv.0")]
)
def test_files_of_torch_1_name_the_same_weights(kind: str, at: str) -> None:
    encoder, state = with_weights(kind)
    old = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): one
        for name, one in state.items()
    }
    assert f"{at}.weight_g" in old
    assert encoder.published_names(old).keys() == encoder.published_names(state).keys()


def test_a_fine_tuned_file_of_hubert_ecg_holds_the_same_encoder() -> None:
    encoder, state = with_weights("hubert_ecg")
    tuned = {f"hubert_ecg.{name}": one for name, one in state.items() if not name.startswith(("final_", "label_"))}
    again = encoder.published_names({**tuned, "classifier.weight": torch.zeros(5, 32)})
    assert all(torch.equal(one, again[name]) for name, one in encoder.published_names(state).items())
