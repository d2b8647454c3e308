"""What every logger is told, and what it must be able to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from ecgmm.runs.facts import RunFacts
from ecgmm.runs.metrics import Metrics


@dataclass(frozen=True)
class About:
    """A run that begins; all but the directory may leave the machine.

    Attributes:
        directory: The run directory, absolute.
        name: Its last part.
        group: Name of the experiment.
        tags: Method, data, recipe and marks.
        config: Settings without paths, and under ``facts`` what ``run.json`` says.
        run_id: The same for an interrupted run that goes on.
    """

    directory: Path
    name: str
    group: str
    tags: list[str]
    config: Mapping[str, Any]
    run_id: str


@dataclass(frozen=True)
class Results:
    """What a finished run holds; ``content`` chooses what of it is sent.

    Attributes:
        directory: The run directory.
        frame: Predictions, as in ``predictions.parquet``.
        metrics: What was measured.
        facts: ``run.json``.
        figures: Files of its figures, by name.
        manifest: The store's manifest.
    """

    directory: Path
    frame: pl.DataFrame
    metrics: Metrics
    facts: RunFacts
    figures: Mapping[str, Path]
    manifest: dict[str, Any]


class Destination(Protocol):
    """A run at W&B, TensorBoard or MLflow. One thread calls it; whatever it raises ends the logging, not the run."""

    def log(self, numbers: Mapping[str, float], step: int) -> object:
        """Send numbers of a training step."""

    def send_results(self, results: Results) -> object:
        """Send metrics and figures of the finished run."""

    def finish(self, exit_code: int) -> object:
        """Close it; the run failed unless the code is 0."""
