"""Evaluate a finished run again with its saved model, on its own store or another."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.data.sources.leakage import shown_readouts
from ecgmm.errors import ConfigError, printable
from ecgmm.files import inside
from ecgmm.runs.configuration import EvaluationSettings
from ecgmm.runs.loading import SavedModel
from ecgmm.runs.measuring import Fitted, measure
from ecgmm.runs.metrics import EVALUATIONS, Metrics, write_metrics
from ecgmm.runs.predictions import read_predictions, refuse_not_finite, without_readouts, write_predictions
from ecgmm.runs.reading import CURE
from ecgmm.runs.store_of_run import STORES
from ecgmm.training.adaptation import (
    BATCH_NORM,
    Predicted,
    adapt_batch_norm,
    adapted,
    batch_norms,
    conformal_sets,
    validation_of,
)
from ecgmm.training.evaluation_choice import ALL, Choice
from ecgmm.training.external_facts import external_facts
from ecgmm.training.other_store import OtherStore
from ecgmm.training.predictions import predict_frame
from ecgmm.training.recalibration import recalibrated
from ecgmm.training.served import serve, task_of
from ecgmm.training.trainers import construct_trainer, precision_of


def evaluate_run(
    run: Path, other: OtherStore = None, choice: Choice | None = None, stores: Path = STORES
) -> tuple[Metrics, Path]:
    """Predict a split and compute its metrics.

    Args:
        run: A finished run directory.
        other: Another store, by its folder or the settings that it was prepared with; None takes the one that the run
            was trained on, which must be there.
        choice: What is predicted; the test split unless told otherwise.
        stores: Where the run's store is looked for.

    Returns:
        The metrics, and the file they were saved to: ``<run>/evaluation/<store>-<split>[-<labels>][-<leads>].json``,
        with the predictions beside it.

    Raises:
        ConfigError: If the store's rate or window are not the model's, too few classes are common, patients of the
            training are among those of the store, a lead is unknown, no metric of the split is defined, or the number
            would measure a leak.
        DataError: If a file of the run is missing or damaged, or the store is not there.
    """
    choice = choice or Choice()
    served = serve(run, other, choice, stores)
    model, facts, trained, settings, store, origins, match, datamodule, patients, _ = served
    inputs = facts.inputs_at_test
    is_own = store.fingerprint == facts.data.fingerprint
    columns = served.columns
    frame = _predicted(model, datamodule, settings, choice, columns)
    if list(inputs) == ["text"] and not frame["has_report"].any():
        raise ConfigError(
            f"{facts.method} predicts from the report alone and no record of {printable(store.path)} has one"
            f" (split={choice.split}); choose a run that reads the waveform"
        )
    known_readouts = {name: seen for name, seen in model.method.readouts.items() if name in trained.readouts}
    readouts = shown_readouts(origins, known_readouts, choice.allow_leaky)
    frame = without_readouts(frame, [name for name in model.method.readouts if name not in readouts])
    fitted = {name: Fitted.of(part).of_classes(columns) for name, part in trained.with_readouts().items()}

    more: dict[str, Any] = {}
    predicted = Predicted(frame, pl.DataFrame(), match.common, facts.task, fitted, {})
    if choice.adapt or choice.conformal is not None:
        of_run = without_readouts(read_predictions(run, facts), [r for r in facts.readouts if r not in readouts])
        validation = validation_of(of_run, facts.labels.classes, match.common, facts.task)
        predicted = replace(predicted, validation=validation)
    if choice.adapt:
        n_layers = len(batch_norms(model.method))
        predicted, more["adaptation"] = adapted(predicted, choice.adapt, n_layers)
    if choice.conformal is not None:
        more["conformal"] = conformal_sets(predicted, choice.conformal)
    frame, fitted = predicted.frame, dict(predicted.fitted)

    def measured(predicted: pl.DataFrame, by: Mapping[str, Fitted]) -> Metrics:
        as_one = predicted.with_columns(split=pl.lit(choice.split))
        common = {"origins": origins, "readouts": readouts, "split": choice.split, **dict(settings.evaluation)}
        return measure(as_one, match.common, facts.task, by, **common)

    if choice.leads is not None:
        more["leads"] = list(choice.leads)
    if not is_own or choice.split == ALL or not choice.takes_own_labels:
        more["external"] = external_facts(datamodule, choice, settings, match, patients, frame)
    if choice.recalibrate is not None:
        share, seed = choice.recalibrate, choice.recalibration_seed
        more["recalibration"] = recalibrated(
            frame, match.common, facts.task, fitted, share, seed, measured, choice.recalibrate_by
        )
    metrics = measured(frame, fitted).model_copy(update=more)
    return metrics, _saved(run, choice.file_name(store), frame, metrics)


def _predicted(
    model: SavedModel,
    datamodule: EcgReportDataModule,
    settings: EvaluationSettings,
    choice: Choice,
    columns: Sequence[int],
) -> pl.DataFrame:
    """Predictions of the chosen splits, for the classes at ``columns`` of the model's."""
    task = task_of(model, datamodule, settings, choice, columns)
    trainer = construct_trainer(
        {"_target_": "lightning.Trainer"},
        accelerator=settings.trainer.accelerator,
        devices=1,
        precision=precision_of(settings.trainer.precision, settings.trainer.accelerator),
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
    )
    datamodule.place(trainer.strategy.root_device)
    if BATCH_NORM in choice.adapt:
        adapt_batch_norm(task, datamodule, choice.splits, trainer.strategy.root_device)
    # The batches of training's own evaluation: another make-up would round otherwise.
    together = ("val", "test") if choice.split in ("val", "test") else choice.splits
    frame = predict_frame(trainer, task, datamodule, together).filter(pl.col("split").is_in(choice.splits))
    refuse_not_finite(frame, CURE)
    return frame


def _saved(run: Path, name: str, frame: pl.DataFrame, metrics: Metrics) -> Path:
    folder = inside(run, EVALUATIONS)
    folder.mkdir(exist_ok=True)
    file = inside(folder, f"{name}.json")
    write_predictions(inside(folder, f"{name}.parquet"), frame)
    write_metrics(file, metrics)
    return file
