"""Files in the form of the public ones, given to a run: the network has their weights, and frozen it keeps them."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import ecgmm
from ecgmm.errors import ConfigError
from ecgmm.models.encoders import PublishedEncoder
from tests.models.published import random_state, tiny, tiny_shapes

SETTINGS = {"ecg_encoder": "merl", "ecg_encoder__width": 4, "init__parts": ["ecg_encoder.network"]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "res18_encoder.pth"
    torch.save(random_state(tiny_shapes("merl")), path)
    return path


def test_the_network_has_the_weights_of_the_file(file: Path, tiny_store: Path) -> None:
    store = ecgmm.open_store(tiny_store)
    method = ecgmm.build("ecg_only", store, **SETTINGS, init__weights=file, init__freeze=True)
    encoder = method.get_submodule("ecg_encoder")
    assert isinstance(encoder, PublishedEncoder)
    own = encoder.state_dict()
    given = encoder.published_names(random_state(tiny_shapes("merl")))
    assert all(torch.equal(own[name], weight) for name, weight in given.items())
    learning = {name for name, weight in encoder.named_parameters() if weight.requires_grad}
    assert learning == {"pooling.linear.weight", "pooling.linear.bias"}
    assert not method.train().get_submodule("ecg_encoder.network").training


def test_the_statistics_of_the_store_make_millivolts_of_its_z_scores(tiny_store: Path) -> None:
    store = ecgmm.open_store(tiny_store)
    encoder = ecgmm.build("ecg_only", store, ecg_encoder="merl", ecg_encoder__width=4).get_submodule("ecg_encoder")
    for name in ("lead_mean_mv", "lead_std_mv"):
        assert encoder.get_buffer(f"input.{name}").flatten().tolist() == pytest.approx(store.manifest[name])


def test_a_file_of_another_encoder_and_a_frozen_new_layer_are_refused(file: Path, tiny_store: Path) -> None:
    store = ecgmm.open_store(tiny_store)
    other = file.with_name("model.safetensors")
    save_file(random_state(tiny_shapes("hubert_ecg")), other)
    with pytest.raises(ConfigError, match="holds no weights of MERL's ResNet1d-18"):
        ecgmm.build("ecg_only", store, **SETTINGS, init__weights=other)
    whole = {**SETTINGS, "init__parts": ["ecg_encoder"]}
    with pytest.raises(ConfigError, match=r"without ecg_encoder\.pooling\.linear\.weight"):
        ecgmm.build("ecg_only", store, **whole, init__weights=file, init__freeze=True)


def test_every_published_encoder_fits_what_given_weights_look_for() -> None:
    assert all(isinstance(tiny(kind), PublishedEncoder) for kind in ("merl", "ecg_founder", "hubert_ecg", "ecg_fm"))
