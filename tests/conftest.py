"""A tiny synthetic workspace, made once a test process by the project itself, and one way to run its commands."""

import os
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import hypothesis
import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from torch import distributed

from ecgmm.commands import command_line

command_line.set_up_hydra()  # what commands do at their start; tests compose settings without one
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))  # what is tested must not depend on it
os.environ["WANDB_MODE"] = "offline"
hypothesis.settings.register_profile("ecgmm", deadline=None)  # a busy machine is no mistake
hypothesis.settings.load_profile("ecgmm")
LONGEST = ("test_documented_commands.py", "test_contributing.py", "test_damaged_files.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: else one process is at work on them long after the other has ended."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(LONGEST)))


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

    from ecgmm.configuration import CONF_DIR
    from ecgmm.data.preparation.opening import open_or_prepare

    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        return open_or_prepare(compose("train", quick_settings).data).path


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """Run an entry point in this process as its command line would: ``command("train", "seed=1") -> exit code``."""

    def run(module: str, *arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", [f"ecgmm.{module}", *arguments])
        GlobalHydra.instance().clear()
        try:
            command_line.run(import_module(f"ecgmm.{module}").main)
        except SystemExit as stopped:
            return int(stopped.code or 0)
        return 0

    before = dict(os.environ)
    yield run
    GlobalHydra.instance().clear()
    if distributed.is_initialized():  # by a run on several devices, be it one of them
        distributed.destroy_process_group()
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
