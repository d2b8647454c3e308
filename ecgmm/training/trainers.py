"""Lightning Trainers of a run, one for each stage of its method."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.plugins import LayerSync
from lightning.pytorch.profilers import PassThroughProfiler
from lightning.pytorch.strategies import DDPStrategy, ModelParallelStrategy, Strategy

from ecgmm.building import construct
from ecgmm.errors import ConfigError
from ecgmm.files import inside
from ecgmm.models.method import Method, Stage
from ecgmm.runs.checkpoints import CHECKPOINTS, PRETRAIN
from ecgmm.training.lightning.checkpoint_io import AtomicCheckpointIO, MovableCheckpoint
from ecgmm.training.lightning.epochs import EpochTimer, History
from ecgmm.training.lightning.resume import CheckpointInsideEpoch, ResumeInsideEpoch
from ecgmm.training.lightning.stopping import StopTogether
from ecgmm.training.memory import keep_freed_memory

MONITOR = "val/auroc_macro"
STRATEGIES = ("auto", "ddp", "fsdp2")
_NOTHING = nullcontext()


class Unprofiled(PassThroughProfiler):
    """Profiler that does nothing; Lightning's own makes a generator each of the 150 times that a step asks it."""

    def profile(self, action_name: str) -> Any:
        """Context of a part of the step."""
        return _NOTHING


class StageTrainer(NamedTuple):
    """Trainer of one stage, and the clock of its epochs."""

    stage: Stage
    trainer: lightning.Trainer
    timer: EpochTimer


@dataclass(frozen=True)
class TrainerChoice:
    """Settings of the Trainers of a run.

    Attributes:
        trainer: The setting ``trainer``, whose ``max_epochs`` are those of the last stage.
        pretrain_epochs: Epochs of pre-training.
        checkpoint_minutes: Minutes between checkpoints inside an epoch; None saves at the end of epochs only.
        profile: The setting ``profile``; None measures nothing.
        ema_decay: Largest decay of the average of weights over steps; None keeps the weights of the last step.
    """

    trainer: Mapping[str, Any]
    pretrain_epochs: int
    checkpoint_minutes: float | None
    profile: Mapping[str, Any] | None
    ema_decay: float | None = None

    def max_epochs(self, stage: Stage) -> int:
        """Epochs of a stage."""
        epochs: int = self.pretrain_epochs if stage == "pretrain" else self.trainer["max_epochs"]
        return epochs


def stages_of(method: Method, stages: str) -> tuple[Stage, ...]:
    """Stages that a method goes through under ``stages=joint`` or ``stages=two``."""
    return ("pretrain", "classify") if stages == "two" and method.two_stages else ("joint",)


def checkpoint_place(stage: Stage) -> tuple[str, ...]:
    """Folders below ``checkpoints`` for the checkpoints of a stage; those of the last stage are the run's."""
    return (PRETRAIN,) if stage == "pretrain" else ()


def build_trainers(choice: TrainerChoice, stages: Sequence[Stage], directory: Path) -> list[StageTrainer]:
    """Build a Trainer for each stage of a run, in their order; they write one history."""
    keep_freed_memory()
    history = History(directory / "history.csv")
    return [_build_trainer(choice, stage, directory, history) for stage in stages]


