"""Learning of a method: solved at once, trained in one stage, or pre-trained on pairs and then trained on labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import lightning
import polars as pl
import torch
from lightning.pytorch.callbacks import Callback

from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.errors import UserError
from ecgmm.files import inside
from ecgmm.models.method import Stage
from ecgmm.runs.checkpoints import BEST, CHECKPOINTS, going_on_from, not_of_this_run, read_checkpoint
from ecgmm.training.lightning.checkpoint_io import MovableCheckpoint
from ecgmm.training.lightning.epochs import History
from ecgmm.training.lightning.resume import ResumeInsideEpoch
from ecgmm.training.predictions import held_out_frame, predict_frame
from ecgmm.training.readouts import TrainedSplit, label_free_columns
from ecgmm.training.task import DiagnosisTask
from ecgmm.training.trainers import StageTrainer, checkpoint_place, is_sharded

_Callback = TypeVar("_Callback", bound=Callback)


def learn(
    trainers: Sequence[StageTrainer], task: DiagnosisTask, datamodule: EcgReportDataModule, directory: Path
) -> tuple[pl.DataFrame, float | None, pl.DataFrame | None]:
    """Solve or train a method, going on from its last checkpoint, and predict what is measured and held out.

    Args:
        trainers: As ``build_trainers`` returns them.
        task: Holds the method; has the weights of the best epoch afterwards.
        datamodule: The data.
        directory: The run directory.

    Returns:
        The frame of ``predict_frame`` with columns for each readout and class, the seconds of the median epoch of the
        last stage (None for a closed form), and the frame of ``held_out_frame`` (None where nothing is held out).
    """
    label_free: list[pl.DataFrame] = []
    device = trainers[0].trainer.strategy.root_device
    datamodule.place(device)
    if task.method.frozen_text_encoder() is not None:
        from ecgmm.training.frozen_texts import know_frozen_texts

        know_frozen_texts(task.method, datamodule, device)
    measured = tuple(split for split in datamodule.splits if split != "train")
    for stage, trainer, _ in trainers:
        task.enter(stage)
        if not task.method.closed_form and trainer.max_epochs:  # 0 leaves pre-training out
            _fit(stage, trainer, task, datamodule, directory)
        if stage == "pretrain":
            label_free.append(label_free_columns(trainer, task, datamodule, measured))
    _, trainer, timer = trainers[-1]
    task.method.after_training(TrainedSplit(trainer, task, datamodule))
    frame = predict_frame(trainer, task, datamodule, measured)
    held_out = held_out_frame(trainer, task, datamodule) if len(datamodule.held_out) else None
    if is_sharded(trainer):
        from ecgmm.training.lightning.sharded import put_together

        put_together(task.method)
    return pl.concat([frame, *label_free], how="horizontal"), timer.median_s, held_out


def _fit(
    stage: Stage, trainer: lightning.Trainer, task: DiagnosisTask, datamodule: EcgReportDataModule, directory: Path
) -> None:
    place = checkpoint_place(stage)
    going_on = going_on_from(directory, *place)
    if going_on is not None:
        states = _check_fits(going_on, task)["callbacks"]
        if not {_callback(trainer, kind).state_key for kind in (History, MovableCheckpoint)} <= states.keys():
            raise not_of_this_run(going_on)  # Lightning would go on without them, and forget the best epoch
    resume = _callback(trainer, ResumeInsideEpoch)
    try:
        trainer.fit(
            task,
            train_dataloaders=datamodule.train_dataloader(with_labels=stage != "pretrain"),
            val_dataloaders=datamodule.val_dataloader(),
            ckpt_path=None if going_on is None else str(going_on),
            weights_only=True,
        )
    except (LookupError, TypeError, AttributeError, AssertionError, ValueError) as error:
        if going_on is None or resume.is_over or isinstance(error, UserError):
            raise
        raise not_of_this_run(going_on) from error
    if trainer.is_global_zero:
        _callback(trainer, History).write()
    best = inside(directory, CHECKPOINTS, *place, BEST)
    checkpoint = _check_fits(best, task)
    wanted = _callback(trainer, MovableCheckpoint).best_epoch
    if wanted is not None and checkpoint["epoch"] != wanted:
        raise not_of_this_run(best)
    if is_sharded(trainer):
        from ecgmm.training.lightning.sharded import load_weights

        load_weights(task, checkpoint["state_dict"])
    else:
        task.load_state_dict(checkpoint["state_dict"])


def _check_fits(path: Path, task: DiagnosisTask) -> dict[str, Any]:
    """Read a checkpoint whose weights are of the task's names and shapes, and finite.

    Raises:
        DataError: If they are not.
    """
    checkpoint = read_checkpoint(path)
    own, saved = task.state_dict(), checkpoint["state_dict"]
    if not isinstance(saved, dict) or own.keys() != saved.keys():
        raise not_of_this_run(path)
    if any(len(checkpoint[name]) != 1 for name in ("optimizer_states", "lr_schedulers")):
        raise not_of_this_run(path)
    if not all(isinstance(saved[name], torch.Tensor) and saved[name].shape == own[name].shape for name in own):
        raise not_of_this_run(path)
    return checkpoint


def _callback(trainer: lightning.Trainer, kind: type[_Callback]) -> _Callback:
    """The only callback of exactly that class."""
    (callback,) = [one for one in trainer.callbacks if type(one) is kind]  # type: ignore[attr-defined]  # it has them
    return callback
