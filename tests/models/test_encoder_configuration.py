"""Every configured encoder can be built and encodes a batch to the width that the configuration says."""

from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from transformers import BertConfig, BertModel

from ecgmm.building import construct
from tests.models.building import CONF

FROM_OTHER_GROUPS = {
    "data": {"rate_hz": 100},
    "from_data": {"vocabulary_size": 20},
    "ecg_encoder": {"dim": 128},
    "pretrained": {"name_or_path": None},
}
TINY_BERT = BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8)


def configured(group: str, name: str) -> DictConfig:
    root = OmegaConf.create({**FROM_OTHER_GROUPS, group: OmegaConf.load(CONF / group / f"{name}.yaml")})
    config: DictConfig = root[group]
    return config


def names(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


@pytest.mark.parametrize("name", names("ecg_encoder"))
def test_ecg_encoder(name: str) -> None:
    encoder = construct(configured("ecg_encoder", name))
    assert encoder(torch.randn(2, 12, 1000)).shape == (2, encoder.dim) == (2, 128)


@pytest.mark.parametrize("name", names("text_encoder"))
def test_text_encoder(name: str, tmp_path: Path) -> None:
    config = configured("text_encoder", name)
    if "name_or_path" in config:
        BertModel(TINY_BERT).save_pretrained(tmp_path)
        config.name_or_path = str(tmp_path)
    encoder = construct(config)
    ids = torch.tensor([[2, 3, 0], [0, 0, 0]])
    embedding = encoder(ids, ids > 0)
    assert embedding.shape == (2, encoder.dim) == (2, 128)
    assert torch.equal(embedding[1], torch.zeros(128))


def test_fresh_transformer_from_a_configuration() -> None:
    config = configured("text_encoder", "transformer")
    tiny = {"_target_": "transformers.BertConfig", "vocab_size": 20, "hidden_size": 8}
    config.merge_with({"config": {**tiny, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}})
    assert construct(config).model.config.num_hidden_layers == 1


def test_expected_encoders_are_shipped() -> None:
    assert {"conv", "resnet18", "resnet34"} <= set(names("ecg_encoder"))
    assert {"attention_pooling", "transformer"} <= set(names("text_encoder"))
