"""Record of the epochs of a run: the numbers of each in ``history.csv``, and how long they took."""

import csv
import io
import statistics
import time
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from ecgmm.files import write_whole


class History(Callback):
    """CSV file of every logged number of every epoch, one row per epoch of every stage.

    Rows are kept in checkpoints, so that a resumed run continues the same file.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Append the epoch."""
        numbers = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.rows.append({"epoch": trainer.current_epoch, "step": trainer.global_step, **dict(sorted(numbers.items()))})
        if trainer.is_global_zero:
            self.write()

    def write(self) -> None:
        """Write the file."""
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, names)
        writer.writeheader()
        writer.writerows(self.rows)
        write_whole(self.path, table.getvalue().encode())

    def state_dict(self) -> dict[str, Any]:
        """Rows so far, for the checkpoint."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Rows of the checkpoint."""
        self.rows = list(state_dict["rows"])


class EpochTimer(Callback):
    """Clock of every epoch from its first batch to its validation; kept in checkpoints for resumed runs."""

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
