"""What the framework costs: ``python -m benchmarks.trainer [--steps 60] [--repeats 5] [key=value ...]``.

Trains the configured method (by default the paper's, batch 32, 500 Hz, on synthetic data) for so many steps, by turns
with the Trainer as a run has it (``history.csv``, progress bar, checkpoints) and with a bare PyTorch loop over the same
batches: preparation, augmentation, forward, backward, clipping, optimizer, schedule. Each is timed over its training
steps; figures are medians, ratios those of neighbours. ``trainer_vs_bare`` is of the clock on the wall,
``trainer_vs_bare_processor`` of the time of the processor in all threads, which other work on the machine moves less;
of more than one thread it counts those that wait too. ``loader_wait`` is the part of the bare loop that waits for
batches. The last line is JSON.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Self, cast

import lightning
import torch
from hydra import compose, initialize_config_dir
from lightning.pytorch.callbacks import Callback
from torch.nn.utils import clip_grad_norm_

from ecgmm.commands.command_line import set_up_hydra
from ecgmm.configuration import CONF_DIR
from ecgmm.data.preparation.opening import open_or_prepare
from ecgmm.training.build import Setup, set_up
from ecgmm.training.trainers import precision_of


class Taken(NamedTuple):
    """Seconds by the clock on the wall, and of the processor in all threads of this process."""

    wall_s: float
    processor_s: float

    @classmethod
    def now(cls) -> Self:
        """What both clocks show."""
        return cls(time.perf_counter(), time.process_time())

    def since(self, started: "Taken") -> "Taken":
        """Time from one reading to this one."""
        return Taken(self.wall_s - started.wall_s, self.processor_s - started.processor_s)


class StepsClock(Callback):
    """Time from the first training batch of an epoch to its last, validation left out."""

    taken = Taken(0.0, 0.0)

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Start the clock."""
        self._started = Taken.now()

    def on_validation_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Stop it."""
        self.taken = Taken.now().since(self._started)


def by_trainer(setup: Setup, directory: Path, steps: int) -> Taken:
    """Time of the steps by the Trainer that a run has."""
    task, datamodule = setup.task_of(setup.fresh_method()), setup.datamodule
    (stage,) = setup.trainers_of(task.method, directory)
    clock = StepsClock()
    cast(Any, stage.trainer).callbacks.append(clock)
    stage.trainer.fit_loop.max_epochs = 1
    stage.trainer.limit_train_batches, stage.trainer.limit_val_batches = steps, 1
    task.enter(stage.stage)
    stage.trainer.fit(task, datamodule.train_dataloader(), datamodule.val_dataloader())
    return clock.taken


def by_hand(setup: Setup, steps: int) -> tuple[Taken, float]:
    """Time of the same steps by a plain loop, and the seconds of it that waited for the loader."""
    task, trainer = setup.task_of(setup.fresh_method()), setup.settings["trainer"]
    task.enter("joint")
    task.train()
    optimizer = task.make_optimizer(parameter for parameter in task.parameters() if parameter.requires_grad)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer)
    in_bfloat16 = precision_of(trainer["precision"], "cpu") == "bf16-mixed"
    torch.manual_seed(setup.settings["seed"])
    started, waited = Taken.now(), 0.0
    batches = iter(islice(setup.datamodule.train_dataloader(), steps))
    while True:
        asked = time.perf_counter()
        batch = next(batches, None)
        waited += time.perf_counter() - asked
        if batch is None:
            break
        if task.method.looks_at_waveforms:
            waveforms = task.preparation(batch.waveforms)
            if task.augmentation is not None:
                waveforms = task.augmentation(waveforms, task.generator)
            batch = batch._replace(waveforms=waveforms)
        with torch.autocast("cpu", torch.bfloat16, enabled=in_bfloat16):
            loss = task.method.total_loss(task.method.losses(task.method(batch), batch))
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(task.parameters(), trainer["gradient_clip_val"])
        optimizer.step()
        schedule.step()
    return Taken.now().since(started), waited


def main() -> None:
    """Measure, print and end with the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments, overrides = parser.parse_known_args()
    torch.set_num_threads(arguments.threads)
    given = ["logger=none", "trainer.accelerator=cpu", *overrides]
    set_up_hydra()
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        config = compose("train", given)
    setup = set_up(config, open_or_prepare(config.data))
    setup.datamodule.place(torch.device("cpu"))
    trainer: list[Taken] = []
    bare: list[Taken] = []
    waits: list[float] = []
    for _ in range(arguments.repeats):
        with tempfile.TemporaryDirectory() as folder:
            trainer.append(by_trainer(setup, Path(folder), arguments.steps))
        taken, waited = by_hand(setup, arguments.steps)
        bare.append(taken)
        waits.append(waited / taken.wall_s)
    pairs = list(zip(trainer, bare, strict=True))
    ratio = statistics.median(one.wall_s / other.wall_s for one, other in pairs)
    of_processor = statistics.median(one.processor_s / other.processor_s for one, other in pairs)
    per_step_ms = [1000 * statistics.median(one.wall_s for one in ways) / arguments.steps for ways in (trainer, bare)]
    result = {
        "benchmark": "trainer",
        "steps": arguments.steps,
        "batch_size": config.batch_size,
        "threads": arguments.threads,
        "precision": precision_of(config.trainer.precision, "cpu"),
        "trainer_ms": round(per_step_ms[0], 2),
        "bare_ms": round(per_step_ms[1], 2),
        "trainer_vs_bare": round(ratio, 3),
        "trainer_vs_bare_processor": round(of_processor, 3),
        "loader_wait": round(statistics.median(waits), 4),
        "machine": platform.machine(),
        "torch": torch.__version__,
        "lightning": lightning.__version__,
    }
    print(
        f"a step: {per_step_ms[0]:.1f} ms by the Trainer, {per_step_ms[1]:.1f} ms by a bare loop: {ratio:.3f} x,"
        f" {of_processor:.3f} x in time of the processor"
    )
    print(f"of the bare loop {100 * statistics.median(waits):.1f} % wait for batches")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
