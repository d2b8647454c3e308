"""Content that may be sent to a logger: numbers, settings, figures, weights. No report, no id, no waveform, no path."""

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from ecgmm.files import read_json, write_json
from ecgmm.run_figures.figures import RUN_FIGURES
from ecgmm.runs.directory import without_folders
from ecgmm.runs.facts import RunDescription, RunFacts
from ecgmm.runs.metrics import Metrics
from ecgmm.runs.predictions import records_of
from ecgmm.runs.saved_model import MODEL, MODEL_FILE, WEIGHTS
from ecgmm.settings.lookup import form_of

_LONGEST_TAG = 64  # by W&B's server


def tags(facts: RunDescription) -> list[str]:
    """Method, data and recipe, and the marks of leaking and synthetic runs."""
    marks = [name for name, true in (("leaky", facts.leaky), ("synthetic", facts.data.synthetic)) if true]
    names = (facts.method, facts.data.name, facts.recipe, *marks)
    return list(dict.fromkeys(name[:_LONGEST_TAG] for name in names))


def shown_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The resolved configuration without paths."""
    kept = {key: value for key, value in config.items() if key not in ("paths", "logger")}
    shown: dict[str, Any] = without_folders(_without_paths(kept))
    return shown


def shown_facts(facts: RunDescription) -> dict[str, Any]:
    """Facts of a run without folders of this machine."""
    shown: dict[str, Any] = without_folders(facts.plain())
    return shown


def _without_paths(settings: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    """Settings without those that name a path by the table of settings; names may be dotted, as in a manifest.

    A pre-trained model stays: it is named by its address, or by a folder of which ``without_folders`` leaves the name.
    """
    kept = {}
    for name, value in settings.items():
        key = f"{at}{name}"
        if name == "name_or_path" or form_of(key) != "path":
            kept[name] = _without_paths(value, f"{key}.") if isinstance(value, Mapping) else value
    return kept


def summary(frame: pl.DataFrame, metrics: Metrics) -> dict[str, Any]:
    """Metrics under the keys of ``metrics.json``, intervals as ``<key>.low`` and ``<key>.high``.

    Readouts come as ``<readout>/<key>``. Beside them stand the numbers of records and patients, absent classes, the
    temperature, and mean and standard deviation of the gate over the test records, where the method has one.
    """
    beside = ("n_records", "n_patients", "absent_classes", "temperature")
    numbers: dict[str, Any] = {f"test/{name}": getattr(metrics, name) for name in beside}
    for readout, part in metrics.with_readouts().items():
        for key, metric in (part.measured | part.validation).items():
            name = f"{readout}/{key}" if readout else key
            numbers |= {
                name if bound == "value" else f"{name}.{bound}": value for bound, value in metric.plain().items()
            }
    gates = records_of(frame, "test")["gate"]
    if gates.null_count() == 0:
        numbers |= {"test/gate_mean": gates.mean(), "test/gate_sd": gates.std()}
    return numbers


def numbers_of_test(frame: pl.DataFrame, metrics: Metrics) -> dict[str, float]:
    """The finite numbers of ``summary`` about the test split.

    Where a logger has curves and no summary, those of validation would be one more point of the curve.
    """
    numbers = {key: value for key, value in summary(frame, metrics).items() if isinstance(value, int | float)}
    return {key: value for key, value in numbers.items() if "test" in key.split("/")[:2] and math.isfinite(value)}


def tables(metrics: Metrics) -> dict[str, tuple[list[str], list[list[Any]]]]:
    """Columns and rows of the tables of metrics, classes and confusion counts."""
    readouts = metrics.with_readouts()
    rows = [
        [readout, key, metric.value, metric.low, metric.high]
        for readout, part in readouts.items()
        for key, metric in (part.measured | part.validation).items()
    ]
    classes = [[readout, *row.plain().values()] for readout, part in readouts.items() for row in part.per_class]
    names, counts = metrics.classes, metrics.confusion_matrix
    if metrics.thresholds is None:
        confusion = [
            [true, predicted, counts[i][j]] for i, true in enumerate(names) for j, predicted in enumerate(names)
        ]
        columns = ["true", "predicted", "records"]
    else:
        confusion = [
            [name, threshold, *count[0], *count[1]]
            for name, threshold, count in zip(names, metrics.thresholds, counts, strict=True)
        ]
        columns = ["class", "threshold", "true_negative", "false_positive", "false_negative", "true_positive"]
    return {
        "test/metrics": (["readout", "metric", "value", "low", "high"], rows),
        "test/per_class": (["readout", *metrics.per_class[0].plain()], classes),
        "test/confusion": (columns, confusion),
    }


def sent_figures(figures: Mapping[str, Path]) -> dict[str, Path]:
    """Files of a run's figures under the names that loggers give them, but for those that loggers draw themselves."""
    return {f"test/{name}": file for name, file in figures.items() if RUN_FIGURES[name].is_sent}


def artifacts(
    directory: Path, metrics: Metrics, facts: RunFacts, manifest: dict[str, Any], folder: Path, run_id: str
) -> list[Any]:
    """Tables, the trained model (vocabularies are words of reports and stay here), and the store's manifest.

    W&B tells its server where each file lies. So the paths are relative to the working directory, which must be above
    the run directory.

    Args:
        directory: The run directory.
        metrics: What was measured.
        facts: ``run.json``.
        manifest: The store's manifest.
        folder: Gets what may be sent of ``model.json`` and the manifest.
        run_id: W&B id of the run, a part of names.
    """
    import wandb

    model_file = directory / MODEL / MODEL_FILE
    write_json(folder / MODEL_FILE, without_folders(read_json(model_file, "train the run again")))
    write_json(folder / "manifest.json", shown_manifest(manifest))
    about = {
        "method": facts.method,
        "recipe": facts.recipe,
        "seed": facts.seed,
        "leaky": facts.leaky,
        "inputs_at_test": facts.inputs_at_test,
        "config_digest": facts.config_digest,
        "synthetic": facts.data.synthetic,
        "data": facts.data.name,
    }
    model = wandb.Artifact(f"model-{run_id}", type="model", metadata=about)
    store = wandb.Artifact(f"store-{facts.data.fingerprint[:12]}", type="dataset")
    results = wandb.Artifact(f"tables-{run_id}", type="tables", metadata=about)
    for artifact, file in (
        (model, directory / MODEL / WEIGHTS),
        (model, folder / MODEL_FILE),
        (store, folder / "manifest.json"),
    ):
        artifact.add_file(str(file), policy="immutable")  # sent from where it lies instead of from a copy
    for name, (columns, rows) in tables(metrics).items():
        results.add(wandb.Table(columns=columns, data=rows), name)
    made = [model, store, results]
    for artifact in made:
        for entry in artifact.manifest.entries.values():
            entry.local_path = os.path.relpath(entry.local_path)
    return made


def shown_manifest(manifest: dict[str, Any]) -> dict[str, Any]:
    """A store's manifest without paths and names of files."""
    source = {"name": manifest["source"]["name"], "sha256": sorted(manifest["source"]["sha256"].values())}
    kept = {**manifest, "source": source, "parameters": _without_paths(manifest["parameters"], "data.")}
    shown: dict[str, Any] = without_folders(kept)
    return shown
