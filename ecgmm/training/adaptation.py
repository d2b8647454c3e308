"""Adaptation of a trained model to another place, from its unlabelled records alone.

Steps are taken in the order of ``ADAPTATIONS``, whichever are asked for. The first works on the model before it
predicts, those of ``FRAME_STEPS`` on its predictions. The saved model stays as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.errors import ConfigError
from ecgmm.evaluation.conformal import least_probabilities, set_quality
from ecgmm.evaluation.exchange_rate import with_exchange_rate
from ecgmm.evaluation.label_shift import em_prior, prior_of, with_prior
from ecgmm.evaluation.metrics import TaskKind
from ecgmm.evaluation.scaling import fit_scaling
from ecgmm.evaluation.thresholds import Thresholds
from ecgmm.runs.measuring import Fitted
from ecgmm.runs.metrics import Adaptation, Conformal
from ecgmm.runs.predictions import (
    labels_and_probabilities,
    probability_names,
    readouts_in,
    records_of,
    with_probabilities,
)
from ecgmm.training.task import DiagnosisTask

BATCH_NORM = "batch_norm"


@dataclass(frozen=True)
class Predicted:
    """Predictions on the way from a model to its metrics.

    Attributes:
        frame: Predictions of the records that are measured; no step looks at their labels.
        validation: Those of the run's own validation records, of the same classes.
        class_names: The K classes.
        task: ``single_label`` or ``multi_label``.
        fitted: Choices made on validation, by name of the readout.
        facts: What the steps have estimated; fields of ``ecgmm.runs.metrics.Adaptation``.
    """

    frame: pl.DataFrame
    validation: pl.DataFrame
    class_names: Sequence[str]
    task: TaskKind
    fitted: Mapping[str, Fitted]
    facts: Mapping[str, Any]


def batch_norms(method: nn.Module) -> list[_BatchNorm]:
    """The batch norms that have running statistics."""
    return [one for one in method.modules() if isinstance(one, _BatchNorm) and one.track_running_stats]


@torch.no_grad()
def adapt_batch_norm(
    task: DiagnosisTask, datamodule: EcgReportDataModule, splits: Sequence[str], device: torch.device
) -> None:
    """Replace the running statistics of batch norms by those of unlabelled records.

    Li et al., Revisiting Batch Normalization For Practical Domain Adaptation, ICLR workshop 2017. Statistics are means
    over the batches of the records, all layers at once in one pass.

    Args:
        task: Holds the method, which is changed; one that was loaded from a file is a copy.
        datamodule: The records.
        splits: Their splits.
        device: Where the waveforms of ``datamodule`` are.
    """
    task.to(device).eval()
    layers = batch_norms(task.method)
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a mean over all batches
        layer.train()
    for batch in datamodule.split_dataloader(*splits):
        task(batch.on(device))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
        layer.eval()


def adapt_label_shift(predicted: Predicted) -> Predicted:
    """Estimate how often each class occurs among the records, and bring the probabilities to these rates.

    The probabilities are calibrated on validation first, with a bias for each class: what comes out is calibrated for
    the new place, so that no temperature is due. Thresholds are moved as the calibration moves probabilities.
    """
    frame, validation = predicted.frame, predicted.validation
    names, task = predicted.class_names, predicted.task
    fitted, facts = dict(predicted.fitted), dict(predicted.facts)
    for readout in ("", *readouts_in(frame)):
        labels, probabilities = labels_and_probabilities(validation, names, task, readout)
        scaling = fit_scaling(labels, probabilities, task, "bias_corrected_temperature")
        source = prior_of(labels, len(names), task)
        new = scaling.apply(labels_and_probabilities(frame, names, task, readout)[1], task)
        target = em_prior(new, source, task)
        columns = probability_names(readout, names)
        frame = with_probabilities(frame, columns, with_prior(new, source, target, task))
        at_home = with_prior(scaling.apply(probabilities, task), source, target, task)
        validation = with_probabilities(validation, columns, at_home)
        thresholds = fitted[readout].thresholds
        if thresholds is not None:
            moved = scaling.apply(thresholds.values[None], task)[0]
            thresholds = Thresholds(moved, thresholds.defaulted)
        fitted[readout] = Fitted(thresholds, None)
        if not readout:
            facts["source_prior"] = dict(zip(names, source.tolist(), strict=True))
            facts["target_prior"] = dict(zip(names, target.tolist(), strict=True))
    return replace(predicted, frame=frame, validation=validation, fitted=fitted, facts=facts)


def adapt_exchange_rate(predicted: Predicted) -> Predicted:
    """Estimate how many reports are of other records, and trust reports as that share allows.

    Raises:
        ConfigError: If the method does not say how doubtful a pair is.
    """
    if predicted.frame["inconsistency"].null_count() == predicted.frame.height:
        raise ConfigError(
            "adapt=[exchange_rate] needs a method that says how well report and waveform agree, and records that have"
            " both; leave it out, or evaluate a run of method=evidence_fusion"
        )
    frame, rate = with_exchange_rate(predicted.frame, predicted.class_names)
    return replace(predicted, frame=frame, facts={**predicted.facts, "exchange_rate": rate})


FRAME_STEPS: dict[str, Callable[[Predicted], Predicted]] = {
    "exchange_rate": adapt_exchange_rate,
    "label_shift": adapt_label_shift,
}
"""Steps on predictions, in their order. A new one gets a line here, its name in the table of settings, and its facts in
``Adaptation``."""
ADAPTATIONS = (BATCH_NORM, *FRAME_STEPS)


def adapted(predicted: Predicted, steps: Sequence[str], n_layers: int) -> tuple[Predicted, Adaptation]:
    """Take the steps on predictions, and say what was done.

    Args:
        predicted: What the model predicts, after the steps on itself.
        steps: Names of ``ADAPTATIONS``.
        n_layers: Batch norms of the method.
    """
    n_records = predicted.frame.height
    for name, step in FRAME_STEPS.items():
        if name in steps:
            predicted = step(predicted)
    facts = dict(predicted.facts)
    if BATCH_NORM in steps:
        facts["batch_norm_layers"] = n_layers
    in_order = [name for name in ADAPTATIONS if name in steps]
    return predicted, Adaptation(steps=in_order, n_records=n_records, **facts)


def validation_of(frame: pl.DataFrame, all_names: Sequence[str], common: Sequence[str], task: TaskKind) -> pl.DataFrame:
    """Validation records of a run over some of its classes, as an evaluation on another store predicts these.

    Args:
        frame: ``predictions.parquet`` of the run.
        all_names: Its classes.
        common: Some of them.
        task: ``single_label`` or ``multi_label``.
    """
    records = records_of(frame, "val")
    if task == "multi_label" or list(all_names) == list(common):
        return records
    place = {all_names.index(name): k for k, name in enumerate(common)}
    records = records.filter(pl.col("label").is_in(list(place)))
    records = records.with_columns(pl.col("label").replace_strict(place, return_dtype=records.schema["label"]))
    for readout in ("", *readouts_in(records)):
        columns = probability_names(readout, common)
        values = records.select(columns).to_numpy().astype(np.float64)
        total = np.maximum(values.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        records = with_probabilities(records, columns, values / total)
    return records


def conformal_sets(predicted: Predicted, coverage: float) -> Conformal:
    """Sets of classes, calibrated on validation, and measured; weighed for label shift where it was adapted to.

    Raises:
        ConfigError: If a record may have several classes.
    """
    if predicted.task != "single_label":
        raise ConfigError(
            f"conformal={coverage:g} makes sets for tasks of one class a record, and the run is multi_label; leave it"
            " null"
        )
    names, facts = predicted.class_names, predicted.facts
    ratio = None
    if facts.get("target_prior"):
        source, target = (np.array(list(facts[which].values())) for which in ("source_prior", "target_prior"))
        ratio = np.divide(target, source, out=np.zeros(len(names)), where=source > 0)
    calibration = labels_and_probabilities(predicted.validation, names, predicted.task)
    least = least_probabilities(*calibration, coverage, ratio)
    measured = records_of(predicted.frame.with_columns(split=pl.lit("all")), "all")
    found = set_quality(*labels_and_probabilities(measured, names, predicted.task), least)
    of_class = [None if np.isnan(one) else float(one) for one in found.coverage_of_class]
    return Conformal(
        asked=coverage,
        coverage=found.coverage,
        mean_size=found.mean_size,
        coverage_of_class=dict(zip(names, of_class, strict=True)),
        n_calibration=predicted.validation.height,
        weighted=ratio is not None,
    )
