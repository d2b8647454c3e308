"""Finished run directories without training."""

import csv
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from omegaconf import OmegaConf

from ecgmm.configuration import CONF_DIR
from ecgmm.evaluation.calibration import fit_temperature
from ecgmm.evaluation.metrics import TaskKind
from ecgmm.evaluation.thresholds import choose_thresholds
from ecgmm.runs.measuring import measure_predictions

CLASSES = ["NORM", "MI", "STTC", "CD", "HYP"]
SKILL = {"majority": 0.0, "ecg_only": 1.2, "text_only": 1.4, "concat": 1.8, "gated_fusion": 2.4}
PUBLISHED = {"ecg_clip": 1.3, "cross_modal_transformer": 2.0, "time_frequency": 1.5}
READOUTS = {"report": 1.7, "zero_shot": 0.4, "linear_probe": 0.9}
ORACLE = {"oracle": 6.0}
INPUTS = {
    "majority": [],
    "text_only": ["text"],
    **{name: ["ecg"] for name in ("ecg_only", "ecg_clip", "time_frequency", "zero_shot", "linear_probe")},
}
N_TEST = 400
LABEL = np.random.default_rng(7).choice(len(CLASSES), p=[0.4, 0.2, 0.2, 0.15, 0.05], size=N_TEST + 100)


@cache
def predict(seed: int, name: str, multi: bool) -> NDArray[np.float32]:
    """Probabilities of a method or readout: they depend on its skill, its name and the seed."""
    skill = (SKILL | PUBLISHED | READOUTS | ORACLE)[name.split()[-1]]
    noise = np.random.default_rng([seed, *name.encode()]).normal(size=(len(LABEL), len(CLASSES)))
    score = skill * np.eye(len(CLASSES))[LABEL] + noise * (skill > 0)
    probability = 1 / (1 + np.exp(-score)) if multi else np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    return probability.astype(np.float32)


@cache
def measured(seed: int, name: str, multi: bool, classes: tuple[str, ...]) -> str:
    """The content of metrics.json for what ``predict`` gives; many tests write the same runs."""
    probability = predict(seed, name, multi)
    one_hot = np.eye(len(CLASSES))[LABEL]
    labels = one_hot if multi else LABEL
    task: TaskKind = "multi_label" if multi else "single_label"
    found = measure_predictions(
        labels[:N_TEST],
        probability[:N_TEST],
        np.arange(N_TEST) // 2,
        CLASSES,
        task,
        choose_thresholds(one_hot[N_TEST:], probability[N_TEST:]) if multi else None,
        fit_temperature(labels[N_TEST:], probability[N_TEST:], task),
        n_resamples=2,
    )
    return json.dumps(found.plain())


