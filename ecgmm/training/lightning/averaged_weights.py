"""Average of the weights over the steps of a training, which is validated and saved in place of the last step's.

An exponential moving average (Polyak and Juditsky 1992; Tarvainen and Valpola 2017, arXiv 1703.01780). Its decay rises
with the steps as ``(1 + n) / (10 + n)`` up to the one asked for (as in TensorFlow's ``ExponentialMovingAverage``), so
that the random weights of the beginning are forgotten also in a short run: after n steps it looks back about n / 9.
"""

from collections.abc import Sequence

import lightning
import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor


class AveragedWeights(WeightAveraging):
    """Lightning's averaging with a decay that warms up.

    Lightning swaps the average in for validation, puts it into the checkpoint's ``state_dict`` and keeps the weights
    that go on learning beside it. The running statistics of batch norm are averaged as the weights are.

    Args:
        decay: Largest share of the average that a step keeps, in (0, 1).
    """

    def __init__(self, decay: float) -> None:
        super().__init__()
        self._kwargs = {"multi_avg_fn": self._average}
        self.decay = decay

    def setup(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        """Copy the weights to where they learn; the module is not there yet."""
        self._device = trainer.strategy.root_device
        super().setup(trainer, pl_module, stage)

    def decay_after(self, n_steps: int) -> float:
        """Share of the average that is kept at the step after ``n_steps`` averaged ones."""
        return min(self.decay, (1 + n_steps) / (10 + n_steps))

    def _average(self, averages: Sequence[Tensor], values: Sequence[Tensor], n_averaged: Tensor | int) -> None:
        """Move averages to values, in place; whole numbers, such as counters, are copied."""
        if averages[0].is_floating_point():
            # A weighted end of an interval: what does not change stays exactly as it is.
            torch._foreach_lerp_(list(averages), list(values), 1 - self.decay_after(int(n_averaged)))
        else:
            torch._foreach_copy_(list(averages), list(values))
