"""A finished run that meets disturbed inputs: its batches, and its predictions of them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from lightning.fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor

from ecgmm.disturbing.inputs import Disturbed, Report
from ecgmm.evaluation.exchange_rate import WEIGHED
from ecgmm.models.method import Method
from ecgmm.models.remembering import remembering
from ecgmm.runs.predictions import OF_THE_RECORD, label_names
from ecgmm.signal.preparation import WaveformPreparation
from ecgmm.text.policy import apply_policy
from ecgmm.training.evaluation_choice import Choice
from ecgmm.training.predictions import probability_columns
from ecgmm.training.served import Served, task_of
from ecgmm.training.trainers import precision_of
from ecgmm.types import Batch

_AT_ONCE = 256
"""Records in a batch; the numbers of a record depend on it by rounding alone."""


class Prepared:
    """Waveforms as methods see them, prepared once for all runs that prepare alike.

    Args:
        waveforms: int16 ``[n, 12, T]``.
    """

    def __init__(self, waveforms: NDArray[np.int16]) -> None:
        self._waveforms = torch.from_numpy(waveforms).split(_AT_ONCE)
        self._prepared: dict[tuple[str, torch.device], list[Tensor]] = {}

    def by(self, preparation: WaveformPreparation, device: torch.device) -> list[Tensor]:
        """Batches of float z-scores ``[B, 12, T]`` on a device."""
        key = preparation.key(), device
        if key not in self._prepared:
            self._prepared[key] = [preparation(part.to(device)) for part in self._waveforms]
        return self._prepared[key]


@dataclass(frozen=True)
class Subject:
    """A finished run with the records that it is disturbed on.

    Attributes:
        directory: The run directory.
        served: The run and its records.
        rows: int64 ``[n]``, rows of the store.
        choice: What is predicted.
        fabric: Where and in which precision.
    """

    directory: Path
    served: Served
    rows: NDArray[np.int64]
    choice: Choice
    fabric: Fabric

    @staticmethod
    def of(directory: Path, served: Served, choice: Choice) -> "Subject":
        """Bring the model of a run to where it predicts."""
        rows = served.measured_rows(choice)
        settings = served.settings.trainer
        fabric = Fabric(
            accelerator=settings.accelerator,
            devices=1,
            precision=precision_of(settings.precision, settings.accelerator),
        )
        served.model.method.to(fabric.device)
        served.model.preparation.to(fabric.device)
        return Subject(directory, served, rows, choice, fabric)

    @property
    def inputs_at_test(self) -> tuple[str, ...]:
        """Modalities that the method looks at."""
        return self.served.model.method.inputs_at_test

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that are measured."""
        return self.served.datamodule.targets.class_names

    @torch.inference_mode()
    def clean_batches(self, waveforms: Prepared) -> list[Batch]:
        """Batches of what is not disturbed, prepared."""
        dataset = self.served.datamodule.dataset(self.rows)
        places = np.split(np.arange(len(self.rows)), range(_AT_ONCE, len(self.rows), _AT_ONCE))
        batches = [dataset.batch(some, slice(0)).on(self.fabric.device) for some in places]
        return self._with_waveforms(batches, waveforms)

    @torch.inference_mode()
    def disturbed_batches(self, clean: Sequence[Batch], made: Disturbed, waveforms: Prepared | None) -> list[Batch]:
        """Clean batches with disturbed inputs in their place.

        Args:
            clean: As ``clean_batches`` makes them.
            made: The disturbed inputs.
            waveforms: Those of ``made``, for preparation; None where they are as they were.
        """
        batches = list(clean)
        parts = [slice(start, start + _AT_ONCE) for start in range(0, len(self.rows), _AT_ONCE)]
        if waveforms is not None:
            batches = self._with_waveforms(batches, waveforms)
        if made.has_waveform is not None:
            there = [torch.from_numpy(made.has_waveform[part]) for part in parts]
            batches = [batch._replace(has_waveform=one) for batch, one in zip(batches, there, strict=True)]
        if made.reports is not None:
            batches = self._with_reports(batches, made.reports, parts)
        return [batch.on(self.fabric.device) for batch in batches]

    def _with_waveforms(self, batches: list[Batch], waveforms: Prepared) -> list[Batch]:
        """Batches with these waveforms, where the method looks at them."""
        if not self.served.model.method.looks_at_waveforms:
            return batches
        prepared = waveforms.by(self.served.model.preparation, self.fabric.device)
        return [batch._replace(waveforms=one) for batch, one in zip(batches, prepared, strict=True)]

    def _with_reports(self, batches: Sequence[Batch], reports: Sequence[Report], parts: Sequence[slice]) -> list[Batch]:
        datamodule, facts = self.served.datamodule, self.served.model.facts
        label_set = datamodule.labels.label_set
        seen = apply_policy(reports, facts.text_policy, label_set.masks, label_set.phrases)
        table = datamodule.tokeniser.encode_reports(seen, facts.max_tokens)
        statements = datamodule.statement_vocabulary.encode(seen)
        changed = []
        for batch, part in zip(batches, parts, strict=True):
            counts = table.lengths[part]
            width = max(1, int(counts.max()))
            changed.append(
                batch._replace(
                    token_ids=torch.from_numpy(table.ids[part, :width].astype(np.int64)),
                    token_mask=torch.from_numpy(np.arange(width) < counts[:, None]),
                    statement_ids=torch.from_numpy(statements[part].astype(np.int64)),
                    has_report=torch.from_numpy(counts > 0),
                )
            )
        return changed

    @torch.inference_mode()
    def predict(self, batches: Sequence[Batch]) -> pl.DataFrame:
        """Predict batches: ``row``, probabilities, ``gate``, ``inconsistency`` and ``has_report``.

        With an inconsistency come the answers that ``ecgmm.evaluation.exchange_rate`` weighs by it.
        """
        served = self.served
        task = task_of(served.model, served.datamodule, served.settings, self.choice, served.columns)
        with self.fabric.autocast():
            outputs = [task.method(batch) for batch in batches]
        doubts = outputs[0].inconsistency is not None
        logits = {"": [output.logits for output in outputs]}
        logits |= {name: [output.readouts[name] for output in outputs] for name in (WEIGHED if doubts else ())}
        by_name = {name: task.probabilities(torch.cat(values)).cpu() for name, values in logits.items()}
        is_pair = torch.cat([batch.is_pair for batch in batches]).cpu().numpy()
        return pl.DataFrame(
            [
                pl.Series("row", self.rows),
                *probability_columns(by_name, self.classes),
                _values("gate", outputs, len(self.rows)),
                _values("inconsistency", outputs, len(self.rows)).set(pl.Series(~is_pair), None),
                pl.Series("has_report", torch.cat([batch.has_report for batch in batches]).cpu().numpy()),
            ]
        )

    def labelled(self, predicted: pl.DataFrame) -> pl.DataFrame:
        """Predictions with the columns of the record and its labels before them."""
        datamodule, facts = self.served.datamodule, self.served.model.facts
        labels = datamodule.targets.values[self.rows]
        names = label_names(self.classes, facts.task)
        columns = [labels] if labels.ndim == 1 else list(labels.T)
        records = datamodule.store.records[self.rows].select(*OF_THE_RECORD)
        shown = pl.DataFrame(dict(zip(names, columns, strict=True)))
        return pl.concat([records, shown, predicted], how="horizontal")


def _values(name: str, outputs: Sequence[Any], n: int) -> pl.Series:
    """float32 ``[n]``; null where the method has no such values."""
    parts: list[Tensor] = [part for output in outputs if (part := getattr(output, name)) is not None]
    if not parts:
        return pl.repeat(None, n, dtype=pl.Float32, eager=True).alias(name)
    return pl.Series(name, torch.cat(parts).float().cpu().numpy())


@contextmanager
def encoded_once(method: Method, clean: Sequence[Batch]) -> Iterator[None]:
    """Within it, the encoders of a method compute what they make of clean inputs once."""
    inputs = {
        "ecg_encoder": [batch.waveforms for batch in clean],
        "text_encoder": [batch.token_ids for batch in clean],
    }
    with ExitStack() as stack:
        for name, known in inputs.items():
            if name in method._modules:
                stack.enter_context(remembering(method.get_submodule(name), known))
        yield
