"""Finished runs with a shared space, and records as their models see them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from lightning.fabric import Fabric
from numpy.typing import NDArray

from ecgmm.errors import printable
from ecgmm.models.contrastive_method import ContrastiveMethod
from ecgmm.models.text_bank import TextBank
from ecgmm.runs.loading import texts_of
from ecgmm.runs.run import Run
from ecgmm.training.evaluation_choice import ALL, Choice
from ecgmm.training.measured_records import MeasuredRecords
from ecgmm.training.served import Served
from ecgmm.types import Batch

AT_ONCE = 256
"""Records in a batch; the numbers of a record depend on it by rounding alone."""


@dataclass(frozen=True)
class Opened:
    """A finished run of a row with a shared space.

    Attributes:
        run: The run.
        records: What it is measured on.
        served: Its model and these records.
        method: The trained method, on the device that it predicts on; 32 bits throughout.
        texts: The words that it is bound to.
    """

    run: Run
    records: MeasuredRecords
    served: Served
    method: ContrastiveMethod
    texts: TextBank

    @property
    def device(self) -> torch.device:
        """Where it predicts."""
        return self.method.scale.log_scale.device

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows of the store that are measured."""
        return self.served.measured_rows(self.records.choice)

    def batches(self, rows: NDArray[np.int64]) -> Iterator[Batch]:
        """Batches of rows of the store, prepared."""
        for batch in self.served.datamodule.dataset(rows).batches(AT_ONCE):
            yield self.served.model.prepared(batch.on(self.device))

    def patients(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Patient of each row, as numbers."""
        named = self.served.store.records["patient"].to_numpy()[rows]
        numbers: NDArray[np.int64] = np.unique(named, return_inverse=True)[1].astype(np.int64)
        return numbers

    def measured_on(self, rows: NDArray[np.int64]) -> str:
        """Words for rows that were measured, for the end of a caption."""
        choice, store = self.records.choice, self.served.store
        where = "all splits" if choice.split == ALL else f"{choice.split} split"
        if self.records.other is not None:
            synthetic = " (SYNTHETIC)" if store.manifest["source"]["name"] == "synthetic" else ""
            where = f"measured on {printable(store.path.resolve().name)}{synthetic}, {where}"
        return f"{where}: {len(rows):,} records of {len(np.unique(self.patients(rows))):,} patients"

    def at_home(self) -> "Opened":
        """The same model, beside the validation records of the run's own store.

        Raises:
            DataError: If that store is not there.
        """
        records = MeasuredRecords(None, Choice(split="val"), self.records.stores)
        if self.records.other is None and self.records.choice.split != ALL:
            return replace(self, records=records)
        served = records.beside(self.run.directory)
        served.model.preparation.to(self.device)
        return replace(self, records=records, served=served)


def open_run(run: Run, records: MeasuredRecords) -> Opened | None:
    """Open the model of a run with records; None where waveforms and reports have no space in common.

    Raises:
        ConfigError: If the records cannot be brought to the model, or are of patients of its training.
        DataError: If a file of the run is damaged, or the store is not there.
    """
    served = records.beside(run.directory)
    model = served.model
    if not isinstance(model.method, ContrastiveMethod):
        return None
    device = Fabric(accelerator=served.settings.trainer.accelerator, devices=1).device
    model.preparation.to(device)
    words = texts_of(model.facts, model.tokeniser, model.statements)
    return Opened(run, records, served, model.method.to(device).eval(), words)


def as_numbers(values: torch.Tensor) -> NDArray[np.float32]:
    """float32 on the CPU."""
    numbers: NDArray[np.float32] = values.float().cpu().numpy()
    return numbers
