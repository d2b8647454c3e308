"""What is left to do of a run, and how long that takes by a few of its own training steps on this machine."""

import json
import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from omegaconf import DictConfig, OmegaConf

from ecgmm.building import construct
from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.data.preparation.preparation import open_or_prepare, store_path
from ecgmm.data.sources.prepare_command import prepare_command
from ecgmm.errors import ConfigError
from ecgmm.files import inside
from ecgmm.runs.directory import RunState, config_digest, other_run, run_state
from ecgmm.runs.facts import HISTORY, read_history
from ecgmm.training.artefact import build_method
from ecgmm.training.learning import construct_trainer, precision_of, stages_of
from ecgmm.training.run import build_datamodule, build_task, build_texts

_STEPS = 8
_WARM_UP_STEPS = 3  # the first ones allocate and choose algorithms


class _StepTimer(Callback):
    """Seconds of each training and validation step."""

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
    """One run of a sweep: its directory, what stands there, and the seconds of training that are left."""

    directory: Path
    state: RunState
    seconds_left: float


class Estimator:
    """Looks at runs before they are started; runs that differ in their seed only are timed once.

    Args:
        n_jobs: How many runs will share the machine's cores.
    """

    def __init__(self, n_jobs: int) -> None:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // n_jobs))
        self._measured: dict[str, tuple[float, int]] = {}

    def job(self, config: DictConfig, directory: Path) -> Job:
        """Look at one run.

        Args:
            config: Its composed configuration.
            directory: Where it would be.

        Raises:
            ConfigError: If its store is not there, or another run stands in the directory.
        """
        store = store_path(construct(config.data))
        if not store.exists():
            raise ConfigError(f"{store} is not there yet; make it: {prepare_command(config.data)}")
        datamodule = build_datamodule(config, open_or_prepare(config.data))
        config.from_data = datamodule.facts()
        resolved = cast(dict[str, Any], OmegaConf.to_container(config, resolve=True))
        state = run_state(directory, config_digest(resolved, datamodule.store.fingerprint))
        if state == "other":
            raise other_run(directory)
        if state == "finished":
            return Job(directory, state, 0.0)
        key = json.dumps({name: value for name, value in resolved.items() if name != "seed"}, sort_keys=True)
        if key not in self._measured:
            self._measured[key] = _time_epoch(config, resolved, datamodule)
        seconds_per_epoch, n_epochs = self._measured[key]
        return Job(directory, state, seconds_per_epoch * (n_epochs - _epochs_done(directory)))


def _epochs_done(directory: Path) -> int:
    return read_history(directory, {}).height if inside(directory, HISTORY).exists() else 0


def _time_epoch(config: DictConfig, resolved: dict[str, Any], datamodule: EcgReportDataModule) -> tuple[float, int]:
    """Seconds of training and validation of an epoch, and the epochs of all stages; zeros where nothing is trained."""
    lightning.seed_everything(config.seed, workers=True, verbose=False)
    method = build_method(resolved, build_texts(config, datamodule))
    if method.closed_form:
        return 0.0, 0
    stages = stages_of(method, config.stages)
    task, timer = build_task(config, datamodule, method), _StepTimer()
    task.enter(stages[-1])
    trainer = construct_trainer(
        config.trainer,
        max_epochs=1,
        limit_train_batches=_STEPS,
        limit_val_batches=_STEPS,
        precision=precision_of(config.trainer.precision, config.trainer.accelerator),
        callbacks=[timer],
        enable_checkpointing=False,
        enable_progress_bar=False,
    )
    loaders = {"train": datamodule.train_dataloader(), "val": datamodule.val_dataloader()}
    trainer.fit(task, loaders["train"], loaders["val"])
    seconds = sum(len(loader) * timer.median_s(phase) for phase, loader in loaders.items())
    return seconds, sum(
        config.pretrain_epochs if stage == "pretrain" else config.trainer.max_epochs for stage in stages
    )
