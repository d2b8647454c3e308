"""A tiny synthetic workspace, made once a test process by the project itself, and one way to run its commands."""

import copy
import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import torch
from hydra._internal.hydra import Hydra
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf
from torch import distributed

from ecgmm.commands import command_line
from ecgmm.configuration import CONF_DIR
from ecgmm.runs import provenance

command_line.set_up_hydra()  # what commands do at their start; tests compose settings without one
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))  # what is tested must not depend on it
os.environ["WANDB_MODE"] = "offline"
# A suite that is started in the background or by nohup ignores these, and so would all commands that it tries.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
hypothesis.settings.register_profile("ecgmm", deadline=None)  # a busy machine is no mistake
hypothesis.settings.load_profile("ecgmm")
LONGEST = (
    "test_documented_commands.py",
    "test_damaged_files.py",
    "test_store_commands.py",
    "test_methods.py",
    "test_published.py",
    "test_examples.py",
    "test_sweeps.py",
    "test_ddp_run.py",
    "test_ddp.py",
    "test_suite.py",
    "test_coverage.py",
    "test_contributing.py",
    "test_wheel.py",
    "test_stopping.py",
    "test_resume.py",
    "test_interrupted_elsewhere.py",
    "test_odd_values.py",
    "test_frozen_texts.py",
    "test_stages.py",
    "test_external_evaluation.py",
    "test_audit.py",
    "test_gpu.py",
    "test_run_page.py",
    "test_report.py",
    "test_leaves.py",
    "test_arguments.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Have xdist keep the order of files below; it would begin with those that have most tests."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: else one process is at work on them long after the other has ended."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(LONGEST)))


@pytest.fixture(autouse=True, scope="session")
def _asked_once() -> Iterator[None]:
    """Keep what each command asks for again: the files of ``conf/``, for Hydra and for us, and the commit of git.

    Hydra also composes all settings twice, at first only to see whether they make a sweep. Of the files of ``conf/``
    those of ``experiment`` alone can (``test_only_experiments_are_sweeps``).
    """
    load, contents, get_mode = OmegaConf.load, dict[str, Any](), Hydra.get_mode

    def from_memory(file: Any) -> Any:
        name = str(file if isinstance(file, str | Path) else file.name)
        if not name.startswith(f"{CONF_DIR}{os.sep}"):
            return load(file)
        if name not in contents:
            contents[name] = load(file)
        return copy.deepcopy(contents[name])

    def mode_of(hydra: Hydra, config_name: str | None, overrides: list[str]) -> Any:
        may_sweep = any("experiment" in text or "hydra.mode" in text for text in overrides)
        return get_mode(hydra, config_name, overrides) if may_sweep else None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OmegaConf, "load", from_memory)
        patch.setattr(Hydra, "get_mode", mode_of)
        patch.setattr(provenance, "commit_of", cache(provenance.commit_of))
        yield


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that holds raw/ and stores/ of this test process."""
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="session")
def quick_settings(workspace: Path) -> list[str]:
    """Overrides that make a training run a matter of seconds: few patients, a small network, two epochs."""
    return [
        "recipe=quick",
        "data.n_patients=90",
        f"paths.raw={workspace}/raw",
        f"paths.stores={workspace}/stores",
        "trainer.accelerator=cpu",
        "trainer.max_epochs=2",
        "trainer.enable_progress_bar=false",
        "logger=none",
        "page=false",
        "ecg_encoder.channels=[8,16]",
        "ecg_encoder.dim=16",
        "batch_size=32",
        "evaluation.n_resamples=20",
    ]


@pytest.fixture(scope="session")
def tiny_store(quick_settings: list[str]) -> Path:
    """The store that runs with ``quick_settings`` use."""
    from hydra import compose, initialize_config_dir

    from ecgmm.data.preparation.opening import open_or_prepare

    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        return open_or_prepare(compose("train", quick_settings).data).path


@pytest.fixture(scope="session")
def trained_once(quick_settings: list[str], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Finished runs by their settings, each trained once a test process; nobody changes them."""
    runs: dict[tuple[str, ...], Path] = {}

    def run(*overrides: str) -> Path:
        if overrides not in runs:
            directory = tmp_path_factory.mktemp("once") / "run"
            assert start("train", *quick_settings, *overrides, f"hydra.run.dir={directory}") == 0
            runs[overrides] = directory
        return runs[overrides]

    return run


def start(module: str, *arguments: str) -> int:
    """Run an entry point in this process as its command line would: ``start("train", "seed=1") -> exit code``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [f"ecgmm.{module}", *arguments])
        GlobalHydra.instance().clear()
        try:
            command_line.run(import_module(f"ecgmm.{module}").main)
        except SystemExit as stopped:
            return int(stopped.code or 0)
    return 0


@pytest.fixture
def command() -> Iterator[Callable[..., int]]:
    """Run an entry point as ``start`` does, and leave the process as it was after the test."""
    before = dict(os.environ)
    yield start
    GlobalHydra.instance().clear()
    if distributed.is_initialized():  # by a run on several devices, be it one of them
        distributed.destroy_process_group()
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
