"""The tables against ``conf/``: no key lacks an entry, no entry lacks a key, and every choice of every group fits."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # no stubs
from omegaconf import OmegaConf

from ecgmm.configuration import CONF_DIR
from ecgmm.data.batches.loader import SAMPLINGS
from ecgmm.data.batches.residency import RESIDENCIES
from ecgmm.data.batches.targets import KINDS, SELECTIONS
from ecgmm.data.sources.source import RATES_HZ
from ecgmm.data.store.splits import SPLITS
from ecgmm.errors import ConfigError
from ecgmm.settings import TARGETS, check_at, check_node, check_saved, checked, compose, ranges
from ecgmm.settings.entries import ENTRIES
from ecgmm.settings.kinds import Built, Group, Value
from ecgmm.settings.lookup import known_keys, specs_at
from ecgmm.text.policy import POLICIES as TEXT_POLICIES

FILES = sorted(path for path in CONF_DIR.rglob("*.yaml") if "hydra" not in path.parts)
GLOBAL = "# @package _global_"
MARKS = {"defaults", "hydra"}
METHODS = sorted(path.stem for path in (CONF_DIR / "method").glob("*.yaml"))
CONTROLS = [name for name in METHODS if "native:" not in (CONF_DIR / "method" / f"{name}.yaml").read_text()]


def nodes(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        yield from [value] if "_target_" in value else []
        for part in value.values():
            yield from nodes(part)


def content(path: Any) -> dict[str, Any]:
    """A file behind those of its folder that it takes its defaults from."""
    own = yaml.safe_load(path.read_text()) or {}
    parts = [path.with_name(f"{name}.yaml") for name in own.get("defaults", []) if isinstance(name, str)]
    shared = [content(part) for part in parts if part.exists()]
    return {key: value for part in [*shared, own] for key, value in part.items()}


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_the_keys_of_what_is_built_are_those_of_the_files(name: str) -> None:
    found = [
        set(node) - {"_target_", "_partial_", "defaults"}
        for path in FILES
        for node in nodes(content(path))
        if node["_target_"] == name
    ]
    fields = TARGETS[name].fields
    needed = {key for key, spec in fields.items() if not spec.optional}
    assert found
    assert all(needed <= keys <= set(fields) for keys in found), "a node lacks a key of the table, or has another"


def root_keys(entry: str) -> set[str]:
    file = content(CONF_DIR / f"{entry}.yaml")
    groups = {key for part in file["defaults"] if isinstance(part, dict) for key in part if not key.startswith("over")}
    keys = (set(file) - MARKS) | {group for group in groups if (CONF_DIR / group).is_dir() and not is_within(group)}
    added_groups = {"ablation", "experiment", "tuned"} if entry == "train" else set()
    added = [path for group in groups | added_groups for path in (CONF_DIR / group).glob("*.yaml")]
    return keys.union(*(set(content(path)) - MARKS for path in added if path.read_text().startswith(GLOBAL)))


def is_within(group: str) -> bool:
    """Whether the files of a group set a part of another key, as those of criterion do."""
    return any("# @package task." in path.read_text() for path in (CONF_DIR / group).glob("*.yaml"))


@pytest.mark.parametrize("entry", sorted(ENTRIES))
def test_the_keys_of_a_command_are_those_of_its_files(entry: str) -> None:
    assert set(ENTRIES[entry].fields) == root_keys(entry)


def test_the_keys_of_groups_are_those_of_their_files() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for path in FILES:
        own, group = content(path), path.parent.name
        if path.read_text().startswith(GLOBAL):
            for key, part in own.items():
                if isinstance(part, dict):
                    found[key] |= set(part)
        else:
            found[group] |= set(own)
    for key, spec in ENTRIES["train"].fields.items():
        if isinstance(spec, Group) and key in found:
            assert found[key] <= set(spec.fields), key
            assert (CONF_DIR / key).is_dir() is False or found[key] == set(spec.fields), key


def test_every_value_says_what_it_must_be_and_refuses_what_nothing_is() -> None:
    for key in known_keys():
        for entry in ENTRIES.values():
            for spec in specs_at(entry, key):
                if isinstance(spec, Value):
                    assert spec.words
                    assert not spec.fits(spec.converted({}))
                    assert not spec.fits(spec.converted(float("nan"))) or spec.form in ("text", "path")


@pytest.mark.parametrize(
    ("key", "choices"),
    [
        ("sampling", SAMPLINGS),
        ("data.residency", RESIDENCIES),
        ("task.selection", SELECTIONS),
        ("task.targets", KINDS),
        ("text.policy", TEXT_POLICIES),
    ],
)
def test_choices_are_those_of_the_code(key: str, choices: tuple[str, ...]) -> None:
    for choice in choices:
        check_at(key, choice)
    with pytest.raises(ConfigError, match=f"one of {', '.join(choices)}|it must be"):
        check_at(key, "other")


def choices() -> list[list[str]]:
    """As many compositions as there are methods, in which every choice of every group turns up."""
    models = ("ecg_encoder", "text_encoder", "gate", "consistency", "criterion")
    groups = ("recipe", "data", "labels", "task", *models, "logger")
    files = {group: sorted(path.stem for path in (CONF_DIR / group).glob("[!_]*.yaml")) for group in groups}
    combined = [
        [f"method={method}", *(f"{group}={names[place % len(names)]}" for group, names in files.items())]
        for place, method in enumerate(METHODS)
    ]
    for overrides, method in zip(combined, METHODS, strict=True):
        if "recipe=native" in overrides and method in CONTROLS:
            overrides[overrides.index("recipe=native")] = "recipe=quick"
    ablations = [[f"+ablation={path.stem}"] for path in sorted((CONF_DIR / "ablation").glob("*_*.yaml"))]
    return [*combined, ["method=k_merl", "size=base"], *ablations, ["+experiment=profile"], ["augmentation=none"]]


@pytest.mark.parametrize("overrides", choices(), ids=",".join)
def test_every_choice_of_every_group_fits(overrides: list[str]) -> None:
    config = compose("train", overrides)
    before = OmegaConf.to_yaml(config)
    assert OmegaConf.to_yaml(checked("train", config)) == OmegaConf.to_yaml(config) == before


METHOD = {
    "_target_": "ecgmm.models.methods.majority.Majority",
    "criterion": {"_target_": "torch.nn.CrossEntropyLoss"},
    "n_classes": 5,
}


@pytest.mark.parametrize(
    "change",
    [
        {"n_classes": None},
        {"n_classes": 10**400},
        {"n_classes": "5"},
        {"n_classes": float("nan")},
        {"n_classes": [[5]]},
        {"n_classes": "${oc.env:HOME}"},
        {"bogus": 1},
        {7: 1},
        {"_args_": []},
        {"_partial_": True},
        {"_target_": "os.system"},
        {"_target_": "ecgmm.models.methods.concat.Concat"},
        {"_target_": ["ecgmm.models.methods.majority.Majority"]},
        {"criterion": {"_target_": "torch.optim.AdamW", "_partial_": True, "lr": 1, "weight_decay": 0}},
        {"criterion": None},
    ],
    ids=str,
)
def test_a_method_of_others_has_exact_names_keys_and_plain_values(change: dict[Any, Any]) -> None:
    check_at("method", METHOD)
    check_node(METHOD, "node")
    with pytest.raises(ConfigError, match=r"^(there is no setting )?model\.json: method"):
        check_at("method", {**METHOD, **change}, "model.json: method")


def test_an_interpolation_in_the_text_of_others_is_refused() -> None:
    check_at("pretrained.name_or_path", "gpt2")
    with pytest.raises(ConfigError, match="without"):
        check_at("pretrained.name_or_path", "${oc.env:HOME}")


def test_a_saved_run_may_lack_keys_of_later_versions_and_has_no_others() -> None:
    check_saved({"seed": 42}, "config.yaml")
    with pytest.raises(ConfigError, match=r"config\.yaml\.seed is -1"):
        check_saved({"seed": -1}, "config.yaml")
    with pytest.raises(ConfigError, match="there is no setting"):
        check_saved({"sede": 1}, "config.yaml")


def test_splits_and_rates_are_those_of_the_code() -> None:
    assert ranges.SPLITS == SPLITS
    assert ranges.RATES_HZ == RATES_HZ


def test_targets_stand_where_they_may_be_built() -> None:
    named = {
        name
        for key in known_keys()
        for entry in ENTRIES.values()
        for spec in specs_at(entry, key)
        if isinstance(spec, Built)
        for name in spec.names
    }
    assert named == set(TARGETS)
