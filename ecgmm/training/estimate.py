"""Time that is left of a run, by a few of its own training steps on this machine."""

import json
import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import Callback

from ecgmm.files import inside
from ecgmm.runs.directory import Standing, other_run, run_state
from ecgmm.runs.history import HISTORY, read_history
from ecgmm.training.build import Setup
from ecgmm.training.lightning.quiet import without_advice
from ecgmm.training.room import Room, room_of
from ecgmm.training.trainers import construct_trainer, precision_of

_STEPS = 8
_WARM_UP_STEPS = 3  # the first ones allocate and choose algorithms


class _StepTimer(Callback):
    """Durations of training and validation steps."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {"train": [], "val": []}
        self._started = 0.0

    def on_train_batch_start(self, *args: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def on_train_batch_end(self, *args: Any, **kwargs: Any) -> None:
        """Stop the clock."""
        self._stop("train")

    def on_validation_batch_start(self, *args: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def on_validation_batch_end(self, *args: Any, **kwargs: Any) -> None:
        """Stop the clock."""
        self._stop("val")

    def _stop(self, phase: str) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.seconds[phase].append(time.perf_counter() - self._started)

    def median_s(self, phase: str) -> float:
        """Seconds of the median step after warm-up."""
        taken = self.seconds[phase]
        return statistics.median(taken[_WARM_UP_STEPS:] or taken)


@dataclass(frozen=True)
class Job:
    """One run of a sweep.

    Attributes:
        directory: Where it is or will be.
        state: Of that directory.
        seconds_left: Of training.
        room: Bytes that it takes on the disk; none more where it is finished.
    """

    directory: Path
    state: Standing
    seconds_left: float
    room: Room


class Estimator:
    """Estimates of the time of runs before they are started; runs that differ in their seed only are timed once.

    Args:
        n_jobs: How many runs will share the machine's cores.
    """

    def __init__(self, n_jobs: int) -> None:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // n_jobs))
        self._measured: dict[str, tuple[float, int, Room]] = {}

    def job(self, setup: Setup, directory: Path) -> Job:
        """Estimate one run.

        Args:
            setup: Its data and settings.
            directory: Where it would be.

        Raises:
            ConfigError: If another run stands in the directory.
        """
        state = run_state(directory, setup.digest)
        if state == "other":
            raise other_run(directory)
        if state == "finished":
            return Job(directory, state, 0.0, Room(0, 0))
        key = json.dumps({name: value for name, value in setup.settings.items() if name != "seed"}, sort_keys=True)
        if key not in self._measured:
            with without_advice():
                self._measured[key] = _time_epoch(setup)
        seconds_per_epoch, n_epochs, room = self._measured[key]
        return Job(directory, state, seconds_per_epoch * (n_epochs - _epochs_done(directory)), room)


def _epochs_done(directory: Path) -> int:
    return read_history(directory, {}).height if inside(directory, HISTORY).exists() else 0


def _time_epoch(setup: Setup) -> tuple[float, int, Room]:
    """Seconds of training and validation of an epoch, the epochs of all stages, and the room on the disk."""
    method, datamodule, choice = setup.fresh_method(), setup.datamodule, setup.trainer_choice
    room = room_of(method, setup.settings["keep_checkpoints"])
    if method.closed_form:
        return 0.0, 0, room
    stages = setup.stages_of(method)
    task, timer = setup.task_of(method), _StepTimer()
    task.enter(stages[-1])
    trainer = construct_trainer(
        choice.trainer,
        max_epochs=1,
        limit_train_batches=_STEPS,
        limit_val_batches=_STEPS,
        precision=precision_of(choice.trainer["precision"], choice.trainer["accelerator"]),
        callbacks=[timer],
        enable_checkpointing=False,
        enable_progress_bar=False,
    )
    loaders = {"train": datamodule.train_dataloader(), "val": datamodule.val_dataloader()}
    trainer.fit(task, loaders["train"], loaders["val"])
    seconds = sum(len(loader) * timer.median_s(phase) for phase, loader in loaders.items())
    return seconds, sum(choice.max_epochs(stage) for stage in stages), room
