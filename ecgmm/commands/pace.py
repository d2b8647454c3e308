"""How far a sweep is, and how long it takes still."""

import math
import statistics
from pathlib import Path

from hydra.core.utils import JobReturn

from ecgmm.runs.facts import RUN


class Pace:
    """How far a sweep is, and how long it takes still.

    Args:
        n_jobs: Jobs of the sweep.
        n_workers: How many run at a time.
    """

    def __init__(self, n_jobs: int, n_workers: int) -> None:
        self._n_jobs, self._n_workers, self._n_done = n_jobs, n_workers, 0
        self._seconds: list[float] = []

    def count(self, seconds: float | None) -> None:
        """Count a job that ended; None where it was finished before or failed, which says nothing of the others."""
        self._n_done += 1
        if seconds is not None:
            self._seconds.append(seconds)

    @property
    def seconds_left(self) -> float | None:
        """Time that the other jobs take at the mean of those that were trained; None where none was yet."""
        if not self._seconds:
            return None
        rounds = math.ceil((self._n_jobs - self._n_done) / self._n_workers)
        return rounds * statistics.mean(self._seconds)

    def __str__(self) -> str:
        text = f"{self._n_done} of {self._n_jobs}"
        if self._n_done == self._n_jobs or self.seconds_left is None:
            return text
        return f"{text}, {_duration(self.seconds_left)} left"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return "less than 1 min"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def was_trained(result: JobReturn, began_s: float) -> bool:
    """Whether a job ended well and wrote its run; one that was finished before leaves ``run.json`` as it was."""
    if result.hydra_cfg is None or result._return_value is None:
        return False
    run = Path(result.hydra_cfg.hydra.runtime.output_dir, RUN)
    return run.exists() and run.stat().st_mtime >= began_s
