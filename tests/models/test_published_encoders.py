"""Published encoders: public files load by name and shape, others are refused, and every method can use them."""

import logging
from math import prod
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ecgmm.errors import ConfigError
from ecgmm.models.ecg_encoders.ecg_fm import EcgFm
from ecgmm.models.ecg_encoders.ecg_founder import EcgFounder
from ecgmm.models.ecg_encoders.hubert_ecg import HubertEcg
from ecgmm.models.ecg_encoders.merl import Merl
from ecgmm.models.ecg_encoders.window_encoder import WindowEncoder
from tests.models.building import batch_of, build
from tests.models.published import (
    INPUT,
    KINDS,
    Shapes,
    fm_shapes,
    founder_shapes,
    hubert_shapes,
    merl_shapes,
    random_state,
    tiny,
    tiny_shapes,
)

every_kind = pytest.mark.parametrize("kind", KINDS)
SLOW = ("ecg_founder", "hubert_ecg")  # their preparation takes its time
some_slow = pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.slow) if kind in SLOW else kind for kind in KINDS]
)
TINY = {
    "merl": ("ecg_encoder=merl", "ecg_encoder.width=4"),
    "ecg_founder": (
        "ecg_encoder=ecg_founder",
        *("ecg_encoder.stem_channels=4", "ecg_encoder.channels=[4,8]", "ecg_encoder.depths=[1,1]"),
        "ecg_encoder.group_width=2",
    ),
    **{
        kind: (
            f"ecg_encoder={kind}",
            *("ecg_encoder.width=32", "ecg_encoder.n_layers=1", "ecg_encoder.n_heads=2", "ecg_encoder.conv_channels=8"),
        )
        for kind in ("hubert_ecg", "ecg_fm")
    },
}
FROM_DATA = (
    "from_data.lead_mean_mv=[0,0,0,0,0,0,0,0,0,0,0,0]",
    "from_data.lead_std_mv=[1,1,1,1,1,1,1,1,1,1,1,1]",
)


def loaded(kind: str) -> WindowEncoder:
    encoder = tiny(kind)
    left = encoder.load_state_dict(encoder.published_names(random_state(tiny_shapes(kind))), strict=False)
    assert set(left.missing_keys) == {"pooling.linear.weight", "pooling.linear.bias"}
    assert left.unexpected_keys == []
    return encoder


def published(kind: str) -> WindowEncoder:
    """The encoder at its published size, without memory."""
    with torch.device("meta"):
        match kind:
            case "merl":
                return Merl(16, **INPUT, width=64)
            case "ecg_founder":
                channels, depths = [64, 160, 160, 400, 400, 1024, 1024], [2, 2, 2, 3, 3, 4, 4]
                return EcgFounder(16, **INPUT, stem_channels=64, channels=channels, depths=depths, group_width=16)
            case "hubert_ecg":
                return HubertEcg(16, **INPUT, width=512, n_layers=8, n_heads=8, conv_channels=512)
            case _:
                return EcgFm(16, **INPUT, width=768, n_layers=12, n_heads=12, conv_channels=256)


PUBLISHED = {
    "merl": merl_shapes(),
    "ecg_founder": founder_shapes(),
    "hubert_ecg": hubert_shapes(512, 8),  # small, which is quick to build
    "ecg_fm": fm_shapes(),
}


@pytest.mark.slow
@every_kind
def test_a_file_of_the_published_size_has_every_weight_in_its_shape(kind: str) -> None:
    encoder = published(kind)
    with torch.device("meta"):
        state = {name: torch.empty(shape) for name, shape in PUBLISHED[kind].items()}
    names = encoder.published_names(state)
    assert {name: one.shape for name, one in names.items()} == {
        name: one.shape for name, one in encoder.state_dict().items() if not name.startswith("pooling.")
    }


def test_derived_files_are_as_large_as_their_pages_say() -> None:
    def n_parameters(shapes: Shapes) -> int:
        return sum(prod(shape) for name, shape in shapes.items() if "running" not in name and "num_b" not in name)

    assert n_parameters(fm_shapes()) == pytest.approx(90.9e6, abs=0.05e6)  # README of ECG-FM
    large = hubert_shapes(960, 16, projected=512, codebooks=(100, 100))
    assert n_parameters(large) == pytest.approx(189e6, abs=0.5e6)  # page of hubert-ecg-large


@every_kind
def test_a_saved_file_comes_back_weight_by_weight(kind: str, tmp_path: Path) -> None:
    state = random_state(tiny_shapes(kind))
    save_file(state, tmp_path / "model.safetensors")
    encoder = tiny(kind)
    encoder.load_state_dict(encoder.published_names(load_file(tmp_path / "model.safetensors")), strict=False)
    own = sorted(one.flatten().tolist() for name, one in encoder.state_dict().items() if "pooling" not in name)
    given = [one.flatten().tolist() for one in state.values()]
    assert all(one in given for one in own)


