"""Two tiny runs, trained once a test process, and one way to call the command."""

from collections.abc import Callable
from pathlib import Path

import pytest

import ecgmm

Predict = Callable[..., tuple[int, str, str]]
QUICK = {
    "recipe": "quick",
    "trainer__accelerator": "cpu",
    "trainer__max_epochs": 1,
    "trainer__enable_progress_bar": False,
    "ecg_encoder__channels": [8, 16],
    "ecg_encoder__dim": 16,
    "evaluation__n_resamples": 20,
}


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
