"""How long the training part of an epoch takes."""

import statistics
import time
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback


class EpochTimer(Callback):
    """Measures every epoch from its first batch to its validation; kept in the checkpoint for resumed runs."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._started = 0.0
        self._already = 0.0  # seconds of the running epoch before it was interrupted

    @property
    def median_s(self) -> float | None:
        """Seconds of the median epoch; None before the first."""
        return statistics.median(self.seconds) if self.seconds else None

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Start the clock of an epoch that goes on in its middle; a new one starts it again."""
        self._started = time.perf_counter() - self._already

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def on_validation_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Stop the clock."""
        self.seconds.append(time.perf_counter() - self._started)

    def state_dict(self) -> dict[str, Any]:
        """Epochs so far, and the part of the running one, for the checkpoint."""
        return {"seconds": self.seconds, "running_s": time.perf_counter() - self._started}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Epochs of the checkpoint."""
        self.seconds = list(state_dict["seconds"])
        self._already = state_dict["running_s"]
