"""Progress bar of training: mean loss of the epoch so far, and the last validation AUROC."""

import time
from typing import Any

import lightning
from lightning.pytorch.callbacks import RichProgressBar

_SECONDS_BETWEEN_LOOKS = 1.0  # looking at a loss makes a GPU wait


class TrainingBar(RichProgressBar):
    """Lightning's bar with the two numbers that say whether training goes well.

    It reads ``mean_loss`` of the task, and ``val/auroc_macro`` as it was logged.
    """

    def __init__(self) -> None:
        super().__init__()
        self._shown: dict[str, int | str | float | dict[str, float]] = {}
        self._looked_s = -_SECONDS_BETWEEN_LOOKS

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Show the numbers of the epoch at once."""
        self._looked_s = -_SECONDS_BETWEEN_LOOKS
        super().on_validation_end(trainer, pl_module)

    def get_metrics(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> dict[str, int | str | float | dict[str, float]]:
        """The numbers beside the bar."""
        now_s = time.monotonic()
        if now_s - self._looked_s >= _SECONDS_BETWEEN_LOOKS:
            self._looked_s = now_s
            task: Any = pl_module  # ours
            loss, auroc = task.mean_loss, trainer.callback_metrics.get(f"{task.log_prefix}val/auroc_macro")
            numbers = {"loss": loss, "AUROC": auroc}
            self._shown |= {name: float(value) for name, value in numbers.items() if value is not None}
        return self._shown
