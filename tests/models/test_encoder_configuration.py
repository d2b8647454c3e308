"""Every configured encoder is what the protocols promise: widths as configured, and parts that make up the whole."""

from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from transformers import BertConfig, BertModel

from ecgmm.building import construct
from ecgmm.models.ecg_encoders.convolutional import Convolutional
from ecgmm.models.ecg_encoders.ecg_fm import EcgFm
from ecgmm.models.ecg_encoders.ecg_founder import EcgFounder
from ecgmm.models.ecg_encoders.hubert_ecg import HubertEcg
from ecgmm.models.ecg_encoders.merl import Merl
from ecgmm.models.ecg_encoders.resnet1d import ResNet1d
from ecgmm.models.ecg_encoders.spectrogram import SpectrogramResNet
from ecgmm.models.encoders import EcgEncoder, FreezableTextEncoder, TextEncoder
from ecgmm.models.text_encoders.attention_pooling import AttentionPooling
from ecgmm.models.text_encoders.transformer import Transformer
from tests.models.building import CONF

FROM_OTHER_GROUPS = {
    "data": {"rate_hz": 100},
    "from_data": {"vocabulary_size": 20, "lead_mean_mv": [0.0] * 12, "lead_std_mv": [1.0] * 12},
    "ecg_encoder": {"dim": 128},
    "pretrained": {"name_or_path": None},
}
TINY_BERT = BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8)
TINY: dict[str, dict[str, object]] = {
    "ecg_founder": {"channels": [16, 16], "depths": [1, 1]},
    "ecg_fm": {"width": 32, "n_layers": 1, "n_heads": 2},
    "hubert_ecg": {"width": 32, "n_layers": 1, "n_heads": 2, "conv_channels": 16},
}
"""Sizes in place of those in the files of ``conf/``, which take too long here."""
# Checked by mypy: the shipped encoders fit the protocols.
ECG_ENCODERS: tuple[type[EcgEncoder], ...] = (
    Convolutional,
    ResNet1d,
    SpectrogramResNet,
    EcgFm,
    EcgFounder,
    HubertEcg,
    Merl,
)
TEXT_ENCODERS: tuple[type[TextEncoder], ...] = (AttentionPooling, Transformer)
FREEZABLE: tuple[type[FreezableTextEncoder], ...] = (Transformer,)


def configured(group: str, name: str) -> DictConfig:
    root = OmegaConf.create({**FROM_OTHER_GROUPS, group: OmegaConf.load(CONF / group / f"{name}.yaml")})
    config: DictConfig = root[group]
    return config


def names(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


@pytest.mark.parametrize("name", names("ecg_encoder"))
def test_ecg_encoder(name: str) -> None:
    encoder: EcgEncoder = construct(OmegaConf.merge(configured("ecg_encoder", name), TINY.get(name, {}))).eval()
    waveforms = torch.randn(2, 12, 1000)
    assert encoder(waveforms).shape == (2, encoder.dim) == (2, 128)
    features = encoder.features(waveforms)
    assert features.shape[:2] == (2, encoder.n_channels)
    torch.testing.assert_close(encoder.pooling(features), encoder(waveforms))


@pytest.mark.parametrize("name", names("text_encoder"))
def test_text_encoder(name: str, tmp_path: Path) -> None:
    config = configured("text_encoder", name)
    if "name_or_path" in config:
        BertModel(TINY_BERT).save_pretrained(tmp_path)
        config.name_or_path = str(tmp_path)
    encoder: TextEncoder = construct(config).eval()
    ids = torch.tensor([[2, 3, 0], [0, 0, 0]])
    embedding = encoder(ids, ids > 0)
    assert embedding.shape == (2, encoder.dim) == (2, 128)
    assert torch.equal(embedding[1], torch.zeros(128))
    states, words = encoder.token_states(ids, ids > 0), encoder.embed(ids)
    assert states.shape == words.shape == (2, 3, encoder.width)
    torch.testing.assert_close(encoder.summarise(states, ids > 0), embedding)
    torch.testing.assert_close(encoder.encode(words, ids > 0), embedding)


def test_fresh_transformer_from_a_configuration() -> None:
    config = configured("text_encoder", "transformer")
    tiny = {"_target_": "transformers.BertConfig", "vocab_size": 20, "hidden_size": 8}
    config.merge_with({"config": {**tiny, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}})
    assert construct(config).model.config.num_hidden_layers == 1


def test_only_a_frozen_encoder_is_frozen() -> None:
    fresh = Transformer(None, 20, dim=4, trainable_layers=1, dropout=0.0, config=TINY_BERT)
    frozen = Transformer(None, 20, dim=4, trainable_layers=0, dropout=0.0, config=TINY_BERT)
    assert all(isinstance(encoder, FreezableTextEncoder) for encoder in (fresh, frozen))
    assert (fresh.frozen, frozen.frozen) == (False, True)
    assert not isinstance(AttentionPooling(20, 4, 0.0), FreezableTextEncoder)


def test_expected_encoders_are_shipped() -> None:
    assert {"conv", "resnet18", "resnet34"} <= set(names("ecg_encoder"))
    assert {"attention_pooling", "transformer"} <= set(names("text_encoder"))
