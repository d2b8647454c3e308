"""``trainer.devices=2`` on the command line ends as one process does, also where a run changes between the two."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from ecgmm.files import read_json
from ecgmm.training.task import DiagnosisTask
from tests.patience import HUNG_S

STOPS_AT = 6  # in the second epoch of four steps
GATED_FUSION = ("method.dropout=0", "text_encoder.dropout=0")
MEIT = ("method=meit", "optimizer.eps=1e-4")
WITHOUT_CHANCE = (
    "ecg_encoder.dropout=0",
    "augmentation=none",
    "trainer.precision=32-true",
    "checkpoint_minutes=0",
)
# Lightning starts the second process with the command line of the first, so the first has to have one.
SCRIPT = """
import os
from ecgmm.commands import command_line
from ecgmm.train import main
from ecgmm.training.task import DiagnosisTask
original, left = DiagnosisTask.training_step, [int(os.environ["STEPS"])]
def step(*arguments):
    left[0] -= 1
    if left[0] < 0:
        raise RuntimeError("power failure")
    return original(*arguments)
DiagnosisTask.training_step = step
if __name__ == "__main__":
    command_line.run(main)
"""


@pytest.fixture
def one(command: Callable[..., int], quick_settings: list[str], tmp_path: Path) -> Callable[..., Path]:
    """Train in this process; returns the run directory."""

    def run(name: str, *settings: str) -> Path:
        chosen = (*quick_settings, *WITHOUT_CHANCE, *(settings or GATED_FUSION))
        assert command("train", *chosen, f"hydra.run.dir={tmp_path / name}") == 0
        return tmp_path / name

    return run


@pytest.fixture
def two(tiny_store: Path, quick_settings: list[str], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Train in two processes."""
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)

    def run(name: str, n_steps: int = 1000, *settings: str) -> subprocess.CompletedProcess[str]:
        place = ("trainer.devices=2", f"hydra.run.dir={tmp_path / name}")
        chosen = (*quick_settings, *WITHOUT_CHANCE, *(settings or GATED_FUSION), *place)
        environment = {**os.environ, "STEPS": str(n_steps), "OMP_NUM_THREADS": "1"}
        return subprocess.run(
            [sys.executable, str(script), *chosen], env=environment, capture_output=True, text=True, timeout=HUNG_S
        )

    return run


@contextmanager
def steps_left(n_steps: int) -> Iterator[None]:
    """Context in which training in this process breaks off after so many steps."""
    left, original = [n_steps], DiagnosisTask.training_step

    def step(*arguments: object) -> torch.Tensor:
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("power failure")
        return original(*arguments)  # type: ignore[arg-type]  # as Lightning passes them

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DiagnosisTask, "training_step", step)
        yield


def assert_same(run: Path, other: Path) -> None:
    weights, expected = (load_file(path / "model" / "model.safetensors") for path in (run, other))
    torch.testing.assert_close(weights, expected, atol=1e-5, rtol=1e-4)
    measured, metrics = (read_json(path / "metrics.json", "") for path in (run, other))
    assert measured.keys() == metrics.keys()
    for name in (name for name in metrics if name.startswith(("test/", "val/")) and "value" in metrics[name]):
        assert measured[name]["value"] == pytest.approx(metrics[name]["value"], abs=1e-4), name
    predicted, frame = (pl.read_parquet(path / "predictions.parquet") for path in (run, other))
    assert predicted["row"].to_list() == frame["row"].to_list()
    assert predicted["row"].is_unique().all()
    names = [name for name in frame.columns if name.startswith("probability.")]
    assert np.abs(predicted.select(names).to_numpy() - frame.select(names).to_numpy()).max() < 1e-5
    histories = [pl.read_csv(path / "history.csv") for path in (run, other)]
    assert histories[0].columns == histories[1].columns
    assert np.abs(histories[0].to_numpy() - histories[1].to_numpy()).max() < 1e-3


@pytest.mark.slow
def test_two_processes_end_as_one_and_a_run_changes_between_them_inside_an_epoch(
    one: Callable[..., Path], two: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    expected = one("one")
    finished = two("two")
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.count("test/auroc_macro") == 1  # one process prints
    assert "Warning" not in finished.stderr
    assert_same(tmp_path / "two", expected)
    assert not list(tmp_path.glob("*.lock"))

    assert "power failure" in two("two-one", STOPS_AT).stderr
    assert_same(one("two-one"), expected)

    with steps_left(STOPS_AT), pytest.raises(RuntimeError, match="power failure"):
        one("one-two")
    assert two("one-two").returncode == 0
    assert_same(tmp_path / "one-two", expected)


@pytest.mark.slow
def test_a_run_goes_on_sharded_over_two_processes_and_back(
    one: Callable[..., Path], two: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    expected = one("one", *MEIT)
    with steps_left(2), pytest.raises(RuntimeError, match="power failure"):
        one("changing", *MEIT)
    assert "power failure" in two("changing", 3, *MEIT, "trainer.strategy=fsdp2").stderr  # in the second epoch
    assert_same(one("changing", *MEIT), expected)


@pytest.mark.parametrize(
    ("settings", "cure"),
    [
        (("trainer.devices=2", "seed=1,2", "hydra.mode=MULTIRUN"), "set trainer.devices=1"),
        (("trainer.strategy=fsdp",), "auto, ddp, fsdp2"),
        (("trainer.strategy=fsdp2",), "method=gated_fusion has none"),
    ],
)
def test_what_is_not_known_to_give_the_same_is_refused(
    command: Callable[..., int],
    quick_settings: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    settings: tuple[str, ...],
    cure: str,
) -> None:
    places = (f"hydra.run.dir={tmp_path / 'run'}", f"hydra.sweep.dir={tmp_path / 'sweep'}", "hydra/launcher=basic")
    assert command("train", *quick_settings, *settings, *places) == 2
    assert cure in capsys.readouterr().err
