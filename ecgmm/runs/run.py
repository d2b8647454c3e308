"""A finished run directory: facts, metrics, settings, history, predictions and model, read when first asked for."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf

from ecgmm.errors import DataError, UserError, printable
from ecgmm.evaluation.calibration import (
    ReliabilityCurve,
    apply_temperature,
    calibration_scorer,
    fit_temperature,
    reliability_curve,
)
from ecgmm.evaluation.cox_calibration import cox_scorer
from ecgmm.evaluation.metrics import Scorer, TaskKind, joint_scorer, make_scorer
from ecgmm.evaluation.ranking import Floats
from ecgmm.files import inside
from ecgmm.runs.configuration import read_config
from ecgmm.runs.facts import RUN, RunFacts, SplitFacts, read_facts
from ecgmm.runs.history import read_history
from ecgmm.runs.metrics import METRICS, Metrics, read_evaluations, read_metrics
from ecgmm.runs.predictions import (
    PREDICTIONS,
    average_windows,
    labels_and_probabilities,
    read_evaluated,
    read_predictions,
    records_of,
)

if TYPE_CHECKING:
    from ecgmm.runs.loading import SavedModel

_NEEDED = (METRICS, PREDICTIONS)


@dataclass(frozen=True)
class Run:
    """One finished run directory.

    Attributes:
        directory: The folder.
        facts: ``run.json``; of a readout, with its inputs at test and leak mark.
        metrics: ``metrics.json``, or the part of a readout.
        readout: Whose predictions are looked at: empty for the method's own, else one of its readouts.
        evaluation: Name of the evaluation whose records stand in for the test split; empty for the test split.
        evaluated: Its metrics.
    """

    directory: Path
    facts: RunFacts
    metrics: Metrics
    readout: str = ""
    evaluation: str = ""
    evaluated: Metrics | None = None

    @staticmethod
    def open(directory: Path) -> "Run":
        """Read a finished run.

        Raises:
            DataError: If there is none, or a file of it is damaged.
        """
        run = Run.if_finished(directory) if directory.is_dir() else None
        if run is None:
            raise DataError(
                f"{printable(directory)} holds no finished run; give the folder of one, such as outputs/train/default"
            )
        return run

    @staticmethod
    def if_finished(directory: Path) -> "Run | None":
        """Read a run; None where it is not finished.

        Raises:
            DataError: If a file of it is damaged.
        """
        facts = read_facts(directory)
        if facts is None or not all(inside(directory, name).exists() for name in _NEEDED):
            return None
        return Run(directory, facts, read_metrics(directory, facts))

    @property
    def readouts(self) -> list["Run"]:
        """The run as each of its readouts sees it."""
        predicted = self.facts.readouts if self.evaluated is None else self.evaluated.readouts
        return [
            replace(
                self,
                facts=self.facts.model_copy(update=dict(about)),
                metrics=self.metrics.readouts[name],
                readout=name,
            )
            for name, about in self.facts.readouts.items()
            if name in predicted
        ]

    @property
    def method(self) -> str:
        """Name of the method that was trained."""
        return self.facts.method

    @property
    def is_trial(self) -> bool:
        """Whether it was measured on validation alone, as a trial of a search is: it belongs in no table."""
        return "val/auroc_macro" in self.metrics.measured

    @property
    def seed(self) -> int:
        """Seed of the training run."""
        return self.facts.seed

    @property
    def task(self) -> TaskKind:
        """``single_label`` or ``multi_label``."""
        return self.facts.task

    @property
    def classes(self) -> list[str]:
        """Class names in the order of the probabilities."""
        return self.facts.labels.classes

    @cached_property
    def config(self) -> DictConfig:
        """The resolved configuration."""
        return OmegaConf.create(read_config(self.directory, self.facts.files))

    @cached_property
    def history(self) -> pl.DataFrame:
        """``history.csv``."""
        return read_history(self.directory, self.facts.files)

    @cached_property
    def evaluations(self) -> list[Metrics]:
        """Metrics that ``python -m ecgmm.evaluate`` has saved of the run, by name of the file."""
        return read_evaluations(self.directory)

    @cached_property
    def model(self) -> "SavedModel":
        """The trained method, ready to predict: ``run.model(batch)``."""
        from ecgmm.runs.loading import load_model  # with torch, which tables do without

        return load_model(self.directory)

    @cached_property
    def predictions(self) -> pl.DataFrame:
        """``predictions.parquet``: validation and test, one row per window."""
        return read_predictions(self.directory, self.facts)

    def split(self, name: str) -> SplitFacts:
        """Records and patients of a split that took part.

        Raises:
            UserError: If ``run.json`` does not say.
        """
        for split in self.facts.data.splits:
            if split.split == name:
                return split
        raise UserError(f"{printable(self.directory)} does not say how large its {name} split is; train it again")

    @cached_property
    def test(self) -> pl.DataFrame:
        """Predictions of the test split, or of an evaluation, one row per record, in order of the store's rows."""
        if self.evaluated is not None:
            return average_windows(read_evaluated(self.directory, self.evaluation, self.evaluated))
        return records_of(self.predictions, "test")

    @property
    def rows(self) -> NDArray[np.int64]:
        """Store row of each test record ``[n]``."""
        return self.test["row"].to_numpy()

    @property
    def patients(self) -> NDArray[np.int64]:
        """Patient of each test record ``[n]``."""
        return self.test["patient"].to_numpy()

    @property
    def labels_and_probabilities(self) -> tuple[NDArray[Any], Floats]:
        """Labels (``[n]`` or ``[n, K]``) and probabilities ``[n, K]`` of the test records."""
        return labels_and_probabilities(self.test, self.classes, self.task, self.readout)

    def scorer(self) -> Scorer:
        """Scorer of the test predictions; a multi-label run brings the thresholds that it chose on validation."""
        thresholds = None if self.metrics.thresholds is None else np.array(self.metrics.thresholds)
        return make_scorer(*self.labels_and_probabilities, self.classes, self.task, thresholds)

    @cached_property
    def temperature(self) -> float:
        """Temperature of the logits, fitted on validation; a run from before calibration has not saved it."""
        if self.metrics.temperature is not None:
            return self.metrics.temperature
        validation = records_of(self.predictions, "val")
        return fit_temperature(*labels_and_probabilities(validation, self.classes, self.task, self.readout), self.task)

    def calibration_scorer(self) -> Scorer:
        """Scorer of the calibration of the test predictions, as they are and after temperature (``_calibrated``)."""
        labels, probabilities = self.labels_and_probabilities
        calibrated = apply_temperature(probabilities, self.temperature, self.task)
        scorers = (
            calibration_scorer(labels, probabilities, self.task, with_chance=True),
            calibration_scorer(labels, calibrated, self.task, "_calibrated", with_chance=True),
        )
        return joint_scorer(scorers)

    def cox_scorer(self) -> Scorer:
        """Scorer of calibration slope and intercept of the test predictions as they are."""
        return cox_scorer(*self.labels_and_probabilities, self.task)

    def reliability(self, calibrated: bool) -> ReliabilityCurve:
        """Reliability of the test predictions, as they are or after temperature."""
        labels, probabilities = self.labels_and_probabilities
        shown = apply_temperature(probabilities, self.temperature, self.task) if calibrated else probabilities
        return reliability_curve(labels, shown, self.task)