def write_run(
    folder: Path,
    method: str,
    seed: int,
    task: str = "single_label",
    readouts: tuple[str, ...] = (),
    leaky_readouts: tuple[str, ...] = (),
    predicts_like: str = "",
    **changed: Any,
) -> Path:
    """A finished run; all runs have the same records and labels, predictions depend on method and seed.

    ``predicts_like`` names another method, or ``oracle``, whose predictions it has.
    """
    n, multi = len(LABEL), task == "multi_label"
    names = {"": predicts_like or method} | {name: f"{method} {name}" for name in readouts}
    probabilities = {readout: predict(seed, name, multi) for readout, name in names.items()}
    one_hot = np.eye(len(CLASSES))[LABEL]
    frame = pl.DataFrame(
        {
            "row": np.arange(n) + 1000,
            "record": np.arange(n) + 40_000_000,
            "patient": np.arange(n) // 2,
            "window": np.zeros(n, np.int32),
            "split": ["test"] * N_TEST + ["val"] * 100,
            "missing_share": pl.Series(np.where(np.arange(n) % 20 == 3, 0.1, 0), dtype=pl.Float32),
            "flat_leads": pl.Series(np.where(np.arange(n) % 25 == 4, 1, 0), dtype=pl.Int8),
            **({f"label.{name}": one_hot[:, k] for k, name in enumerate(CLASSES)} if multi else {"label": LABEL}),
            **{
                f"{readout}.probability.{name}".lstrip("."): values[:, k]
                for readout, values in probabilities.items()
                for k, name in enumerate(CLASSES)
            },
            "gate": pl.Series([None] * n, dtype=pl.Float32),
            "has_report": [True] * n,
        }
    )
    facts: dict[str, Any] = {
        "schema_version": 2,
        "finished": True,
        "method": method,
        "inputs_at_test": INPUTS.get(method, ["ecg", "text"]),
        "fidelity": "paper" if method == "gated_fusion" else "paper-confirmed" if method in PUBLISHED else "control",
        "reference": "the paper, section 3 & equations 1_6" if method == "gated_fusion" else "control",
        "recipe": "quick",
        "precision": "32-true",
        "size": "tiny",
        "stages": "joint",
        "two_stages": method in ("ecg_clip", "time_frequency"),
        "seed": seed,
        "task": task,
        "train_fraction": 1.0,
        "data": {
            "name": "synthetic",
            "fingerprint": "ab12cd34ef56" + "0" * 52,
            "synthetic": True,
            "splits": [{"split": "test", "records": N_TEST, "patients": N_TEST // 2}],
        },
        "labels": {"name": "superclass", "source": "simulation", "classes": CLASSES},
        "text_policy": "full",
        "leaky": False,
        "readouts": {
            name: {"inputs_at_test": INPUTS.get(name, ["ecg", "text"]), "leaky": name in leaky_readouts}
            for name in readouts
        },
        "n_parameters": 600_000,
        "n_trainable_parameters": 0 if method == "majority" else 512_345,
        "seconds_per_epoch": None if method == "majority" else 2.0 + seed,
        "hardware": {"machine": "x86_64", "cpu_cores": 2, "cpu_threads": 1, "gpu": None},
        "commit": "0123456789ab",
        "versions": {"python": "3.11.7", "torch": "2.13.0"},
        "wall_time_s": 12.5,
        "peak_memory_mb": 700,
    } | changed
    metrics = {readout: json.loads(measured(seed, name, multi, tuple(CLASSES))) for readout, name in names.items()}
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(facts))
    (folder / "metrics.json").write_text(json.dumps({**metrics.pop(""), "readouts": metrics}))
    frame.write_parquet(folder / "predictions.parquet")
    config = OmegaConf.load(CONF_DIR / "recipe" / "quick.yaml")
    config.merge_with({"name": "table2", "seed": seed, "train_fraction": facts["train_fraction"]})
    folders = {"raw": "/home/somebody/raw", "stores": "/home/somebody/stores", "store": "/home/somebody/stores/gone"}
    data = OmegaConf.load(CONF_DIR / "data" / "synthetic.yaml")
    config.merge_with({"data": OmegaConf.merge(data, config.data, folders), "method": {"name": method}})
    OmegaConf.save(config, folder / "config.yaml")
    return folder


def write_study_run(
    folder: Path,
    method: str,
    seed: int,
    lambda_cons: float = 0.1,
    fraction: float = 1.0,
    name: str = "lambda_sweep",
    **changed: Any,
) -> Path:
    """A finished run of a sweep, with a gate, a history and an AUROC that depend on the two settings."""
    splits = [
        {"split": "train", "records": round(2000 * fraction), "patients": round(1000 * fraction)},
        {"split": "test", "records": N_TEST, "patients": N_TEST // 2},
    ]
    data = {"name": "synthetic", "fingerprint": "ab12cd34ef56" + "0" * 52, "synthetic": True, "splits": splits}
    facts: dict[str, Any] = {"data": data, "train_fraction": fraction} | changed
    write_run(folder, method, seed, **facts)
    rng = np.random.default_rng([seed, round(1000 * lambda_cons), round(1000 * fraction)])
    config = OmegaConf.load(folder / "config.yaml")
    config.merge_with({"name": name})
    if method == "gated_fusion":
        config.merge_with({"method": {"lambda_cons": lambda_cons}})
    OmegaConf.save(config, folder / "config.yaml")
    metrics = json.loads((folder / "metrics.json").read_text())
    auroc = 0.6 + 0.08 * SKILL[method] + 0.06 * np.log10(fraction) - 0.02 * abs(lambda_cons - 0.1) ** 0.5
    metrics["test/auroc_macro"]["value"] = auroc + rng.normal(0, 0.004)
    (folder / "metrics.json").write_text(json.dumps(metrics))
    epochs, shrunk = np.arange(4), 1 / (1 + lambda_cons) ** 0.5
    history = {"epoch": epochs, "step": 10 * (epochs + 1), "val/auroc_macro": [0.7, 0.8, 0.9, 0.85]}
    tracked = {"norm": 2 * shrunk, "rank": 20.0}
    history |= {
        f"val/{tower}_projection_{what}": value * (1 + 0.1 * epochs) + rng.normal(0, 0.05, 4)
        for tower in ("ecg", "text")
        for what, value in tracked.items()
    }
    history |= {"train/loss_cons": shrunk**2 / (epochs + 1), "val/projection_gap": 0.2 + 0.8 * shrunk + 0 * epochs}
    pl.DataFrame(history).write_csv(folder / "history.csv")
    if method == "gated_fusion":
        frame = pl.read_parquet(folder / "predictions.parquet", glob=False)
        report = np.arange(len(LABEL)) % 30 != 7
        gate = np.where(report, rng.beta(2 + LABEL, 4, size=len(LABEL)), 1.0)
        frame.with_columns(gate=pl.Series(gate, dtype=pl.Float32), has_report=pl.Series(report)).write_parquet(
            folder / "predictions.parquet"
        )
    return folder


def write_table(root: Path, methods: tuple[str, ...] = tuple(SKILL), seeds: tuple[int, ...] = (42, 43)) -> None:
    for method in methods:
        for seed in seeds:
            write_run(root / f"method={method},seed={seed}", method, seed)


def csv_lines(folder: Path) -> dict[str, dict[str, str]]:
    return {line["row"]: line for line in csv.DictReader(io.StringIO((folder / "table2.csv").read_text()))}


def markdown(folder: Path) -> str:
    return (folder / "table2.md").read_text()
