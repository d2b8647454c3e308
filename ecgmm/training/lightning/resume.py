"""Resumption in the middle of an epoch: checkpoints inside it, and the states that Lightning leaves out of them.

Lightning restores weights, optimizer, schedule and counters. Left to do are the place in the loader's order (Lightning
2.6 saves it, and restores it only where no schedule has asked for the number of steps before), the random generators,
and the sums that the task keeps of an epoch. All but the generators are the same for any number of processes.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback

from ecgmm.data.batches.loader import rank_and_world_size
from ecgmm.training.lightning.checkpoint_io import MovableCheckpoint
from ecgmm.training.lightning.processes import of_all
from ecgmm.training.task import DiagnosisTask

LAST = "last"
_KEY = "inside_epoch"


class CheckpointInsideEpoch(MovableCheckpoint):
    """Checkpointing that replaces ``last.ckpt`` every few minutes.

    Args:
        folder: Where the checkpoints are.
        minutes: Least time between two.
    """

    def __init__(self, folder: Path, minutes: float) -> None:
        super().__init__(
            folder, filename=LAST, train_time_interval=timedelta(minutes=minutes), enable_version_counter=False
        )

    def on_train_batch_end(self, trainer: lightning.Trainer, *args: Any, **kwargs: Any) -> None:
        """Save, but not after the last step: Lightning would take the epoch for done, and its validation with it."""
        if not trainer.is_last_batch:
            super().on_train_batch_end(trainer, *args, **kwargs)


class ResumeInsideEpoch(Callback):
    """Saving and restoring of the states that Lightning leaves out; needed inside an epoch only."""

    def __init__(self) -> None:
        self._saved: dict[str, Any] | None = None
        self.is_over = False  # what fails before it is over fails by the checkpoint

    def on_save_checkpoint(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the states to a checkpoint."""
        assert isinstance(pl_module, DiagnosisTask)
        checkpoint[_KEY] = {
            "loader": _train_loader(trainer).state_dict(),
            "random": of_all(_random_state(pl_module)),
            "task": pl_module.epoch_state(),
        }

    def on_load_checkpoint(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Keep the states until training starts: what Lightning does before may draw random numbers."""
        self._saved = checkpoint[_KEY]

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Restore the states."""
        assert isinstance(pl_module, DiagnosisTask)
        saved, self._saved = self._saved, None
        if saved is not None:
            _restore(trainer, pl_module, saved)
        self.is_over = True


def _restore(trainer: lightning.Trainer, task: DiagnosisTask, saved: dict[str, Any]) -> None:
    _train_loader(trainer).load_state_dict(saved["loader"])
    rank, world_size = rank_and_world_size()
    if len(saved["random"]) == world_size:
        _restore_random_state(task, saved["random"][rank])
    else:
        task.seed_epoch()  # the rest of the epoch is drawn anew
    task.load_epoch_state(saved["task"])


def _random_state(task: DiagnosisTask) -> dict[str, torch.Tensor | None]:
    return {
        "cpu": torch.get_rng_state(),
        "gpu": torch.cuda.get_rng_state(task.device) if task.device.type == "cuda" else None,
        "task": task.generator.get_state(),
    }


def _restore_random_state(task: DiagnosisTask, state: dict[str, torch.Tensor | None]) -> None:
    assert state["cpu"] is not None
    assert state["task"] is not None
    torch.set_rng_state(state["cpu"])
    if state["gpu"] is not None and task.device.type == "cuda":
        torch.cuda.set_rng_state(state["gpu"], task.device)
    task.generator = torch.Generator(task.device)
    task.generator.set_state(state["task"])


def _train_loader(trainer: lightning.Trainer) -> Any:
    return trainer.train_dataloader
