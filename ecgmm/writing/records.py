"""Waveforms of a finished run's records as it sees them, with their reports kept apart."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning.fabric import Fabric
from numpy.typing import NDArray

from ecgmm.data.store.store import Store
from ecgmm.training.measured_records import MeasuredRecords
from ecgmm.training.served import Served
from ecgmm.types import Batch

Report = list[str]
_AT_ONCE = 128


@dataclass(frozen=True)
class Records:
    """Records with a waveform and a report, the first window of each recording.

    Attributes:
        rows: int64 ``[n]``, rows of the store.
        record: int64 ``[n]``.
        patients: int64 ``[n]``.
        reports: Clean statements of each report, whole: before any policy hides some of them.
    """

    rows: NDArray[np.int64]
    record: NDArray[np.int64]
    patients: NDArray[np.int64]
    reports: list[Report]

    @staticmethod
    def of(store: Store, rows: NDArray[np.int64]) -> "Records":
        """Those among some rows of a store."""
        table = store.records[rows].with_columns(row=rows)
        table = table.filter("has_waveform", table["report"] >= 0).unique("record", keep="first", maintain_order=True)
        statements = store.reports["statements"].to_list()
        return Records(
            table["row"].to_numpy(),
            table["record"].to_numpy(),
            table["patient"].to_numpy(),
            [statements[index] for index in table["report"].to_list()],
        )


class Subject:
    """A finished run beside records of a store.

    Args:
        run: The run directory.
        measured: The records.
    """

    def __init__(self, run: Path, measured: MeasuredRecords) -> None:
        self.served: Served = measured.beside(run)
        self.records = Records.of(self.served.store, self.served.measured_rows(measured.choice))
        self.fabric = Fabric(accelerator=self.served.settings.trainer.accelerator, devices=1)  # 32 bits
        for part in (self.served.model.method, self.served.model.preparation):
            part.to(self.fabric.device)

    @torch.inference_mode()
    def batches(self) -> Iterator[Batch]:
        """Prepared batches of the records in order, without a word of their reports."""
        dataset = self.served.datamodule.dataset(self.records.rows).without_reports()
        for batch in dataset.batches(_AT_ONCE):
            yield self.served.model.prepared(batch.on(self.fabric.device))
