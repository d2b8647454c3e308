"""Settings build what is listed, and nothing else runs: the gadgets of shared models are data."""

from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # no stubs
from torch import nn

from ecgmm.building import construct, target_of
from ecgmm.configuration import CONF_DIR
from ecgmm.errors import ConfigError
from ecgmm.settings import TARGETS
from tests.gadgets import GADGETS


@pytest.mark.parametrize("gadget", GADGETS, ids=lambda gadget: str(gadget["_target_"])[:40])
@pytest.mark.parametrize(
    "wrap", [lambda node: node, lambda node: {"_target_": "torch.nn.CrossEntropyLoss", "x": [node]}]
)
def test_a_gadget_is_refused_wherever_it_stands(
    gadget: dict[str, Any], wrap: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"ecgmm/settings lists"):
        construct(wrap(gadget))
    assert not list(tmp_path.iterdir())


def test_plain_values_stay_what_they_are() -> None:
    loss = construct({"_target_": "torch.nn.CrossEntropyLoss", "label_smoothing": 0.25})
    assert isinstance(loss, nn.CrossEntropyLoss)
    assert loss.label_smoothing == 0.25
    waits = construct({"_target_": "torch.optim.AdamW", "_partial_": True, "lr": 0.5})
    assert waits([nn.Parameter()]).param_groups[0]["lr"] == 0.5
    assert construct({"folder": "${oc.env:HOME}", "a": [1, {"b": None}]}) == {
        "folder": "${oc.env:HOME}",
        "a": [1, {"b": None}],
    }


def test_arguments_of_the_caller_win() -> None:
    settings = {"_target_": "torch.nn.CrossEntropyLoss", "reduction": "sum"}
    assert construct(settings, reduction="mean").reduction == "mean"


def targets_of(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["_target_"]} if "_target_" in node else set()
        return own.union(*map(targets_of, node.values()))
    return set().union(*map(targets_of, node)) if isinstance(node, list) else set()


def test_the_list_holds_what_the_configuration_names_and_nothing_else() -> None:
    files = [path for path in CONF_DIR.rglob("*.yaml") if "hydra" not in path.parts]
    named = set().union(*(targets_of(yaml.safe_load(path.read_text())) for path in files))
    callbacks = (
        "ecgmm.commands.sweeps.RefuseUnfit",
        "ecgmm.commands.sweeps.ListFailures",
        "ecgmm.commands.known_paths.KnowPaths",
    )
    assert named - set(callbacks) == set(TARGETS)  # Hydra itself builds them


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_every_name_of_the_list_is_there(name: str) -> None:
    assert callable(target_of(name))