@every_kind
def test_what_is_left_out_is_said(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    heads = {
        "merl": "need them: linear.",
        "ecg_founder": "need them: dense, first_bn, stage_list.*.block_list.*.bn1, stage_list.*.block_list.*.bn2, ",
        "hubert_ecg": "need them: final_proj, label_embedding, masked_spec_embed.",
        "ecg_fm": "need them: final_proj, mask_emb, project_q, quantizer.",
    }
    with caplog.at_level(logging.INFO, "ecgmm"):
        loaded(kind)
    assert heads[kind] in caplog.text


@every_kind
def test_a_file_of_another_encoder_is_refused_in_one_sentence(kind: str) -> None:
    for other in set(KINDS) - {kind}:
        with pytest.raises(ConfigError, match="holds no weights of") as refused:
            tiny(kind).published_names(random_state(tiny_shapes(other)))
        assert "\n" not in str(refused.value)


@every_kind
def test_a_file_without_one_of_its_weights_or_with_one_more_is_refused(kind: str) -> None:
    state = random_state(tiny_shapes(kind))
    (lost,) = (name for name in state if name in ("conv1.weight", "first_conv.conv.weight", "encoder.layer_norm.bias"))
    rest = {name: one for name, one in state.items() if name != lost}
    with pytest.raises(ConfigError, match="1 are missing"):
        tiny(kind).published_names(rest)
    with pytest.raises(ConfigError, match=r"they have no novel\.weight"):
        tiny(kind).published_names({**state, "novel.weight": torch.zeros(2)})


def test_the_file_for_one_lead_is_refused() -> None:
    state = random_state(founder_shapes(4, [4, 8], [1, 2], 2, n_classes=3, n_leads=1))
    with pytest.raises(
        ConfigError, match=r"first_conv.conv.weight is 4 x 1 x 16 in the file and 4 x 12 x 16 in theirs"
    ):
        tiny("ecg_founder").published_names(state)


@some_slow
@pytest.mark.parametrize("rate_hz", [100, 500])
@pytest.mark.parametrize("length_s", [2, 10, 13])
def test_any_length_and_rate_gives_one_finite_embedding_a_record(kind: str, rate_hz: int, length_s: int) -> None:
    encoder = tiny(kind, rate_hz=rate_hz)
    waveforms = torch.randn(2, 12, length_s * rate_hz)
    waveforms[0, 3] = 0  # a missing lead
    waveforms[1] = 0  # no waveform
    before = waveforms.clone()
    features = encoder.features(waveforms)
    assert features.shape[:2] == (2, encoder.n_channels)
    embedding = encoder.pooling(features)
    assert embedding.shape == (2, 16)
    assert embedding.isfinite().all()
    assert torch.equal(waveforms, before)


@some_slow
def test_a_record_is_read_alone_and_windows_count_alike(kind: str) -> None:
    encoder = loaded(kind)
    waveforms = torch.randn(3, 12, 1000)
    torch.testing.assert_close(encoder(waveforms)[:1], encoder(waveforms[:1]), atol=1e-4, rtol=1e-4)
    windows = encoder.input(waveforms)
    n = round(10 / encoder.expected.window_s)
    assert windows.shape[:3] == (3, n, 12)
    one_by_one = [encoder.pooling(encoder.window_features(windows[:, place])) for place in range(n)]
    torch.testing.assert_close(encoder(waveforms), torch.stack(one_by_one).mean(dim=0), atol=1e-4, rtol=1e-4)


@some_slow
def test_the_same_signal_at_another_rate_is_nearly_the_same(kind: str) -> None:
    times_s = torch.arange(5000) / 500
    phases = torch.arange(12).view(12, 1) / 4
    fast = (torch.sin(2 * torch.pi * 1.3 * times_s + phases) + 0.3 * torch.sin(2 * torch.pi * 8 * times_s))[None]
    at_500, at_100 = tiny(kind, rate_hz=500).input(fast), tiny(kind, rate_hz=100).input(fast[..., ::5])
    assert (at_500 - at_100).abs().mean() < 0.01 * at_500.std()


@pytest.mark.slow
@every_kind
@pytest.mark.parametrize("name", ["cross_modal_transformer", "ecg_doctor"])
def test_methods_learn_through_it_also_in_bf16(kind: str, name: str) -> None:
    batch = batch_of("single_label", n_times=300)
    method = build(name, "single_label", 0, *TINY[kind], *FROM_DATA)
    with torch.autocast("cpu", torch.bfloat16):
        output = method(batch)
    method.total_loss(method.losses(output, batch)).backward()
    encoder = method.get_submodule("ecg_encoder")
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in encoder.parameters())


@pytest.mark.slow
def test_ecg_founder_of_the_published_size_embeds_a_record() -> None:
    channels, depths = [64, 160, 160, 400, 400, 1024, 1024], [2, 2, 2, 3, 3, 4, 4]
    given: dict[str, Any] = {"stem_channels": 64, "channels": channels, "depths": depths, "group_width": 16}
    encoder = EcgFounder(16, **{**INPUT, "rate_hz": 500}, **given).eval()
    encoder.load_state_dict(encoder.published_names(random_state(founder_shapes())), strict=False)
    with torch.no_grad():
        features = encoder.features(torch.randn(1, 12, 5000))
    assert features.shape == (1, 1024, 20)
    assert features.isfinite().all()


@pytest.mark.slow
def test_compiled_parts_compute_the_same() -> None:
    encoder, waveforms = tiny("ecg_founder"), torch.randn(2, 12, 1000)
    with torch.no_grad():
        expected = encoder(waveforms)
        for part in encoder.children():
            part.compile(backend="aot_eager")
        torch.testing.assert_close(encoder(waveforms), expected, atol=1e-4, rtol=1e-4)
