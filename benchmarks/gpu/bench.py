"""What the questions share: the device, the data, and training steps by a plain loop."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from torch.nn.utils import clip_grad_norm_

from benchmarks.gpu.waits import waits_in
from ecgmm.commands.command_line import set_up_hydra
from ecgmm.configuration import CONF_DIR
from ecgmm.data.preparation.opening import open_or_prepare
from ecgmm.training.build import Setup, set_up
from ecgmm.training.task import DiagnosisTask
from ecgmm.types import Batch

DTYPES = {"32-true": torch.float32, "bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


@dataclass(frozen=True)
class Bench:
    """One measurement of one device.

    Attributes:
        device: What is measured. A CPU stands in for a GPU where ``small``.
        small: Whether every branch is only to be gone through: two steps, tiny tensors.
        overrides: Settings of the data, such as the folders they lie in.
        too_large: What the device has too little memory for, so far.
    """

    device: torch.device
    small: bool
    overrides: tuple[str, ...] = ()
    too_large: list[str] = field(default_factory=list)

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU."""
        return self.device.type == "cuda"

    @property
    def n_steps(self) -> int:
        """Steps of one timing: fewer than lie between two looks at the loss, for which the host waits."""
        return 2 if self.small else 40

    def setup(self, *overrides: str, recipe: str = "paper", batch_size: int = 256) -> Setup:
        """Choose data and settings of a run: by default the paper's method and recipe at 500 Hz."""
        size = ["recipe=quick", "batch_size=16"] if self.small else [f"recipe={recipe}", f"batch_size={batch_size}"]
        given = ["logger=none", f"trainer.accelerator={'gpu' if self.on_gpu else 'cpu'}", *size]
        set_up_hydra()
        with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
            config = compose("train", [*given, *self.overrides, *overrides])
        return set_up(config, open_or_prepare(config.data))

    @cached_property
    def papers(self) -> Setup:
        """Setup of the paper's method."""
        return self.setup()

    @contextmanager
    def within_memory(self, what: str) -> Iterator[None]:
        """Note what is too large for the device, and go on: the rest can still be measured."""
        try:
            yield
        except torch.OutOfMemoryError:
            self.too_large.append(what)

    def seconds(self, work: Callable[[], object], n_times: int = 1) -> float:
        """Seconds of a piece of work, once all that was asked for before is done, until it is done itself."""
        self.wait()
        started = time.perf_counter()
        for _ in range(n_times):
            work()
        self.wait()
        return (time.perf_counter() - started) / n_times

    def wait(self) -> None:
        """Wait for the device."""
        if self.on_gpu:
            torch.cuda.synchronize(self.device)


class Steps:
    """Training steps of a task by a plain loop: preparation, augmentation, forward, backward, clipping, optimizer.

    Args:
        task: What is trained; it moves to the device.
        device: Where.
        precision: Name in ``DTYPES``.
    """

    def __init__(self, task: DiagnosisTask, device: torch.device, precision: str) -> None:
        self.task, self.device, self.dtype = task.to(device).train(), device, DTYPES[precision]
        task.generator = torch.Generator(device)
        task.enter("joint")
        self.learning = [parameter for parameter in task.parameters() if parameter.requires_grad]
        self.optimizer = task.make_optimizer(iter(self.learning))
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.dtype == torch.float16)

    def __call__(self, batch: Batch) -> torch.Tensor:
        """Take a step; returns the loss."""
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            loss = self.task.training_step(batch, 0)
        self.optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        if self.scaler.is_enabled():
            self.scaler.unscale_(self.optimizer)
        clip_grad_norm_(self.learning, 1.0)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss.detach()

    def begin_epoch(self) -> None:
        """Seed, and count steps from 0, as an epoch of a run does."""
        self.task.on_train_epoch_start()

    def waits(self, batches: Iterable[Batch]) -> dict[str, int]:
        """What the host waits for in steps of batches (``waits_in``), fewer than lie between two looks at the loss."""

        def steps() -> None:
            self.begin_epoch()
            for batch in batches:
                self(moved(batch, self.device))

        return waits_in(steps, self.device)


def moved(batch: Batch, device: torch.device) -> Batch:
    """Copy a batch to a device; the host goes on meanwhile where the batch is pinned."""
    return Batch(*(values.to(device, non_blocking=True) for values in batch))


def first_batch(setup: Setup, device: torch.device) -> Batch:
    """First training batch of a setup, on a device."""
    return moved(setup.datamodule.train_dataloader().first(), device)


Found = dict[str, Any]
"""Figures of one question, as JSON has them."""
