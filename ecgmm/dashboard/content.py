"""What of a run may be sent to W&B: numbers, settings, figures, weights. No report, no id, no waveform, no path."""

import os
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from ecgmm.evaluation.results import average_windows, labels_and_probabilities
from ecgmm.files import read_json, write_json
from ecgmm.plots.confusion import confusion_matrix
from ecgmm.plots.curves import roc_and_pr_curves
from ecgmm.plots.gates import gate_histograms
from ecgmm.runs.directory import without_folders

_STAYS_HERE = ("root", "raw", "store", "stores", "notes_csv", "csv")  # paths of this machine
_LONGEST_TAG = 64  # by W&B's server


def tags(facts: dict[str, Any]) -> list[str]:
    """Method, data and recipe, and the marks of leaking and synthetic runs; ``facts`` as in ``run.json``."""
    marks = [name for name, true in (("leaky", facts["leaky"]), ("synthetic", facts["data"]["synthetic"])) if true]
    names = (facts["method"], facts["data"]["name"], facts["recipe"], *marks)
    return list(dict.fromkeys(name[:_LONGEST_TAG] for name in names))


def shown_config(config: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """The resolved configuration without paths, and under ``facts`` those of ``run.json``."""
    kept = {key: value for key, value in config.items() if key not in ("paths", "logger")}
    shown: dict[str, Any] = without_folders({**kept, "data": _without_paths(config["data"]), "facts": facts})
    return shown


def _without_paths(settings: Any) -> Any:
    """Settings of a source without those that name a path; names may be dotted, as in a manifest."""
    if not isinstance(settings, dict):
        return settings
    return {name: _without_paths(value) for name, value in settings.items() if name.split(".")[-1] not in _STAYS_HERE}


def summary(frame: pl.DataFrame, metrics: dict[str, Any]) -> dict[str, Any]:
    """Metrics under the keys of ``metrics.json``, intervals as ``<key>.low`` and ``<key>.high``.

    Readouts come as ``<readout>/<key>``. Beside them stand the numbers of records and patients, absent classes, the
    temperature, and mean and standard deviation of the gate over the test records, where the method has one.
    """
    beside = ("n_records", "n_patients", "absent_classes", "temperature")
    found: dict[str, Any] = {f"test/{name}": metrics[name] for name in beside}
    for readout, values in {"": metrics, **metrics["readouts"]}.items():
        for key, entry in _metrics_of(values).items():
            name = f"{readout}/{key}" if readout else key
            found |= {name if part == "value" else f"{name}.{part}": value for part, value in entry.items()}
    gates = average_windows(frame.filter(pl.col("split") == "test"))["gate"]
    if gates.null_count() == 0:
        found |= {"test/gate_mean": gates.mean(), "test/gate_sd": gates.std()}
    return found


def _metrics_of(values: dict[str, Any]) -> dict[str, dict[str, float | None]]:
    return {key: entry for key, entry in values.items() if isinstance(entry, dict) and "value" in entry}


def tables(metrics: dict[str, Any]) -> dict[str, tuple[list[str], list[list[Any]]]]:
    """Columns and rows of the tables of metrics, classes and confusion counts."""
    readouts = {"": metrics, **metrics["readouts"]}
    rows = [
        [readout, key, entry["value"], entry.get("low"), entry.get("high")]
        for readout, values in readouts.items()
        for key, entry in _metrics_of(values).items()
    ]
    classes = [[readout, *row.values()] for readout, values in readouts.items() for row in values["per_class"]]
    names, counts = metrics["classes"], metrics["confusion_matrix"]
    if metrics["task"] == "single_label":
        confusion = [
            [true, predicted, counts[i][j]] for i, true in enumerate(names) for j, predicted in enumerate(names)
        ]
        columns = ["true", "predicted", "records"]
    else:
        confusion = [
            [name, threshold, *count[0], *count[1]]
            for name, threshold, count in zip(names, metrics["thresholds"], counts, strict=True)
        ]
        columns = ["class", "threshold", "true_negative", "false_positive", "false_negative", "true_positive"]
    return {
        "test/metrics": (["readout", "metric", "value", "low", "high"], rows),
        "test/per_class": (["readout", *metrics["per_class"][0]], classes),
        "test/confusion": (columns, confusion),
    }


def figures(frame: pl.DataFrame, metrics: dict[str, Any]) -> dict[str, Figure]:
    """ROC and precision-recall curves, confusion matrix, and the gate by class."""
    names, task = tuple(metrics["classes"]), metrics["task"]
    test = average_windows(frame.filter(pl.col("split") == "test"))
    labels, probabilities = labels_and_probabilities(test, names, task)
    drawn = {"test/curves": roc_and_pr_curves(labels, probabilities, names)}
    if task == "single_label":
        drawn["test/confusion_matrix"] = confusion_matrix(metrics["confusion_matrix"], names)
    if test["gate"].null_count() == 0:
        drawn["test/gate"] = gate_histograms(test["gate"].to_numpy(), labels, names)
    return drawn


def media(frame: pl.DataFrame, metrics: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Figures as W&B takes them; each is drawn once, into ``folder``."""
    import wandb

    shown = {}
    for name, figure in figures(frame, metrics).items():
        file = folder / f"{name.split('/')[-1]}.png"
        figure.savefig(file, metadata={"Software": None})
        shown[name] = wandb.Image(str(file))
    return shown


def artifacts(
    directory: Path, metrics: dict[str, Any], facts: dict[str, Any], manifest: dict[str, Any], folder: Path, run_id: str
) -> list[Any]:
    """Tables, the trained model (vocabularies are words of reports and stay here), and the store's manifest.

    W&B tells its server where each file lies. So the paths are relative to the working directory, which must be above
    the run directory.

    Args:
        directory: The run directory.
        metrics: Content of ``metrics.json``.
        facts: Content of ``run.json``.
        manifest: The store's manifest.
        folder: Gets what may be sent of ``model.json`` and the manifest.
        run_id: W&B id of the run, a part of names.
    """
    import wandb

    write_json(
        folder / "model.json", without_folders(read_json(directory / "model" / "model.json", "train the run again"))
    )
    write_json(folder / "manifest.json", shown_manifest(manifest))
    about = {name: facts[name] for name in ("method", "recipe", "seed", "leaky", "inputs_at_test", "config_digest")}
    about |= {"synthetic": facts["data"]["synthetic"], "data": facts["data"]["name"]}
    model = wandb.Artifact(f"model-{run_id}", type="model", metadata=about)
    store = wandb.Artifact(f"store-{facts['data']['fingerprint'][:12]}", type="dataset")
    results = wandb.Artifact(f"tables-{run_id}", type="tables", metadata=about)
    for artifact, file in (
        (model, directory / "model" / "model.safetensors"),
        (model, folder / "model.json"),
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
    kept = {**manifest, "source": source, "parameters": _without_paths(manifest["parameters"])}
    shown: dict[str, Any] = without_folders(kept)
    return shown
