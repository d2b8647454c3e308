"""How long intervals take: ``python -m benchmarks.bootstrap [--records 80000] [--resamples 2000] [--loop 3]``.

All metrics of metrics.json, calibration before and after temperature included, for 5 classes and two records a patient,
on one core; beside it the usual loop, which draws the records of a resample and calls sklearn and torchmetrics for the
same metrics. The loop is run for a few resamples of the same draw, its values are compared with ours, and its time is
extrapolated. Each task has a process of its own; memory is its peak above what it held with the libraries loaded. The
last line is JSON.
"""

import argparse
import json
import multiprocessing
import os
import platform
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import sklearn
import sklearn.metrics as reference
import torch
import torchmetrics
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from torchmetrics.functional.classification import binary_calibration_error, multiclass_calibration_error

from ecgmm.evaluation.bootstrap import bootstrap, patient_weights
from ecgmm.evaluation.calibration import CHANCE_OF, N_BINS, apply_temperature, calibration_scorer
from ecgmm.evaluation.metrics import Scorer, TaskKind, joint_scorer, make_scorer

CLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
K = len(CLASSES)
THRESHOLD, TEMPERATURE = 0.5, 1.3
TASKS: tuple[TaskKind, ...] = ("single_label", "multi_label")


@dataclass(frozen=True)
class Measured:
    """One task.

    Attributes:
        task: ``single_label`` or ``multi_label``.
        seconds: CPU seconds of all resamples, with building the scorer; others on the machine do not lengthen them.
        wall_seconds: The same by the clock.
        memory_mb: Peak of ours above what the process held with the libraries loaded.
        loop_seconds: CPU seconds of the loop, extrapolated to as many resamples.
        largest_gap: Between a value of ours and of the loop, in the resamples that the loop ran.
        metrics: Number of values in a resample.
    """

    task: str
    seconds: float
    wall_seconds: float
    memory_mb: float
    loop_seconds: float
    largest_gap: float
    metrics: int


