"""How a method learns: solved at once, trained in one stage, or pre-trained on pairs and then trained on labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import lightning
import polars as pl
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.strategies import DDPStrategy, Strategy
from omegaconf import DictConfig, ListConfig

from ecgmm.building import construct
from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.errors import ConfigError, UserError
from ecgmm.files import inside
from ecgmm.models.method import Method, Stage
from ecgmm.runs.checkpoints import BEST, CHECKPOINTS, PRETRAIN, going_on_from, not_of_this_run, read_checkpoint
from ecgmm.training.frozen_texts import know_frozen_texts
from ecgmm.training.lightning.checkpoint_io import AtomicCheckpointIO, MovableCheckpoint
from ecgmm.training.lightning.epoch_timer import EpochTimer
from ecgmm.training.lightning.history import History
from ecgmm.training.lightning.resume import CheckpointInsideEpoch, ResumeInsideEpoch
from ecgmm.training.lightning.shared_batch_norm import SharedBatchNorm
from ecgmm.training.lightning.stopping import StopTogether
from ecgmm.training.memory import keep_freed_memory
from ecgmm.training.predictions import predict_frame
from ecgmm.training.readouts import TrainedSplit, label_free_columns
from ecgmm.training.task import DiagnosisTask

MONITOR = "val/auroc_macro"
_Callback = TypeVar("_Callback", bound=Callback)


def stages_of(method: Method, stages: str) -> tuple[Stage, ...]:
    """The stages that a method goes through under ``stages=joint`` or ``stages=two``."""
    return ("pretrain", "classify") if stages == "two" and method.two_stages else ("joint",)


class StageTrainer(NamedTuple):
    """What trains one stage, and the clock of its epochs."""

    stage: Stage
    trainer: lightning.Trainer
    timer: EpochTimer


def learn(
    trainers: Sequence[StageTrainer], task: DiagnosisTask, datamodule: EcgReportDataModule, directory: Path
) -> tuple[pl.DataFrame, float | None]:
    """Solve or train a method, going on from its last checkpoint, and predict validation and test.

    Args:
        trainers: As ``build_trainers`` returns them.
        task: Holds the method; has the best epoch's weights afterwards.
        datamodule: The data.
        directory: The run directory.

    Returns:
        The frame of ``predict_frame`` with columns for each readout and class, and the seconds of the median epoch of
        the last stage (None for a closed form).
    """
    label_free: list[pl.DataFrame] = []
    datamodule.place(trainers[0].trainer.strategy.root_device)
    know_frozen_texts(task.method, datamodule, trainers[0].trainer.strategy.root_device)
    for stage, trainer, _ in trainers:
        task.enter(stage)
        if not task.method.closed_form:
            _fit(stage, trainer, task, datamodule, directory)
        if stage == "pretrain":
            label_free.append(label_free_columns(trainer, task, datamodule))
    _, trainer, timer = trainers[-1]
    task.method.after_training(TrainedSplit(trainer, task, datamodule))
    frame = predict_frame(trainer, task, datamodule, ("val", "test"))
    return pl.concat([frame, *label_free], how="horizontal"), timer.median_s


def _fit(
    stage: Stage, trainer: lightning.Trainer, task: DiagnosisTask, datamodule: EcgReportDataModule, directory: Path
) -> None:
    place = _place(stage)
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
    found = _check_fits(best, task)
    wanted = _callback(trainer, MovableCheckpoint).best_epoch
    if wanted is not None and found["epoch"] != wanted:
        raise not_of_this_run(best)
    task.load_state_dict(found["state_dict"])


def _check_fits(path: Path, task: DiagnosisTask) -> dict[str, Any]:
    """Read a checkpoint whose weights are of the task's names and shapes, and finite.

    Raises:
        DataError: If they are not.
    """
    found = read_checkpoint(path)
    own, saved = task.state_dict(), found["state_dict"]
    if not isinstance(saved, dict) or own.keys() != saved.keys():
        raise not_of_this_run(path)
    if any(len(found[name]) != 1 for name in ("optimizer_states", "lr_schedulers")):
        raise not_of_this_run(path)
    if not all(isinstance(saved[name], torch.Tensor) and saved[name].shape == own[name].shape for name in own):
        raise not_of_this_run(path)
    return found


def _callback(trainer: lightning.Trainer, kind: type[_Callback]) -> _Callback:
    """The one callback of exactly that class."""
    (found,) = [one for one in trainer.callbacks if type(one) is kind]  # type: ignore[attr-defined]  # lightning has it
    return found


def _place(stage: Stage) -> tuple[str, ...]:
    return (PRETRAIN,) if stage == "pretrain" else ()


def checkpoint_folder(directory: Path, stage: Stage) -> Path:
    """Where the checkpoints of a stage are; those of the last one are the run's."""
    return inside(directory, CHECKPOINTS, *_place(stage))


