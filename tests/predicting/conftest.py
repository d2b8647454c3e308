"""Two tiny runs, trained once a test process, and one way to call the command."""

from collections.abc import Callable
from pathlib import Path

import pytest

import ecgmm
from tests.tiny_runs import QUICK

Predict = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def fusion(tiny_store: Path, tmp_path_factory: pytest.TempPathFactory) -> ecgmm.Run:
    """A run of one class a record, with a gate."""
    return ecgmm.train(ecgmm.open_store(tiny_store), "gated_fusion", tmp_path_factory.mktemp("fusion") / "run", **QUICK)


@pytest.fixture(scope="session")
def evidence(tiny_store: Path, tmp_path_factory: pytest.TempPathFactory) -> ecgmm.Run:
    """A run of several classes a record, which says how well report and waveform agree."""
    directory = tmp_path_factory.mktemp("evidence") / "run"
    return ecgmm.train(ecgmm.open_store(tiny_store), "evidence_fusion", directory, task="multilabel", **QUICK)


@pytest.fixture
def predict(command: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> Predict:
    """Run the command: its exit code and what it printed."""

    def predicted(run: ecgmm.Run, *arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = command("predict", f"run='{run.directory}'", *arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return predicted