def simulate(n: int, task: TaskKind) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Labels and probabilities of a method that knows something, from a fixed seed."""
    rng = np.random.default_rng(0)
    positive = np.eye(K)[rng.choice(K, p=[0.4, 0.2, 0.2, 0.15, 0.05], size=n)]
    if task == "multi_label":
        positive = np.maximum(positive, rng.random((n, K)) < 0.1)
    logits = 2 * positive + rng.normal(size=(n, K))
    if task == "multi_label":
        return positive, (1 / (1 + np.exp(1.5 - logits))).astype(np.float32)
    return positive.argmax(axis=1), (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)


def full_scorer(labels: NDArray[Any], probabilities: NDArray[np.float32], task: TaskKind) -> Scorer:
    """Every metric of metrics.json."""
    thresholds = np.full(K, THRESHOLD) if task == "multi_label" else None
    calibrated = apply_temperature(probabilities, TEMPERATURE, task)
    return joint_scorer(
        [
            make_scorer(labels, probabilities, CLASSES, task, thresholds),
            calibration_scorer(labels, probabilities, task),
            calibration_scorer(labels, calibrated, task, "_calibrated"),
        ]
    )


def loop_values(labels: NDArray[Any], probabilities: NDArray[np.float32], task: TaskKind) -> dict[str, float]:
    """The same metrics of the records of one resample, by sklearn and torchmetrics."""
    positive = labels >= 0.5 if task == "multi_label" else labels[:, None] == np.arange(K)
    called = probabilities >= THRESHOLD
    if task == "single_label":
        called = probabilities.argmax(axis=1)[:, None] == np.arange(K)
    values: dict[str, float] = {}
    for k, name in enumerate(CLASSES):
        truth, prediction, score = positive[:, k], called[:, k], probabilities[:, k]
        values |= {
            f"auroc/{name}": reference.roc_auc_score(truth, score),
            f"auprc/{name}": reference.average_precision_score(truth, score),
            f"sensitivity/{name}": reference.recall_score(truth, prediction),
            f"specificity/{name}": reference.recall_score(~truth, ~prediction),
            f"precision/{name}": reference.precision_score(truth, prediction, zero_division=0),
            f"f1/{name}": reference.f1_score(truth, prediction),
        }
        if task == "multi_label":
            values[f"mcc/{name}"] = reference.matthews_corrcoef(truth, prediction)
    if task == "single_label":
        values["accuracy"] = float((labels == probabilities.argmax(axis=1)).mean())
        values["mcc"] = reference.matthews_corrcoef(labels, probabilities.argmax(axis=1))
    calibrated = apply_temperature(probabilities, TEMPERATURE, task)
    for suffix, given in (("", probabilities), ("_calibrated", calibrated)):
        values |= {f"{key}{suffix}": value for key, value in _calibration(labels, positive, given, task).items()}
    return values


def _calibration(
    labels: NDArray[Any], positive: NDArray[np.bool_], probabilities: NDArray[Any], task: TaskKind
) -> dict[str, float]:
    scores = torch.from_numpy(np.asfortranarray(probabilities))  # its columns are looked at one by one
    if task == "single_label":
        return {
            "ece": float(multiclass_calibration_error(scores, torch.from_numpy(labels), K, N_BINS)),
            "brier": float(((probabilities - positive) ** 2).sum(axis=1).mean()),
            "nll": float(reference.log_loss(labels, probabilities)),
        }
    truth = torch.from_numpy(positive.astype(np.int64))
    errors = [float(binary_calibration_error(scores[:, k], truth[:, k], N_BINS)) for k in range(K)]
    losses = [float(reference.log_loss(positive[:, k], probabilities[:, k])) for k in range(K)]
    return {
        "ece": float(np.mean(errors)),
        "brier": float(((probabilities - positive) ** 2).mean()),
        "nll": float(np.mean(losses)),
    }


def measure(task: TaskKind, n_records: int, n_resamples: int, n_loop: int) -> Measured:
    """Time ours and the loop on the same resamples."""
    before = peak_mb()
    labels, probabilities = simulate(n_records, task)
    patients = np.arange(n_records) // 2
    ours, seconds, wall = timed(lambda: bootstrap(full_scorer(labels, probabilities, task), patients, n_resamples, 0))
    memory = peak_mb() - before
    (weights,) = patient_weights(patients, n_loop, 0, at_once=n_loop)
    drawn = [np.repeat(np.arange(n_records), count) for count in weights.T.astype(int)]
    theirs, loop, _ = timed(lambda: [loop_values(labels[rows], probabilities[rows], task) for rows in drawn])
    gaps = [abs(value - ours[key][r]) for r, values in enumerate(theirs) for key, value in values.items()]
    return Measured(task, seconds, wall, memory, loop / n_loop * n_resamples, max(gaps), _n_metrics(ours))


def _n_metrics(found: dict[str, Any]) -> int:
    return sum(not key.startswith(CHANCE_OF) for key in found)


def timed(run: Callable[[], Any]) -> tuple[Any, float, float]:
    """What a call returns, its CPU seconds, and its seconds by the clock."""
    cpu, wall = time.process_time(), time.perf_counter()
    return run(), time.process_time() - cpu, time.perf_counter() - wall


def peak_mb() -> float:
    """Largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=80_000)
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--loop", type=int, default=3, help="resamples that the loop runs")
    options = parser.parse_args()
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    spawn = multiprocessing.get_context("spawn")  # the new processes read the number of threads
    with ProcessPoolExecutor(1, spawn, max_tasks_per_child=1) as pool:
        sizes = (options.records, options.resamples, options.loop)
        found = [pool.submit(measure, task, *sizes).result() for task in TASKS]
    title = (
        f"All metrics of {options.records:,} records x {K} classes, {options.resamples:,} patient resamples, one core"
    )
    table = Table(title=title, box=None, padding=(0, 1))
    for column in ("task", "metrics", "CPU s", "wall s", "peak MB", "loop CPU s", "ratio", "largest gap"):
        table.add_column(column, justify="left" if column == "task" else "right")
    for one in found:
        numbers = (f"{one.seconds:.1f}", f"{one.wall_seconds:.1f}", f"{one.memory_mb:,.0f}", f"{one.loop_seconds:,.0f}")
        ratio = f"{one.loop_seconds / one.seconds:.0f}"
        table.add_row(one.task, str(one.metrics), *numbers, ratio, f"{one.largest_gap:.0e}")
    Console().print(table)
    result = {
        "benchmark": "bootstrap",
        "records": options.records,
        "resamples": options.resamples,
        "rows": [asdict(one) for one in found],
        "cpu": platform.processor() or platform.machine(),
        "numpy": np.__version__,
        "sklearn": sklearn.__version__,
        "torchmetrics": torchmetrics.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
