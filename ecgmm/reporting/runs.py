"""Find finished run directories and read from them what a table needs."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf

from ecgmm.errors import UserError, printable
from ecgmm.evaluation.calibration import (
    ReliabilityCurve,
    apply_temperature,
    calibration_scorer,
    fit_temperature,
    reliability_curve,
)
from ecgmm.evaluation.metrics import Scorer, TaskKind, joint_scorer, make_scorer
from ecgmm.evaluation.results import average_windows
from ecgmm.files import inside
from ecgmm.runs.configuration import read_config
from ecgmm.runs.facts import METRICS, RUN, read_evaluations, read_facts, read_history, read_metrics
from ecgmm.runs.predictions import PREDICTIONS, read_predictions

_FILES = (METRICS, PREDICTIONS)


@dataclass(frozen=True)
class Run:
    """One finished run directory: the content of run.json and metrics.json, predictions on demand.

    Attributes:
        readout: Whose predictions are looked at: empty for the method's own, else one of its readouts.
    """

    directory: Path
    facts: dict[str, Any]
    metrics: dict[str, Any]
    readout: str = ""

    @property
    def readouts(self) -> list["Run"]:
        """The run as each of its readouts sees it: with that readout's predictions, inputs at test and leak mark."""
        return [
            Run(self.directory, self.facts | about, self.metrics["readouts"][name], name)
            for name, about in self.facts["readouts"].items()
        ]

    @property
    def method(self) -> str:
        """Name of the method that was trained."""
        return str(self.facts["method"])

    @property
    def choices(self) -> dict[str, str | None]:
        """What runs of one method may differ in within a table; None where the choice changes nothing for the method.

        A method that was published with pre-training learns from reports even where it predicts without.
        """
        reads = "text" in self.facts["inputs_at_test"] or self.facts["two_stages"]
        stages = {"joint": "joint", "two": "two stages"}[self.facts["stages"]]
        return {
            "ablation": self.facts.get("ablation"),
            "text_policy": self.facts["text_policy"] if reads else None,
            "stages": stages if self.facts["two_stages"] else None,
        }

    @cached_property
    def config(self) -> DictConfig:
        """The resolved configuration."""
        return OmegaConf.create(read_config(self.directory, self.facts))

    @cached_property
    def history(self) -> pl.DataFrame:
        """``history.csv``."""
        return read_history(self.directory, self.facts)

    @cached_property
    def evaluations(self) -> list[dict[str, Any]]:
        """What ``python -m ecgmm.evaluate`` has saved of the run, by name of the file."""
        return read_evaluations(self.directory)

    @property
    def seed(self) -> int:
        """Seed of the training run."""
        return int(self.facts["seed"])

    def split(self, name: str) -> dict[str, Any]:
        """Records and patients of a split that took part.

        Raises:
            UserError: If ``run.json`` does not say.
        """
        found = next((one for one in self.facts["data"].get("splits", []) if one["split"] == name), None)
        if found is None:
            raise UserError(f"{printable(self.directory)} does not say how large its {name} split is; train it again")
        return dict(found)

    @property
    def classes(self) -> list[str]:
        """Class names in the order of the probabilities."""
        return list(self.facts["labels"]["classes"])

    @cached_property
    def test(self) -> pl.DataFrame:
        """Predictions of the test split, one row a record, in order of the store's rows."""
        return self._predictions("test")

    @property
    def rows(self) -> NDArray[np.int64]:
        """Store row of each test record ``[n]``."""
        return self.test["row"].to_numpy()

    @property
    def patients(self) -> NDArray[np.int64]:
        """Patient of each test record ``[n]``."""
        return self.test["patient"].to_numpy()

    def scorer(self) -> Scorer:
        """Scorer of the test predictions; a multi-label run brings the thresholds that it chose on validation."""
        labels, probabilities = self._labels_and_probabilities(self.test)
        thresholds = None if self.task == "single_label" else np.array(self.metrics["thresholds"])
        return make_scorer(labels, probabilities, self.classes, self.task, thresholds)

    @cached_property
    def temperature(self) -> float:
        """Temperature of the logits, fitted on the validation predictions (a run of old has not saved it)."""
        return fit_temperature(*self._labels_and_probabilities(self._predictions("val")), self.task)

    def calibration_scorer(self) -> Scorer:
        """Scorer of the calibration of the test predictions, as they are and after temperature (``_calibrated``)."""
        labels, probabilities = self._labels_and_probabilities(self.test)
        calibrated = apply_temperature(probabilities, self.temperature, self.task)
        scorers = (
            calibration_scorer(labels, probabilities, self.task, with_chance=True),
            calibration_scorer(labels, calibrated, self.task, "_calibrated", with_chance=True),
        )
        return joint_scorer(scorers)

    def reliability(self, calibrated: bool) -> ReliabilityCurve:
        """Reliability of the test predictions, as they are or after temperature."""
        labels, probabilities = self._labels_and_probabilities(self.test)
        shown = apply_temperature(probabilities, self.temperature, self.task) if calibrated else probabilities
        return reliability_curve(labels, shown, self.task)

    @property
    def task(self) -> TaskKind:
        """``single_label`` or ``multi_label``."""
        return cast(TaskKind, self.facts["task"])

    @cached_property
    def _frame(self) -> pl.DataFrame:
        return read_predictions(self.directory, self.facts)

    def _predictions(self, split: str) -> pl.DataFrame:
        return average_windows(self._frame.filter(pl.col("split") == split))

    def _labels_and_probabilities(self, frame: pl.DataFrame) -> tuple[NDArray[Any], NDArray[np.float64]]:
        prefix = f"{self.readout}." if self.readout else ""
        probabilities = frame.select([f"{prefix}probability.{name}" for name in self.classes]).to_numpy()
        labels = ["label"] if self.task == "single_label" else [f"label.{name}" for name in self.classes]
        values = frame.select(labels).to_numpy()
        return (values[:, 0] if self.task == "single_label" else values), probabilities.astype(np.float64)


def version_of(run: Run) -> str:
    """Version of ecgmm that made a run; runs of old have not recorded it."""
    return str(run.facts["versions"].get("ecgmm", "unknown"))


def find_runs(folders: list[Path]) -> tuple[list[Run], list[Path]]:
    """Look for run directories at and below the given folders.

    Returns:
        The finished runs in order of their path, and the directories of runs that were begun but not finished.

    Raises:
        UserError: If a folder does not exist, no finished run is found, or a run is of another version.
    """
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder} is not a folder; give the folder that holds the run directories")
    directories = sorted({path.parent.resolve() for folder in folders for path in folder.rglob(RUN)})
    runs, unfinished = [], []
    for directory in directories:
        facts = read_facts(directory)
        if facts.get("finished") is True and all(inside(directory, name).exists() for name in _FILES):
            runs.append(Run(directory, facts, read_metrics(directory, facts)))
        else:
            unfinished.append(directory)
    if not runs:
        begun = f" ({len(unfinished)} begun, none finished)" if unfinished else ""
        searched = ", ".join(map(str, folders))
        raise UserError(
            f"{searched} holds no finished run{begun}; train first, as `ecgmm train +experiment=table2` does"
        )
    return runs, unfinished
