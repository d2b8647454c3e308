"""Precisions of a whole training: metrics of 16 bits and bfloat16 against the spread of seeds in 32 bits, and speed."""

import tempfile
from pathlib import Path

from benchmarks.gpu.bench import DTYPES, Bench, Found
from ecgmm.training.trainers import MONITOR

_SEEDS = (42, 43, 44)


def measure(bench: Bench) -> Found:
    """Validation macro AUROC of each precision and seed, by the Trainer that a run has, and milliseconds of a step.

    ``within`` says whether the mean of a precision lies within the extremes of the seeds in 32 bits, widened by half of
    their distance on either side. On a CPU Lightning takes bfloat16 in place of 16 bits.
    """
    seeds = _SEEDS[:1] if bench.small else _SEEDS
    found: Found = {}
    for precision in DTYPES:
        trained = [_train(bench, precision, seed) for seed in seeds]
        found[precision] = {"auroc": [auroc for auroc, _ in trained], "step_ms": min(ms for _, ms in trained)}
    lowest, highest = min(found["32-true"]["auroc"]), max(found["32-true"]["auroc"])
    room = (highest - lowest) / 2
    for figures in found.values():
        mean = sum(figures["auroc"]) / len(seeds)
        figures["within"] = lowest - room <= mean <= highest + room
        figures["times_fp32"] = found["32-true"]["step_ms"] / figures["step_ms"]
    return found


def _train(bench: Bench, precision: str, seed: int) -> tuple[float, float]:
    """Validation macro AUROC after the last epoch, and milliseconds of a step of the median epoch."""
    setup = bench.setup(f"trainer.precision={precision}", f"seed={seed}", *_tiny(bench), recipe="quick", batch_size=32)
    setup.datamodule.place(bench.device)
    task = setup.task_of(setup.fresh_method())
    with tempfile.TemporaryDirectory() as folder:
        [stage] = setup.trainers_of(task.method, Path(folder))
        task.enter(stage.stage)
        loader = setup.datamodule.train_dataloader()
        stage.trainer.fit(task, loader, setup.datamodule.val_dataloader())
    n_steps = stage.trainer.num_training_batches
    assert stage.timer.median_s is not None
    return float(stage.trainer.callback_metrics[MONITOR]), 1000 * stage.timer.median_s / n_steps


def _tiny(bench: Bench) -> list[str]:
    shown = ["trainer.enable_progress_bar=false", "trainer.enable_model_summary=false"]
    return [*shown, "trainer.max_epochs=1", "+trainer.limit_train_batches=2"] if bench.small else shown
