"""Settings of the sources: what every one has stands once, and each composes as it says."""

from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # no stubs
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from ecgmm.configuration import CONF_DIR
from ecgmm.data.sources.prepare_command import prepare_command
from ecgmm.data.sources.source import flatten
from ecgmm.settings.targets_data import SOURCES

GROUPS = sorted(path.stem for path in (CONF_DIR / "data").glob("[!_]*.yaml"))
SHARED: dict[str, Any] = {
    "stores": "stores",
    "store": None,
    "rate_hz": 500,
    "window.length_s": 10.0,
    "window.mode": "center",
    "window.stride_s": 5.0,
    "window.pad": "zero",
    "split.seed": 42,
    "split.train": 0.7,
    "split.val": 0.15,
    "split.test": 0.15,
    "text.min_words": 1,
    "limit_mv": 10.0,
    "verify_checksums": True,
    "follow_links": False,
    "n_processes": None,
    "readers": 1,
    "residency": "disk",
}
OWN: dict[str, dict[str, Any]] = {
    "mimic_iv_ecg": {"root": None, "uv_per_step": 5.0, "notes_csv": None, "icd.csv": None, "icd.min_records": 2000},
    "ptb_xl": {"root": None, "uv_per_step": 1.0, "folds.train": None, "folds.val": [9], "folds.test": [10]},
    "synthetic": {"root": None, "uv_per_step": 5.0, "n_patients": 2400, "seed": 42, "icd.min_records": 50},
}


def content(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CONF_DIR / "data" / f"{name}.yaml").read_text())
    return loaded


def composed(group: str, *overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        data: DictConfig = compose("prepare", [f"data={group}", "paths.stores=stores", *overrides]).data
    return data


@pytest.mark.parametrize("group", GROUPS)
def test_a_source_composes_as_its_file_and_the_shared_one_say(group: str) -> None:
    flat = flatten(OmegaConf.to_container(composed(group), resolve=True))  # type: ignore[arg-type]  # a dict
    own = {key: value for key, value in flatten(content(group)).items() if key in SHARED}
    assert flat["name"] == group
    assert {key: flat[key] for key in SHARED} == {key: own.get(key, SHARED[key]) for key in SHARED}
    assert {key: flat[key] for key in OWN.get(group, {})} == OWN.get(group, {})
    assert all(own[key] != SHARED[key] for key in own), "what is no other than in _common.yaml stands there alone"


def test_every_source_has_one_file_and_one_entry() -> None:
    assert sorted(content(group)["_target_"] for group in GROUPS) == sorted(SOURCES)


def test_the_command_that_makes_a_store_names_what_differs_from_both_files() -> None:
    settings = composed("ptb_xl", "data.rate_hz=100", "data.folds.val=[8]")
    assert prepare_command(settings) == ("python -m ecgmm.prepare data=ptb_xl data.rate_hz=100 'data.folds.val=[8]'")
