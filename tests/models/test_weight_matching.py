"""Names and shapes of given weights held against a small module, and the layers that encoders say."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from ecgmm.errors import ConfigError
from ecgmm.models.encoders import Layered
from ecgmm.models.weight_matching import Matching, match_weights, parts_with_weights, prefixes_to_try, put_weights
from tests.models.building import build


def module() -> nn.Module:
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    return nn.ModuleDict({"ecg_encoder": encoder, "other": nn.Linear(4, 4), "head": nn.Linear(4, 2)})


def match(given: Mapping[str, Tensor], parts: list[str] | None = None, strange: tuple[str, ...] = ()) -> Matching:
    method = module()
    places = ["", *(f"{part}." for part in parts or parts_with_weights(method))]
    return match_weights(method, given, parts, prefixes_to_try(), places, strange)


def weights(prefix: str = "", part: str = "") -> dict[str, Tensor]:
    return {
        prefix + name.removeprefix(part): torch.full_like(tensor, 7)
        for name, tensor in module().state_dict().items()
        if name.startswith(part)
    }


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "encoder.", "module.encoder.", "model.module."])
def test_what_other_programs_put_before_names_is_taken_off_and_said(prefix: str) -> None:
    matching = match(weights(prefix))
    assert matching.prefix == prefix
    assert matching.place == ""
    assert list(matching.matched) == list(module().state_dict())
    assert matching.left_over == matching.missing == matching.new == ()


@pytest.mark.parametrize("prefix", ["", "encoder."])
def test_weights_of_a_part_alone_go_to_that_part_and_to_no_other(prefix: str) -> None:
    method, given = module(), weights(prefix, "ecg_encoder.")
    matching = match(given, ["ecg_encoder"])
    put_weights(method, given, matching.matched)
    assert matching.place == "ecg_encoder."
    assert matching.is_whole("ecg_encoder")
    for name, tensor in method.state_dict().items():
        assert torch.equal(tensor, torch.full_like(tensor, 7)) == name.startswith("ecg_encoder."), name


def test_left_over_missing_and_new_names_are_told_apart() -> None:
    given = weights() | {"queue": torch.zeros(3), "head.weight": torch.zeros(71, 4)}
    del given["ecg_encoder.0.bias"], given["ecg_encoder.1.num_batches_tracked"]
    matching = match(given, strange=("head",))
    assert matching.left_over == ("head.weight", "head.bias", "queue")
    assert matching.missing == ("ecg_encoder.0.bias", "ecg_encoder.1.num_batches_tracked")
    assert matching.new == ("head.weight", "head.bias")
    assert not matching.is_whole("ecg_encoder")
    assert not matching.is_whole("head")
    assert matching.is_whole("other")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"fc.w": torch.zeros(2)}, "no given weight has a name of the method .they begin with fc.w"),
        ({"head.weight": torch.zeros(71, 4)}, "head.weight is 2 x 4 in the method and 71 x 4 in the given weights"),
        ({"head.bias": torch.zeros(2, dtype=torch.int8)}, "2 in the given weights|2 of whole numbers in the given"),
        ({"weight": torch.zeros(4, 4), "bias": torch.zeros(4)}, "can be read in several ways: nothing taken off"),
    ],
)
def test_what_does_not_fit_is_named(given: dict[str, Tensor], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        match(given)


@pytest.mark.parametrize("part", ["head", "nothing"])
def test_a_named_part_must_exist_and_get_weights(part: str) -> None:
    given = {name: tensor for name, tensor in weights().items() if name.startswith("other.")}
    with pytest.raises(ConfigError, match=f"init.parts names {part}"):
        match(given, ["other", part])


@pytest.mark.parametrize(
    ("method", "part", "overrides"),
    [
        ("ecg_only", "ecg_encoder", ()),
        ("ecg_only", "ecg_encoder", ("ecg_encoder=resnet18",)),
        ("k_merl", "ecg_encoder", ()),
        ("time_frequency", "frequency_encoder", ()),
        ("text_only", "text_encoder", ()),
        ("meit", "language_model", ()),
    ],
)
def test_the_layers_of_an_encoder_are_in_the_order_of_its_weights_and_hold_each_once(
    method: str, part: str, overrides: tuple[str, ...]
) -> None:
    encoder = build(method, "single_label", 0, *overrides).get_submodule(part)
    assert isinstance(encoder, Layered)
    layers = encoder.layer_prefixes()
    assert len(layers) > 1
    held = [
        [name for name, _ in encoder.named_parameters() if any(f"{name}.".startswith(f"{one}.") for one in prefixes)]
        for prefixes in layers
    ]
    assert all(held)
    assert len({name for names in held for name in names}) == sum(map(len, held))


def test_frozen_parts_stay_in_evaluation_and_learn_nothing() -> None:
    method = build("gated_fusion")
    method.freeze(["ecg_encoder", "head.bias"])
    method.eval()
    method.train()
    assert not any(part.training for part in method.get_submodule("ecg_encoder").modules())
    assert method.get_submodule("text_encoder").training
    learning = {name for name, parameter in method.named_parameters() if parameter.requires_grad}
    assert "head.weight" in learning
    assert not {name for name in learning if name.startswith("ecg_encoder.")} | ({"head.bias"} & learning)
