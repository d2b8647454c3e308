"""Sizes on the meta device: every method at both, and pre-trained towers against their published numbers."""

import json

import pytest
import torch
from omegaconf import OmegaConf

from benchmarks import sizes
from ecgmm.building import construct
from ecgmm.configuration import CONF_DIR
from ecgmm.models.language_model import LanguageModel
from ecgmm.models.text_encoders.transformer import Transformer

# With the pooler of 590,592 (for MiniLM 147,840) that is never built here.
PUBLISHED_ENCODERS = {"medcpt": 109_482_240, "minilm": 22_713_216}
PUBLISHED_LANGUAGE_MODELS = {
    "gpt2_medium": 354_823_168,
    "llama_3_2_1b": 1_235_814_400,
    "llama_2_7b": 6_738_415_616,
}


@pytest.mark.parametrize("size", ["tiny", "base"])
@pytest.mark.parametrize("method", sizes.METHODS)
def test_every_method_builds_without_weights_or_memory(method: str, size: str) -> None:
    config = sizes.configured(method, f"size={size}")
    parameters = list(sizes.build(config).parameters())
    assert {p.device.type for p in parameters} <= {"meta"}
    n_parameters = sum(p.numel() for p in parameters)
    assert (n_parameters < 1_000_000) == (size == "tiny" or not sizes.towers(config))


def test_of_a_large_language_model_only_adapters_learn() -> None:
    counted = sizes.count(sizes.configured("meit", "size=base", "pretrained=llama_2_7b"))
    assert counted.pretrained == "llama_2_7b"
    assert counted.parameters > PUBLISHED_LANGUAGE_MODELS["llama_2_7b"]
    assert counted.trainable < 0.05 * counted.parameters


def architecture(name: str) -> object:
    return construct(OmegaConf.load(CONF_DIR / "pretrained" / f"{name}.yaml").architecture)


@pytest.mark.parametrize(("name", "published"), PUBLISHED_ENCODERS.items())
def test_text_towers_have_their_published_sizes(name: str, published: int) -> None:
    with torch.device("meta"):
        encoder = Transformer(None, 1, dim=8, trainable_layers=None, dropout=0.1, config=architecture(name))
    pooler = encoder.width**2 + encoder.width
    assert sum(p.numel() for p in encoder.model.parameters()) + pooler == published


@pytest.mark.parametrize(("name", "published"), PUBLISHED_LANGUAGE_MODELS.items())
def test_language_models_have_their_published_sizes(name: str, published: int) -> None:
    with torch.device("meta"):
        model = LanguageModel(None, 1, config=architecture(name))
    assert sum(p.numel() for p in model.parameters()) == published


def test_every_pretrained_choice_is_checked() -> None:
    names = {path.stem for path in (CONF_DIR / "pretrained").glob("*.yaml")}
    # Bio_ClinicalBERT is BERT-base with a vocabulary of its own: see below.
    assert names == {*PUBLISHED_ENCODERS, *PUBLISHED_LANGUAGE_MODELS, "bio_clinical_bert"}
    assert set(sizes.LANGUAGE_MODELS) == set(PUBLISHED_LANGUAGE_MODELS)


def test_clinical_bert_is_bert_base_cased() -> None:
    with torch.device("meta"):
        config = architecture("bio_clinical_bert")
        encoder = Transformer(None, 1, dim=8, trainable_layers=None, dropout=0.1, config=config)
    assert sum(p.numel() for p in encoder.model.parameters()) + 768**2 + 768 == 108_310_272


def test_last_line_is_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sizes, "METHODS", ("majority",))
    monkeypatch.setattr("sys.argv", ["sizes"])
    sizes.main()
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [row["size"] for row in result["rows"]] == ["tiny", "base"]
    assert result["rows"][0]["parameters"] == 0
