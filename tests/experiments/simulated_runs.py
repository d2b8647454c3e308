"""Finished run directories without training."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.evaluation.results import evaluate_predictions
from ecgmm.evaluation.thresholds import choose_thresholds

CLASSES = ["NORM", "MI", "STTC", "CD", "HYP"]
SKILL = {"majority": 0.0, "ecg_only": 1.2, "text_only": 1.4, "concat": 1.8, "gated_fusion": 2.4}
PUBLISHED = {"ecg_clip": 1.3, "cross_modal_transformer": 2.0, "time_frequency": 1.5}
READOUTS = {"report": 1.7, "zero_shot": 0.4, "linear_probe": 0.9}
INPUTS = {
    "majority": [],
    "text_only": ["text"],
    **{name: ["ecg"] for name in ("ecg_only", "ecg_clip", "time_frequency", "zero_shot", "linear_probe")},
}
N_TEST = 400
LABEL = np.random.default_rng(7).choice(len(CLASSES), p=[0.4, 0.2, 0.2, 0.15, 0.05], size=N_TEST + 100)


def predict(seed: int, name: str, multi: bool) -> NDArray[np.float32]:
    """Probabilities of a method or readout: they depend on its skill, its name and the seed."""
    skill = (SKILL | PUBLISHED | READOUTS)[name.split()[-1]]
    noise = np.random.default_rng([seed, *name.encode()]).normal(size=(len(LABEL), len(CLASSES)))
    score = skill * np.eye(len(CLASSES))[LABEL] + noise * (skill > 0)
    probability = 1 / (1 + np.exp(-score)) if multi else np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    return probability.astype(np.float32)


def measure(probability: NDArray[np.float32], multi: bool) -> dict[str, Any]:
    """The content of metrics.json."""
    one_hot = np.eye(len(CLASSES))[LABEL]
    return evaluate_predictions(
        (one_hot if multi else LABEL)[:N_TEST],
        probability[:N_TEST],
        np.arange(N_TEST) // 2,
        CLASSES,
        "multi_label" if multi else "single_label",
        choose_thresholds(one_hot[N_TEST:], probability[N_TEST:]) if multi else None,
        n_resamples=2,
    )


def write_run(
    folder: Path,
    method: str,
    seed: int,
    task: str = "single_label",
    readouts: tuple[str, ...] = (),
    leaky_readouts: tuple[str, ...] = (),
    **changed: Any,
) -> Path:
    """A finished run; all runs have the same records and labels, predictions depend on method and seed."""
    n, multi = len(LABEL), task == "multi_label"
    probabilities = {"": predict(seed, method, multi)}
    probabilities |= {name: predict(seed, f"{method} {name}", multi) for name in readouts}
    one_hot = np.eye(len(CLASSES))[LABEL]
    frame = pl.DataFrame(
        {
            "row": np.arange(n) + 1000,
            "record": np.arange(n) + 40_000_000,
            "patient": np.arange(n) // 2,
            "window": np.zeros(n, np.int32),
            "split": ["test"] * N_TEST + ["val"] * 100,
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
        "data": {"name": "synthetic", "fingerprint": "ab12cd34ef56" + "0" * 52, "synthetic": True},
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
    } | changed
    metrics = {name: measure(values, multi) for name, values in probabilities.items()}
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(facts))
    (folder / "metrics.json").write_text(json.dumps({**metrics.pop(""), "readouts": metrics}))
    frame.write_parquet(folder / "predictions.parquet")
    return folder


def write_table(root: Path, methods: tuple[str, ...] = tuple(SKILL), seeds: tuple[int, ...] = (42, 43)) -> None:
    for method in methods:
        for seed in seeds:
            write_run(root / f"method={method},seed={seed}", method, seed)


def csv_lines(folder: Path) -> dict[str, dict[str, str]]:
    return {line["row"]: line for line in csv.DictReader(io.StringIO((folder / "table2.csv").read_text()))}


def markdown(folder: Path) -> str:
    return (folder / "table2.md").read_text()