def build_trainers(config: DictConfig, directory: Path, method: Method) -> list[StageTrainer]:
    """A Trainer for each stage of a run, in their order, which write one history."""
    keep_freed_memory()
    history = History(directory / "history.csv")
    return [_build_trainer(config, directory, stage, history) for stage in stages_of(method, config.stages)]


def _build_trainer(config: DictConfig, directory: Path, stage: Stage, history: History) -> StageTrainer:
    """The Trainer of a stage, with checkpoints of the last step saved and of the best epoch by validation macro AUROC.

    Pre-training never looks at a label, so its last epoch counts as its best.
    """
    pretraining = stage == "pretrain"
    checkpoint = MovableCheckpoint(
        checkpoint_folder(directory, stage),
        filename="best",
        monitor=None if pretraining else MONITOR,
        mode="max",
        save_last=True,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    timer = EpochTimer()
    minutes = config.checkpoint_minutes
    inside = [] if minutes is None else [CheckpointInsideEpoch(checkpoint_folder(directory, stage), minutes)]
    trainer = construct_trainer(
        config.trainer,
        max_epochs=config.pretrain_epochs if pretraining else config.trainer.max_epochs,
        precision=precision_of(config.trainer.precision, config.trainer.accelerator),
        strategy=strategy_of(config.trainer, stage),
        sync_batchnorm=False,  # ours is the plugin
        plugins=[AtomicCheckpointIO(), *([SharedBatchNorm()] if config.trainer.sync_batchnorm else [])],
        callbacks=[history, timer, ResumeInsideEpoch(), StopTogether(), checkpoint, *inside],
        profiler=None if config.profile is None else construct(config.profile, directory=directory),
        default_root_dir=directory,
    )
    return StageTrainer(stage, trainer, timer)


def construct_trainer(settings: DictConfig, **more: Any) -> lightning.Trainer:
    """The Trainer of ``conf/trainer``.

    Raises:
        ConfigError: If Lightning cannot do what the settings ask for on this machine.
    """
    try:
        trainer: lightning.Trainer = construct(settings, **more)
    except MisconfigurationException as error:
        raise ConfigError(f"the trainer cannot be set up so here: {' '.join(str(error).split())}") from None
    return trainer


def has_several_devices(trainer: DictConfig) -> bool:
    """Whether ``conf/trainer`` asks for more than one device, or for as many as there are."""
    devices = trainer.devices
    one = len(devices) == 1 if isinstance(devices, ListConfig) else str(devices) == "1"
    return trainer.num_nodes != 1 or not one


def strategy_of(trainer: DictConfig, stage: Stage) -> str | Strategy:
    """How the devices of ``conf/trainer`` train together; all processes hold the same buffers without being told.

    Raises:
        ConfigError: If it is no way that was tried.
    """
    if trainer.strategy not in ("auto", "ddp"):
        raise ConfigError(
            f"trainer.strategy is {trainer.strategy!r}; choose auto or ddp, for which the results are known to be those"
            " of one device (docs/how-to/devices.md)"
        )
    if trainer.strategy == "auto" and not has_several_devices(trainer):
        return "auto"
    # One of two stages leaves parts of the method out (ContrastiveMethod); to look for them takes time at each step.
    return DDPStrategy(find_unused_parameters=stage != "joint", broadcast_buffers=False)


def precision_of(precision: str, accelerator: str) -> Any:
    """Lightning's name for a precision.

    ``mixed_16`` is 16-mixed on a GPU, bf16-mixed on a CPU that has instructions for bfloat16, and 32-true on others,
    where emulated bfloat16 takes many times longer (benchmarks/precision.py).
    """
    if precision != "mixed_16":
        return precision
    if accelerator in ("gpu", "cuda") or (accelerator == "auto" and torch.cuda.is_available()):
        return "16-mixed"
    capabilities = torch.cpu.get_capabilities()
    return "bf16-mixed" if any(has for name, has in capabilities.items() if name.endswith("bf16")) else "32-true"