def run_directories(folder: Path) -> list[Path]:
    """The folder itself, or the finished runs below it where it is none but holds some."""
    below = [] if (folder / RUN).exists() else sorted({path.parent for path in folder.rglob(RUN)})
    return [directory for directory in below if Run.if_finished(directory) is not None] or [folder]


def find_runs(folders: list[Path]) -> tuple[list[Run], list[Path]]:
    """Look for run directories at and below the given folders.

    Returns:
        The finished runs in order of their path, trials of a search left out, and the directories of runs that were
        begun but not finished.

    Raises:
        UserError: If a folder does not exist, no finished run is found, or a run is of another version.
    """
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder} is not a folder; give the folder that holds the run directories")
    directories = sorted({path.parent.resolve() for folder in folders for path in folder.rglob(RUN)})
    runs = {directory: Run.if_finished(directory) for directory in directories}
    finished = [run for run in runs.values() if run is not None and not run.is_trial]
    unfinished = [directory for directory, run in runs.items() if run is None]
    if not finished:
        begun = f" ({len(unfinished)} begun, none finished)" if unfinished else ""
        if len(unfinished) < len(directories):
            begun = f" but {len(directories) - len(unfinished)} trials of a search, which `ecgmm tuning` shows"
        searched = ", ".join(map(str, folders))
        raise UserError(
            f"{searched} holds no finished run{begun}; train first, as `ecgmm train +experiment=table2` does"
        )
    return finished, unfinished
