"""Progress bar of training: mean loss of the epoch so far, and the last validation AUROC."""

import time
from typing import Any

import lightning
from lightning.pytorch.callbacks import RichProgressBar

_SECONDS_BETWEEN_LOOKS = 1.0  # looking at a loss makes a GPU wait
_MOVES_A_SECOND = 10  # nobody sees more, and Python draws them in turn with training


class TrainingBar(RichProgressBar):
    """Lightning's bar with the two numbers that say whether training goes well.

    It reads ``mean_loss`` of the task, and ``val/auroc_macro`` as it was logged.
    """

    def __init__(self) -> None:
        super().__init__(refresh_rate=_MOVES_A_SECOND)
        self._shown: dict[str, int | str | float | dict[str, float]] = {}
        self._looked_s = -_SECONDS_BETWEEN_LOOKS
        self._moved_s = -1.0 / _MOVES_A_SECOND

    def on_train_batch_end(self, trainer: lightning.Trainer, *args: Any, **kwargs: Any) -> None:
        """Move the bar, if it was not moved just before this step."""
        now_s = time.monotonic()
        if trainer.is_last_batch or now_s - self._moved_s >= 1 / _MOVES_A_SECOND:
            self._moved_s = now_s
            super().on_train_batch_end(trainer, *args, **kwargs)

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
