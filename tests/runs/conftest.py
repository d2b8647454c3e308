"""One finished run, made once; commands that read it, in this process."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ecgmm.runs.run import Run
from ecgmm.runs.store_of_run import store_of_run
from tests.conftest import start

Outcome = tuple[int, str, str]
"""Exit code, standard output, standard error."""


@pytest.fixture(scope="session")
def run_settings(quick_settings: list[str]) -> list[str]:
    """Overrides of the run."""
    return [*quick_settings, "trainer.precision=32-true"]


@pytest.fixture(scope="session")
def finished(run_settings: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the paper's method, in two epochs; nobody changes it."""
    run = tmp_path_factory.mktemp("finished") / "outputs" / "run"
    assert start("train", *run_settings, "keep_checkpoints=true", f"hydra.run.dir={run}") == 0
    return run


@pytest.fixture(scope="session")
def store_path(finished: Path, workspace: Path) -> Path:
    """The run's store."""
    return store_of_run(Run.open(finished).facts.data.fingerprint, workspace / "stores", None, "stores").path


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of the run to change."""
    return shutil.copytree(finished, tmp_path / "outputs" / "run")


@pytest.fixture
def outcome(
    capfd: pytest.CaptureFixture[str], command: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Run a command on a run: its exit code and what it printed."""
    monkeypatch.setattr(logging, "raiseExceptions", False)  # a handler of the command before holds a closed stream

    def started(name: str, *arguments: str) -> Outcome:
        from importlib import import_module

        capfd.readouterr()
        code = import_module(name).main([*arguments]) if name.startswith("experiments.") else command(name, *arguments)
        return code, *capfd.readouterr()

    return started
