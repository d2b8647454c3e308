"""history.csv: one row an epoch of every stage, kept in checkpoints so that a resumed run continues the same file."""

import csv
import io
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from ecgmm.files import write_whole


class History(Callback):
    """Writes every logged number of every epoch to a CSV file.

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
