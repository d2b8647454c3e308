"""Evaluate a finished run again with its saved model, on its own store or another."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from pydantic import TypeAdapter
from torch import nn

from ecgmm.building import construct
from ecgmm.data.batches.choices import Loading, TargetChoice, TextChoice
from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.data.sources.labels.opening import open_labels
from ecgmm.data.sources.leakage import origins, refuse_leak, shown_readouts
from ecgmm.data.store.splits import SPLITS
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError, DataError, printable
from ecgmm.evaluation.thresholds import Thresholds
from ecgmm.files import inside, write_json
from ecgmm.runs.configuration import read_config
from ecgmm.runs.facts import CONFIG, EVALUATION, RUN, EvaluationSettings, read_facts, read_metrics
from ecgmm.runs.reading import CURE, check_form
from ecgmm.runs.saved_model import MODEL
from ecgmm.runs.store_of_run import store_of_run
from ecgmm.settings import check_saved
from ecgmm.signal.only_leads import OnlyLeads
from ecgmm.training.artefact import load_method, load_vocabularies
from ecgmm.training.predictions import (
    Fitted,
    evaluate,
    predict_frame,
    refuse_not_finite,
    with_origins,
    without_readouts,
)
from ecgmm.training.task import DiagnosisTask
from ecgmm.training.trainers import construct_trainer, precision_of

_SETTINGS = TypeAdapter(EvaluationSettings)


def evaluate_run(
    run: Path,
    store_path: Path | None,
    split: str,
    leads: Sequence[str] | None = None,
    allow_leaky: bool = False,
    stores: Path = Path("stores"),
) -> tuple[dict[str, Any], Path]:
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
    model = inside(run, MODEL)
    method, preparation, facts = load_method(model)
    about = _facts_of(run, facts)
    saved = read_metrics(run, about)
    settings = read_config(run, about)
    check_form(settings, _SETTINGS, inside(run, CONFIG))
    try:
        check_saved(settings, CONFIG)
    except ConfigError as error:
        raise DataError(f"{printable(run)}: {error}; {CURE}") from None
    store = (
        store_of_run(about["data"]["fingerprint"], stores, settings, "paths.stores=..., or itself with store=...")
        if store_path is None
        else Store.open(store_path)
    )
    labels = open_labels(store, facts["labels"], construct(settings["data"]).label_settings)
    _check_fits(facts, store, labels.label_set.classes)
    found = origins(store.manifest["text_origin"], labels.label_set, facts["text_policy"], method.inputs_at_test)
    refuse_leak(found, allow_leaky)
    preparation.mv_per_step = store.manifest["uv_per_step"] / 1000
    # Runs from before prefetch and quality have neither.
    quality = settings.get("quality")
    datamodule = EcgReportDataModule(
        store,
        TargetChoice(labels, settings["task"]["selection"], settings["labels"]["priority"]),
        TextChoice(facts["text_policy"], facts["max_tokens"], lambda *_: load_vocabularies(model, facts)),
        Loading(settings["batch_size"], prefetch=settings.get("prefetch", 0)),
        settings["seed"],
        quality=None if quality is None else construct(quality),
    )
    shown = preparation if leads is None else nn.Sequential(OnlyLeads(leads), preparation)
    task = DiagnosisTask(
        method, shown, None, torch.optim.AdamW, 0.0, tuple(facts["class_names"]), facts["task"], settings["seed"]
    )
    trainer = construct_trainer(
        {"_target_": "lightning.Trainer"},
        accelerator=settings["trainer"]["accelerator"],
        devices=1,
        precision=precision_of(settings["trainer"]["precision"], settings["trainer"]["accelerator"]),
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
    )
    datamodule.place(trainer.strategy.root_device)
    # The batches of training's own evaluation: another make-up would round otherwise.
    together = ("val", "test") if split in ("val", "test") else (split,)
    frame = predict_frame(trainer, task, datamodule, together).filter(pl.col("split") == split)
    refuse_not_finite(frame, CURE)
    known = {name: seen for name, seen in method.readouts.items() if name in saved["readouts"]}
    readouts = shown_readouts(found, known, allow_leaky)
    frame = without_readouts(frame, [name for name in method.readouts if name not in readouts])
    fitted = {name: _fitted(part) for name, part in {"": saved, **saved["readouts"]}.items()}
    metrics = evaluate(frame, facts["class_names"], facts["task"], fitted, **settings["evaluation"], split=split)
    metrics = with_origins(metrics, found, readouts)
    if leads is not None:
        metrics["leads"] = list(leads)
    suffix = "" if leads is None else f"-{'+'.join(leads)}"
    folder = inside(run, EVALUATION)
    folder.mkdir(exist_ok=True)
    file = folder / f"{store.path.resolve().name}-{split}{suffix}.json"
    write_json(file, metrics)
    return metrics, file


def _facts_of(run: Path, model: Mapping[str, Any]) -> dict[str, Any]:
    """``run.json`` of a finished run, of the same task and classes as its model.

    Raises:
        DataError: If it cannot be used, or contradicts the model.
    """
    facts = read_facts(run)
    if facts["finished"] is not True:
        raise DataError(f"{printable(run)} holds an unfinished run; train it to its end first")
    if (facts["task"], facts["labels"]["classes"]) != (model["task"], model["class_names"]):
        raise DataError(f"{printable(run)} has another task or other classes in {RUN} than in its model; {CURE}")
    return facts


def _fitted(saved: dict[str, Any]) -> Fitted:
    temperature = saved.get("temperature")  # runs from before calibration have none
    if saved["thresholds"] is None:
        return Fitted(None, temperature)
    defaulted = [name in saved["default_thresholds"] for name in saved["classes"]]
    return Fitted(Thresholds(np.array(saved["thresholds"]), np.array(defaulted)), temperature)


def _check_fits(facts: dict[str, Any], store: Store, classes: Sequence[str]) -> None:
    if list(classes) != facts["class_names"]:
        raise ConfigError(
            f"{store.path} has {facts['labels']} classes {list(classes)} and the model was trained for"
            f" {facts['class_names']}; evaluate it on a store with the same label set"
        )
    for name in ("rate_hz", "n_times"):
        if store.manifest[name] != facts["store"][name]:
            raise ConfigError(
                f"{store.path} has {name} {store.manifest[name]} and the model was trained at {facts['store'][name]};"
                " prepare the store with the same data.rate_hz and data.window"
            )
