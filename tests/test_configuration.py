"""The configuration against the paper's Table 1, and against mistakes."""

import re
from pathlib import Path

import hydra
import pytest
from omegaconf import DictConfig

from ecgmm.configuration import CONF_DIR
from ecgmm.settings import compose

PAPER_TABLE_1 = {
    "seed": 42,
    "optimizer._target_": "torch.optim.AdamW",
    "optimizer.lr": 1e-4,
    "optimizer.weight_decay": 1e-2,
    "batch_size": 32,
    "trainer.max_epochs": 50,
    "warmup_fraction": 0.05,
    "trainer.gradient_clip_val": 1.0,
    "trainer.precision": "mixed_16",
    "data.window.length_s": 10,
    "data.rate_hz": 500,
    "text.max_tokens": 256,
    "method.lambda_cons": 0.1,
    "method.dropout": 0.1,
    "ecg_encoder.dropout": 0.1,
    "text_encoder.dropout": 0.1,
}


def composed(*overrides: str) -> DictConfig:
    return compose("train", overrides)


def value_at(config: DictConfig, key: str) -> object:
    node: object = config
    for part in key.split("."):
        assert isinstance(node, DictConfig)
        node = node[part]
    return node


@pytest.mark.parametrize("key", PAPER_TABLE_1)
def test_recipe_paper_is_table_1_to_the_letter(key: str) -> None:
    assert value_at(composed("recipe=paper", "data=mimic_iv_ecg"), key) == PAPER_TABLE_1[key]


def test_the_paper_is_the_default() -> None:
    config = composed()
    assert config.recipe == "paper"
    assert config.method._target_.endswith("GatedFusion")
    assert config.data.name == "synthetic"


def test_the_command_line_wins_over_the_recipe() -> None:
    assert composed("recipe=quick", "data.rate_hz=250", "optimizer.lr=0.5").data.rate_hz == 250


@pytest.mark.parametrize("name", sorted(path.stem for path in (CONF_DIR / "experiment").glob("*.yaml")))
def test_experiments_start_without_m_and_name_their_folder(name: str) -> None:
    file = CONF_DIR / "experiment" / f"{name}.yaml"
    # Hydra reads the package only from the first line, so the command stands on the second.
    assert file.read_text().splitlines()[:2] == ["# @package _global_", f"# python -m ecgmm.train +experiment={name}"]
    with hydra.initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        config = hydra.compose("train", [f"+experiment={name}"], return_hydra_config=True)
    if name != "profile":  # one run, not a sweep
        assert config.hydra.mode.name == "MULTIRUN"
        assert config.hydra.sweeper.get("params") or config.hydra.sweeper.own  # of a grid, of a search of rows
    assert config.name == name


def test_only_experiments_are_sweeps() -> None:
    """Tests of commands rely on it (``_asked_once`` in ``conftest.py``)."""
    others = [path for path in CONF_DIR.rglob("*.yaml") if path.parent.name != "experiment"]
    assert not [
        path for path in others if re.search(r"^hydra\.mode|^ *mode: *(RUN|MULTIRUN)", path.read_text(), re.MULTILINE)
    ]


def test_every_key_of_every_configuration_file_is_explained() -> None:
    files = [path for path in Path(CONF_DIR).rglob("*.yaml") if "hydra" not in path.parts]
    unexplained = [path for path in files if "#" not in path.read_text()]
    assert not unexplained


def test_the_shared_recipe_is_the_paper_s_by_another_name() -> None:
    assert composed("recipe=shared", "method=meit") == composed("recipe=paper", "method=meit")


@pytest.mark.parametrize("size", ["tiny", "base"])
def test_a_method_s_own_settings_reach_the_run(size: str) -> None:
    config = composed("recipe=native", "method=k_merl", f"size={size}", "stages=two")
    assert (config.recipe, config.batch_size, config.optimizer.lr, config.pretrain_epochs) == ("native", 512, 2e-4, 50)
    assert config.size == size


@pytest.mark.parametrize("name", sorted(path.stem for path in (CONF_DIR / "ablation").glob("*.yaml")))
def test_an_ablation_changes_one_part_of_the_method_or_its_text(name: str) -> None:
    of = ["method=evidence_fusion"] if name.startswith("evidence_") else []
    whole, changed = composed("recipe=quick", *of), composed("recipe=quick", f"+ablation={name}")
    parts = {key for key in whole if whole[key] != changed[key]} - {"ablation"}
    copies = {"method"} if parts - {"method"} else set()  # the method repeats the groups that it is made of
    if name == "robust_training":
        assert parts - copies == {"corruption", "waveform", "ema_decay"}, "what evidence_fusion takes by itself"
    else:
        assert len(parts - copies) == (0 if name in ("paper", "evidence_full") else 1)


def test_the_ablation_experiments_run_every_ablation() -> None:
    named = ["robust_training"]  # of any method
    with hydra.initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        for experiment in ("ablation", "evidence_ablation"):
            config = hydra.compose("train", [f"+experiment={experiment}"], return_hydra_config=True)
            named += config.hydra.sweeper.params["+ablation"].split(",")
    assert sorted(named) == sorted(path.stem for path in (CONF_DIR / "ablation").glob("*.yaml"))