def _build_trainer(choice: TrainerChoice, stage: Stage, directory: Path, history: History) -> StageTrainer:
    """Build the Trainer of a stage; it saves the last step, and the best epoch by validation macro AUROC.

    Pre-training never looks at a label, so its last epoch counts as its best.
    """
    settings, folder = choice.trainer, inside(directory, CHECKPOINTS, *checkpoint_place(stage))
    checkpoint = MovableCheckpoint(
        folder,
        filename="best",
        monitor=None if stage == "pretrain" else MONITOR,
        mode="max",
        save_last=True,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    timer, minutes = EpochTimer(), choice.checkpoint_minutes
    more: list[Callback] = [] if minutes is None else [CheckpointInsideEpoch(folder, minutes)]
    if choice.ema_decay is not None:
        from ecgmm.training.lightning.averaged_weights import AveragedWeights

        more.append(AveragedWeights(choice.ema_decay))
    if settings["enable_progress_bar"]:
        from ecgmm.training.lightning.bar import TrainingBar

        more.append(TrainingBar())
    trainer = construct_trainer(
        settings,
        max_epochs=choice.max_epochs(stage),
        precision=precision_of(settings["precision"], settings["accelerator"]),
        strategy=strategy_of(settings, stage),
        sync_batchnorm=False,  # ours is the plugin
        plugins=[AtomicCheckpointIO(), *_layer_sync(settings)],
        callbacks=[history, timer, ResumeInsideEpoch(), StopTogether(), checkpoint, *more],
        profiler=Unprofiled() if choice.profile is None else construct(choice.profile, directory=directory),
        default_root_dir=directory,
    )
    return StageTrainer(stage, trainer, timer)


def _layer_sync(trainer: Mapping[str, Any]) -> list[LayerSync]:
    if not (trainer["sync_batchnorm"] and has_several_devices(trainer["devices"], trainer["num_nodes"])):
        return []
    from ecgmm.training.lightning.shared_batch_norm import SharedBatchNorm

    return [SharedBatchNorm()]


def construct_trainer(settings: Mapping[str, Any], **more: Any) -> lightning.Trainer:
    """Build the Trainer of the setting ``trainer``, with arguments beside or in place of it.

    Raises:
        ConfigError: If Lightning cannot do what the settings ask for on this machine.
    """
    try:
        trainer: lightning.Trainer = construct(settings, **more)
    except MisconfigurationException as error:
        raise ConfigError(f"the trainer cannot be set up so here: {' '.join(str(error).split())}") from None
    return trainer


def has_several_devices(devices: int | str | Sequence[int], num_nodes: int) -> bool:
    """Whether more than one device is asked for, or as many as there are."""
    one = str(devices) == "1" if isinstance(devices, int | str) else len(devices) == 1
    return num_nodes != 1 or not one


def refuse_missing_gpu(trainer: Mapping[str, Any]) -> None:
    """Refuse a setting ``trainer`` that names GPUs where there is none.

    Raises:
        ConfigError: If torch finds no GPU.
    """
    if torch.cuda.is_available():
        return
    if trainer["accelerator"] == "gpu":
        raise ConfigError("trainer.accelerator is 'gpu' and torch finds none here; choose cpu or auto")
    if not isinstance(trainer["devices"], int | str):
        raise ConfigError(f"trainer.devices is {trainer['devices']}, and torch finds no GPU here; say how many")


def refuse_unsharded(choice: TrainerChoice, method: Method) -> None:
    """Refuse ``trainer.strategy=fsdp2`` where it was not tried.

    Raises:
        ConfigError: If the method has no language model, or weights are averaged over the steps.
    """
    if choice.trainer["strategy"] != "fsdp2":
        return
    if not hasattr(method, "language_model"):
        raise ConfigError(
            f"trainer.strategy=fsdp2 splits a language model, and method={method.name} has none; choose auto or ddp"
        )
    if choice.ema_decay is not None:
        raise ConfigError("trainer.strategy=fsdp2 and ema_decay do not go together; set ema_decay=null")


def is_sharded(trainer: lightning.Trainer) -> bool:
    """Whether a Trainer splits the model over its processes."""
    return isinstance(trainer.strategy, ModelParallelStrategy)


def strategy_of(trainer: Mapping[str, Any], stage: Stage) -> str | Strategy:
    """How the devices of the setting ``trainer`` train together; all processes hold the same buffers untold.

    Raises:
        ConfigError: If it is no way that was tried.
    """
    if trainer["strategy"] not in STRATEGIES:
        raise ConfigError(
            f"trainer.strategy is {trainer['strategy']!r}; choose auto, ddp or fsdp2, for which the results are known"
            " to be those of one device (docs/how-to/devices.md)"
        )
    if trainer["strategy"] == "fsdp2":
        from ecgmm.training.lightning.sharded import Sharded  # only where a model is split

        return Sharded()
    if trainer["strategy"] == "auto" and not has_several_devices(trainer["devices"], trainer["num_nodes"]):
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
