"""Lines of the zero-shot table while runs are measured, and what each run adds to them."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from omegaconf import DictConfig

from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.metrics import Scorer
from ecgmm.evaluation.replicates import replicated_estimates
from ecgmm.shared_space.asking import Key, Logits, Reader
from ecgmm.shared_space.readings import ORDER

LEAST_CASES, DRAWS = 10, 5
BOOTSTRAP_SEED = 0
STACKED = "stacked/"
"""Before the measures behind an offset."""


@dataclass(frozen=True)
class Asked:
    """What is measured.

    Attributes:
        labels: Settings of a label set that runs were not trained for; None for the classes that runs left out.
        least_cases: Least records with a class of ``labels``, and without.
        n_draws: Random waveform towers for each run.
        n_resamples: Patient resamples.
    """

    labels: DictConfig | None = None
    least_cases: int = LEAST_CASES
    n_draws: int = DRAWS
    n_resamples: int = 1000


@dataclass(frozen=True)
class Line:
    """One reading of some classes by one method.

    Attributes:
        method: Name of the method.
        classes: The classes that no label taught.
        reading: How they are read.
        n_runs: Runs, or random towers, that the mean is over.
        values: ``auroc_macro``, ``auroc/<class>``, and of a task of one class a record ``seen``, ``unseen`` and
            ``harmonic``, behind ``STACKED`` with the offset.
    """

    method: str
    classes: tuple[str, ...]
    reading: str
    n_runs: int
    values: dict[str, Estimate]


@dataclass
class _Measured:
    """Scorers of one line, one for each run, all on records of the same patients."""

    patients: NDArray[np.int64]
    scorers: list[Scorer] = field(default_factory=list)


class Lines:
    """Scorers by method, classes and reading."""

    def __init__(self) -> None:
        self._measured: dict[tuple[str, tuple[str, ...], str], _Measured] = {}

    def add(
        self, method: str, classes: tuple[str, ...], reading: str, patients: NDArray[np.int64], scorer: Scorer
    ) -> None:
        """Add a run's scorer of records of patients ``[n]``."""
        self._measured.setdefault((method, classes, reading), _Measured(patients)).scorers.append(scorer)

    def classes_of(self, method: str) -> set[tuple[str, ...]]:
        """Sets of classes that are read by runs of a method."""
        return {classes for name, classes, _ in self._measured if name == method}

    def estimated(self, n_resamples: int) -> list[Line]:
        """All lines with their intervals."""
        keys = sorted(self._measured, key=lambda key: (key[0], len(key[1]), key[1], ORDER.index(key[2])))
        return [
            Line(*key, len(one.scorers), _within(one, n_resamples)) for key in keys for one in [self._measured[key]]
        ]


def _within(measured: _Measured, n_resamples: int) -> dict[str, Estimate]:
    """Estimates, all of them shares."""
    found = replicated_estimates(measured.scorers, measured.patients, n_resamples, BOOTSTRAP_SEED)
    return {name: Estimate(one.value, max(one.low, 0.0), min(one.high, 1.0)) for name, one in found.items()}


@dataclass(frozen=True)
class Contribution:
    """What a run is asked, and what its answers add to the table.

    Attributes:
        readers: The run beside records, once or twice.
        add: Adds the answers of the readers.
    """

    readers: list[Reader]
    add: Callable[[Lines, list[dict[Key, Logits]]], None]
