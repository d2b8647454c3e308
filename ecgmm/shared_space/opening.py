"""Finished runs with a shared space, and records as their models see them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning.fabric import Fabric
from numpy.typing import NDArray

from ecgmm.models.contrastive_method import ContrastiveMethod
from ecgmm.models.text_bank import TextBank
from ecgmm.runs.loading import texts_of
from ecgmm.runs.run import Run
from ecgmm.training.evaluation import Served, serve
from ecgmm.training.evaluation_choice import Choice
from ecgmm.types import Batch

_AT_ONCE = 256
"""Records in a batch; the numbers of a record depend on it by rounding alone."""


@dataclass(frozen=True)
class Opened:
    """A finished run of a row with a shared space.

    Attributes:
        run: The run.
        served: Its model and its records.
        method: The trained method, on the device that it predicts on; 32 bits throughout.
        texts: The words that it is bound to.
    """

    run: Run
    served: Served
    method: ContrastiveMethod
    texts: TextBank

    def batches(self, rows: NDArray[np.int64]) -> Iterator[Batch]:
        """Batches of rows of the store, prepared."""
        dataset, device = self.served.datamodule.dataset(rows), self.method.scale.log_scale.device
        for start in range(0, len(rows), _AT_ONCE):
            batch = dataset.batch(np.arange(start, min(start + _AT_ONCE, len(rows))))
            yield self.served.model.prepared(Batch(*(values.to(device) for values in batch)))

    def patients(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Patient of each row, as numbers."""
        named = self.served.store.records["patient"].to_numpy()[rows]
        numbers: NDArray[np.int64] = np.unique(named, return_inverse=True)[1].astype(np.int64)
        return numbers


def open_run(run: Run, stores: Path) -> Opened | None:
    """Open the model of a run with its records; None where waveforms and reports have no space in common.

    Raises:
        DataError: If a file of the run is damaged, or its store is not there.
    """
    served = serve(run.directory, None, Choice(), stores)
    model = served.model
    if not isinstance(model.method, ContrastiveMethod):
        return None
    device = Fabric(accelerator=served.settings.trainer.accelerator, devices=1).device
    model.preparation.to(device)
    words = texts_of(model.facts, model.tokeniser, model.statements)
    return Opened(run, served, model.method.to(device).eval(), words)


def as_numbers(values: torch.Tensor) -> NDArray[np.float32]:
    """float32 on the CPU."""
    numbers: NDArray[np.float32] = values.float().cpu().numpy()
    return numbers
