"""How often a test finds a method different from itself: ``python -m benchmarks.replicates [folder of runs ...]``.

Simulates runs whose seed and patients have known effects and compares sets of seeds of one method, in AUROC, accuracy,
F1 and MCC: over patients alone, by percentiles of resampled seeds and patients, and by
``ecgmm.evaluation.replicates``. Of a folder with four or more seeds of a method it compares disjoint sets of its seeds
in the eight metrics of Table 2. About 5 % of tests at 5 % should find a difference. The last line is JSON.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ecgmm.evaluation.comparison import difference_of
from ecgmm.evaluation.metrics import TABLE2_METRICS, Scorer, single_label_scorer
from ecgmm.evaluation.replicates import Replicates, replicate, replicated_difference_of
from ecgmm.runs.run import find_runs

CLASSES = ("a", "b", "c")
METRICS = ("auroc_macro", "accuracy", "f1_macro", "mcc")
TESTS = ("patients alone", "percentiles of both", "replicates")
LEVEL = 0.05


@dataclass(frozen=True)
class World:
    """What differs between runs.

    Attributes:
        seed_sd: Of the separation of the classes, between seeds.
        interaction_sd: Of a record's logits, between seeds.
        method_sd: Of a record's logits, between two methods that are equally good; 0 compares a method with itself.
    """

    seed_sd: float
    interaction_sd: float
    method_sd: float


WORLDS = {
    "same method": World(0.1, 0.3, 0),
    "same method, seeds agree on no record": World(0, 0.5, 0),
    "equal methods": World(0.1, 0.3, 0.3),
    "equal methods, far apart": World(0.1, 0.3, 0.7),
}


def rejections(world: World, n_seeds: int, n_tests: int, n_resamples: int) -> dict[str, float]:
    """Share of simulated comparisons with p < 0.05, by test."""
    found = [
        _rejected(*_simulated(world, n_seeds, np.random.default_rng([n_seeds, test]), n_resamples), key, test)
        for test in range(n_tests)
        for key in METRICS
    ]
    return dict(zip(TESTS, np.mean(found, axis=0).tolist(), strict=True))


def rejections_of_runs(folders: Sequence[Path], n_resamples: int) -> tuple[int, dict[str, float]]:
    """Number of comparisons of disjoint sets of seeds, two or more in each, and the share of p < 0.05, by test."""
    runs, _ = find_runs(list(folders))
    found: list[tuple[bool, ...]] = []
    for method in sorted({run.method for run in runs}):
        group = [run for run in runs if run.method == method]
        each = [replicate([run.scorer()], run.patients, n_resamples, 0, tuple(TABLE2_METRICS)) for run in group]
        for first, second in _disjoint(len(group)):
            sides = _joined([each[one] for one in first]), _joined([each[one] for one in second])
            found += [_rejected(*sides, key, len(found)) for key in TABLE2_METRICS]
    return len(found), dict(zip(TESTS, np.mean(found, axis=0).tolist() if found else (), strict=bool(found)))


def _disjoint(n: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Halves of n seeds, each pair of halves once."""
    for first in combinations(range(n), n // 2) if n >= 4 else ():
        second = tuple(sorted(set(range(n)) - set(first)))
        if n % 2 or first < second:
            yield first, second


def _joined(each: Sequence[Replicates]) -> Replicates:
    return Replicates(
        {key: np.concatenate([one.by_seed[key] for one in each]) for key in each[0].by_seed},
        {key: np.concatenate([one.resampled[key] for one in each]) for key in each[0].resampled},
    )


def _rejected(first: Replicates, second: Replicates, key: str, seed: int) -> tuple[bool, ...]:
    ours, theirs = (float(one.by_seed[key].mean()) for one in (first, second))
    rng = np.random.default_rng([1, seed])
    alone = difference_of(ours, theirs, first.resampled[key].mean(axis=0), second.resampled[key].mean(axis=0))
    both = difference_of(ours, theirs, _with_seeds(first.resampled[key], rng), _with_seeds(second.resampled[key], rng))
    replicates = replicated_difference_of(key, first, second)
    return tuple(one.p_value < LEVEL for one in (alone, both, replicates))


def _with_seeds(resampled: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Means over seeds that are drawn with replacement in every resample of patients."""
    n_seeds, n_resamples = resampled.shape
    drawn = rng.integers(n_seeds, size=(n_seeds, n_resamples))
    mean: NDArray[np.float64] = resampled[drawn, np.arange(n_resamples)].mean(axis=0)
    return mean


def _simulated(world: World, n_seeds: int, rng: np.random.Generator, n_resamples: int) -> tuple[Replicates, Replicates]:
    """Two sets of runs, tested on 300 records of 150 patients."""
    n = 300
    labels, shared = rng.integers(len(CLASSES), size=n), rng.normal(size=(n, len(CLASSES)))

    def trained(of_method: NDArray[np.float64]) -> Scorer:
        logits = (1.5 + world.seed_sd * rng.normal()) * np.eye(len(CLASSES))[labels] + shared + of_method
        logits = logits + world.interaction_sd * rng.normal(size=logits.shape)
        return single_label_scorer(labels, softmax(logits, axis=1), CLASSES)

    methods = world.method_sd * rng.normal(size=(2, n, len(CLASSES)))
    first, second = (
        replicate([trained(one) for _ in range(n_seeds)], np.arange(n) // 2, n_resamples, 0, METRICS) for one in methods
    )
    return first, second


def _measured(options: argparse.Namespace) -> Iterator[tuple[str, dict[str, float]]]:
    if options.folders:
        n, shares = rejections_of_runs(options.folders, options.resamples)
        yield f"{n} comparisons of runs", shares
        return
    for name, world in WORLDS.items():
        for n_seeds in options.seeds:
            yield f"{name}, {n_seeds} seeds", rejections(world, n_seeds, options.tests, options.resamples)


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser(prog="benchmarks.replicates", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, help="folders with four or more seeds of a method")
    parser.add_argument("--tests", type=int, default=250, help="simulated comparisons, of four metrics each")
    parser.add_argument("--resamples", type=int, default=500)
    parser.add_argument("--seeds", nargs="+", type=int, default=[3, 5, 8])
    options = parser.parse_args()
    results: dict[str, dict[str, float]] = {}
    for name, shares in _measured(options):
        results[name] = shares
        print(f"{name}: " + ", ".join(f"{test} {share:.1%}" for test, share in shares.items()), flush=True)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
