"""A signal stops training with its exit code and a sentence, and the same command ends as if it had not come."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ecgmm.data.batches.dataset import RecordDataset
from ecgmm.files import read_json
from ecgmm.training.lightning.checkpoint_io import AtomicCheckpointIO
from ecgmm.training.task import DiagnosisTask
from tests.patience import HUNG_S, process_of

Command = Callable[..., int]
FILES = ("metrics.json", "history.csv", "model/model.safetensors")


@pytest.fixture
def train(command: Command, quick_settings: list[str], tmp_path: Path) -> Callable[..., int]:
    def run(name: str, *overrides: str) -> int:
        settings = (*quick_settings, "checkpoint_minutes=0", *overrides)
        return command("train", *settings, f"hydra.run.dir={tmp_path / name}")

    return run


def signal_at(monkeypatch: pytest.MonkeyPatch, owner: type, method: str, call: int, number: int) -> None:
    """Send this process a signal at the n-th call of a method."""
    original, calls = getattr(owner, method), [0]

    def patched(*arguments: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] == call:
            os.kill(os.getpid(), number)
        return original(*arguments, **options)

    monkeypatch.setattr(owner, method, patched)


MOMENTS = [
    (DiagnosisTask, "training_step", 6, signal.SIGTERM),
    (RecordDataset, "announced_batch", 7, signal.SIGINT),  # while the prefetching thread works
    # Before the first checkpoint, in validation, while a checkpoint is written, and when all epochs are done.
    pytest.param(DiagnosisTask, "training_step", 1, signal.SIGINT, marks=pytest.mark.slow),
    pytest.param(DiagnosisTask, "validation_step", 2, signal.SIGHUP, marks=pytest.mark.slow),
    pytest.param(AtomicCheckpointIO, "save_checkpoint", 5, signal.SIGINT, marks=pytest.mark.slow),
    pytest.param(DiagnosisTask, "predict_step", 1, signal.SIGTERM, marks=pytest.mark.slow),
]


@pytest.mark.slow
@pytest.mark.parametrize(("owner", "method", "call", "number"), MOMENTS)
def test_stopped_at_any_moment_it_goes_on_and_ends_the_same(
    owner: type,
    method: str,
    call: int,
    number: signal.Signals,
    train: Callable[..., int],
    trained_once: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as patch:
        signal_at(patch, owner, method, call, number)
        assert train("stopped") == 128 + number
    printed = capfd.readouterr().err
    last_line = printed.strip().splitlines()[-1]
    assert last_line.startswith(f"stopped by {number.name}; {tmp_path / 'stopped'} is not finished; the same command ")
    assert "Traceback" not in printed
    assert "Exception ignored" not in printed
    assert not read_json(tmp_path / "stopped" / "run.json", "")["finished"]
    assert not (tmp_path / "stopped" / "metrics.json").exists()

    assert train("stopped") == 0
    assert not list((tmp_path / "stopped").rglob("*partial*"))
    whole = trained_once("checkpoint_minutes=0")
    for name in FILES:
        assert (tmp_path / "stopped" / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_disk_that_is_full_leaves_the_old_checkpoint(
    train: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original, calls = torch.save, [0]

    def save(checkpoint: Any, file: Any, *arguments: Any, **options: Any) -> None:
        calls[0] += 1
        if calls[0] == 4:
            raise OSError(28, "No space left on device")
        original(checkpoint, file, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", save)
        assert train("full") == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert message.startswith(f"error: no space left on the disk of {tmp_path / 'full'}")
    assert "set hydra.run.dir to another disk" in message
    assert not list((tmp_path / "full").rglob("*partial*"))
    assert torch.load(tmp_path / "full" / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] > 0
    assert train("full") == 0


@pytest.mark.parametrize(
    ("error", "words"),
    [(MemoryError("Unable to allocate 3.00 GiB for an array"), "too little memory for 3.00 GiB more"),
     (OSError(24, "Too many open files"), "ulimit -n"),
     (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), "the GPU has too little memory")],
)  # fmt: skip
@pytest.mark.parametrize("method", ["announced_batch", "training_step"])
def test_what_runs_short_in_training_is_a_sentence(
    method: str,
    error: Exception,
    words: str,
    train: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def short(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(RecordDataset if method == "announced_batch" else DiagnosisTask, method, short)
    assert train("short") == 2
    assert words in capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize(("devices", "number"), [(1, signal.SIGTERM), (2, signal.SIGTERM), (2, signal.SIGINT)])
def test_processes_that_train_together_stop_together(
    devices: int, number: signal.Signals, tiny_store: Path, quick_settings: list[str], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    long = [text.replace("max_epochs=2", "max_epochs=2000") for text in quick_settings]
    command = [sys.executable, "-m", "ecgmm.train", *long, f"trainer.devices={devices}", f"hydra.run.dir={run}"]
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}  # threads that wait for each other stall beside other tests
    with process_of(command, stderr=subprocess.PIPE, env=alone) as process:
        end = time.monotonic() + HUNG_S
        while not (run / "checkpoints" / "last.ckpt").exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(number)
        _, printed = process.communicate(timeout=HUNG_S)
    assert process.returncode == 128 + number
    assert printed.count(f"stopped by {number.name}") == 1
    assert "Traceback" not in printed
