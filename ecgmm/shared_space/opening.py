"""Finished runs with a shared space, and records as their models see them."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from lightning.fabric import Fabric
from numpy.typing import NDArray

from ecgmm.errors import printable
from ecgmm.models.contrastive_method import ContrastiveMethod
from ecgmm.models.text_bank import TextBank
from ecgmm.runs.loading import texts_of
from ecgmm.runs.run import Run
from ecgmm.runs.store_of_run import STORES
from ecgmm.training.evaluation import Served, serve
from ecgmm.training.evaluation_choice import ALL, Choice
from ecgmm.training.other_store import OtherStore
from ecgmm.types import Batch

AT_ONCE = 256
"""Records in a batch; the numbers of a record depend on it by rounding alone."""


@dataclass(frozen=True)
class Records:
    """Records that finished runs are measured on.

    Attributes:
        other: Another store than the runs' own, or None.
        choice: Split, and what is done with shared patients.
        stores: Where the runs' own store is looked for.
    """

    other: OtherStore = None
    choice: Choice = field(default_factory=Choice)
    stores: Path = STORES


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
    records: Records
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
        return np.sort(np.concatenate([self.served.datamodule.rows[split] for split in self.records.choice.splits]))

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
        records = Records(None, Choice(split="val"), self.records.stores)
        if self.records.other is None and self.records.choice.split != ALL:
            return replace(self, records=records)
        served = serve(self.run.directory, records.other, records.choice, records.stores)
        served.model.preparation.to(self.device)
        return replace(self, records=records, served=served)


def open_run(run: Run, records: Records) -> Opened | None:
    """Open the model of a run with records; None where waveforms and reports have no space in common.

    Raises:
        ConfigError: If the records cannot be brought to the model, or are of patients of its training.
        DataError: If a file of the run is damaged, or the store is not there.
    """
    served = serve(run.directory, records.other, records.choice, records.stores)
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
