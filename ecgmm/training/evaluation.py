"""Evaluate a finished run again with its saved model, on its own store or another."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import torch
from torch import nn

from ecgmm.building import construct
from ecgmm.data.batches.choices import Loading, TargetChoice, TextChoice
from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.data.sources.labels.label_table import LabelTable
from ecgmm.data.sources.labels.opening import open_labels
from ecgmm.data.sources.leakage import origins_of, refuse_leak, shown_readouts
from ecgmm.data.store.splits import SPLITS
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError, DataError, printable
from ecgmm.files import inside
from ecgmm.runs.configuration import CONFIG, EvaluationSettings, read_config, read_evaluation_settings
from ecgmm.runs.facts import RUN, RunFacts, read_facts
from ecgmm.runs.loading import SavedModel, load_model
from ecgmm.runs.measuring import Fitted, measure
from ecgmm.runs.metrics import EVALUATIONS, Metrics, read_metrics, write_metrics
from ecgmm.runs.predictions import refuse_not_finite, without_readouts
from ecgmm.runs.reading import CURE
from ecgmm.runs.saved_model import ModelFacts
from ecgmm.runs.store_of_run import STORES, store_of_run
from ecgmm.signal.only_leads import OnlyLeads
from ecgmm.training.predictions import predict_frame
from ecgmm.training.task import DiagnosisTask
from ecgmm.training.trainers import construct_trainer, precision_of


def evaluate_run(
    run: Path,
    store_path: Path | None,
    split: str,
    leads: Sequence[str] | None = None,
    allow_leaky: bool = False,
    stores: Path = STORES,
) -> tuple[Metrics, Path]:
    """Predict a split and compute its metrics.

    Args:
        run: A finished run directory.
        store_path: Another store; None takes the one the run was trained on, which must be there.
        split: ``train``, ``val`` or ``test``.
        leads: Names of the leads that the method gets, the others are missing; None for all.
        allow_leaky: Whether labels from the report may meet the full report as input; the metrics then say so.
        stores: Where the run's store is looked for.

    Returns:
        The metrics, and the file they were saved to: ``<run>/evaluation/<store>-<split>[-<leads>].json``.

    Raises:
        ConfigError: If the store's classes, rate or window are not the model's, the split or a lead is unknown, no
            metric of the split is defined, or the number would measure a leak.
        DataError: If a file of the run is missing or damaged, or its store is not there.
    """
    if split not in SPLITS:
        raise ConfigError(f"split is {split!r}; choose one of {', '.join(SPLITS)}")
    model = load_model(run)
    facts = _facts_of(run, model.facts)
    trained = read_metrics(run, facts)
    config = read_config(run, facts.files)
    settings = read_evaluation_settings(config, inside(run, CONFIG))
    store = (
        store_of_run(facts.data.fingerprint, stores, config["data"], "paths.stores=..., or itself with store=...")
        if store_path is None
        else Store.open(store_path)
    )
    labels = labels_for(model.facts, store, config["data"], config["labels"], settings.task.selection)
    policy, inputs = model.facts.text_policy, model.method.inputs_at_test
    origins = origins_of(store.manifest["text_origin"], labels.label_set, policy, inputs)
    refuse_leak(origins, allow_leaky)
    datamodule = data_for(model, store, labels, settings, settings.batch_size)
    shown = model.preparation if leads is None else nn.Sequential(OnlyLeads(leads), model.preparation)
    class_names, task_name = tuple(model.facts.class_names), model.facts.task
    task = DiagnosisTask(model.method, shown, None, torch.optim.AdamW, 0.0, class_names, task_name, settings.seed)
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
    # The batches of training's own evaluation: another make-up would round otherwise.
    together = ("val", "test") if split in ("val", "test") else (split,)
    frame = predict_frame(trainer, task, datamodule, together).filter(pl.col("split") == split)
    refuse_not_finite(frame, CURE)
    known = {name: seen for name, seen in model.method.readouts.items() if name in trained.readouts}
    readouts = shown_readouts(origins, known, allow_leaky)
    frame = without_readouts(frame, [name for name in model.method.readouts if name not in readouts])
    fitted = {name: Fitted.of(part) for name, part in trained.with_readouts().items()}
    resampling = dict(settings.evaluation)
    metrics = measure(
        frame, class_names, task_name, fitted, **resampling, origins=origins, readouts=readouts, split=split
    )
    if leads is not None:
        metrics = metrics.model_copy(update={"leads": list(leads)})
    suffix = "" if leads is None else f"-{'+'.join(leads)}"
    folder = inside(run, EVALUATIONS)
    folder.mkdir(exist_ok=True)
    file = folder / f"{store.path.resolve().name}-{split}{suffix}.json"
    write_metrics(file, metrics)
    return metrics, file


def labels_for(
    facts: ModelFacts, store: Store, data: Mapping[str, Any], labels: Mapping[str, Any], selection: str
) -> LabelTable:
    """Open the labels of a store that a model can be measured by.

    Args:
        facts: Of the model.
        store: An open store.
        data: Settings ``data`` of the run.
        labels: Settings ``labels`` of the run.
        selection: See ``TargetChoice``.

    Raises:
        ConfigError: If the store's classes, rate or window are not the model's.
    """
    table = open_labels(store, facts.labels, construct(data).label_settings_with(labels))
    _check_fits(facts, store, table.label_set.answers(selection))
    return table


def data_for(
    model: SavedModel, store: Store, labels: LabelTable, settings: EvaluationSettings, batch_size: int
) -> EcgReportDataModule:
    """Serve a store to a saved model, which from then on takes waveforms in the steps of this store.

    Args:
        model: The model.
        store: An open store.
        labels: As ``labels_for`` opens them.
        settings: Settings of the run.
        batch_size: Records in a batch.
    """
    model.preparation.mv_per_step = store.manifest["uv_per_step"] / 1000
    return EcgReportDataModule(
        store,
        TargetChoice(labels, settings.task.selection, settings.labels.priority),
        TextChoice(model.facts.text_policy, model.facts.max_tokens, lambda *_: (model.tokeniser, model.statements)),
        Loading(batch_size, prefetch=settings.prefetch),
        settings.seed,
        quality=None if settings.quality is None else construct(settings.quality),
    )


def _facts_of(run: Path, model: ModelFacts) -> RunFacts:
    """``run.json`` of a finished run, of the same task and classes as its model.

    Raises:
        DataError: If it cannot be used, or contradicts the model.
    """
    facts = read_facts(run)
    if facts is None:
        raise DataError(f"{printable(run)} holds an unfinished run; train it to its end first")
    if (facts.task, facts.labels.classes) != (model.task, model.class_names):
        raise DataError(f"{printable(run)} has another task or other classes in {RUN} than in its model; {CURE}")
    return facts


def _check_fits(model: ModelFacts, store: Store, classes: Sequence[str]) -> None:
    if list(classes) != model.class_names:
        raise ConfigError(
            f"{store.path} has {model.labels} classes {list(classes)} and the model was trained for"
            f" {model.class_names}; evaluate it on a store with the same label set"
        )
    for name, trained_at in (("rate_hz", model.store.rate_hz), ("n_times", model.store.n_times)):
        if store.manifest[name] != trained_at:
            raise ConfigError(
                f"{store.path} has {name} {store.manifest[name]} and the model was trained at {trained_at};"
                " prepare the store with the same data.rate_hz and data.window"
            )
