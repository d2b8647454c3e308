"""Find finished run directories and read from them what a table needs; refuse to mix what cannot be compared."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.errors import UserError
from ecgmm.evaluation.metrics import Scorer, make_scorer
from ecgmm.evaluation.results import average_windows

_FILES = ("run.json", "metrics.json", "predictions.parquet")
_TEXT_POLICIES = ("full", "masked", "shuffled", "none")
_SAME_IN_A_TABLE = (
    ("data", "name"),
    ("data", "fingerprint"),
    ("recipe",),
    ("task",),
    ("labels", "name"),
    ("labels", "classes"),
    ("train_fraction",),
)


@dataclass(frozen=True)
class Run:
    """One finished run directory: the content of run.json and metrics.json, predictions on demand."""

    directory: Path
    facts: dict[str, Any]
    metrics: dict[str, Any]

    @property
    def method(self) -> str:
        """Name of the method that was trained."""
        return str(self.facts["method"])

    @property
    def text_policy(self) -> str | None:
        """What of the report the method saw; None for a method that reads none."""
        return str(self.facts["text_policy"]) if "text" in self.facts["inputs_at_test"] else None

    @property
    def seed(self) -> int:
        """Seed of the training run."""
        return int(self.facts["seed"])

    @property
    def classes(self) -> list[str]:
        """Class names in the order of the probabilities."""
        return list(self.facts["labels"]["classes"])

    @cached_property
    def test(self) -> pl.DataFrame:
        """Predictions of the test split, one row a record, in order of the store's rows."""
        frame = pl.read_parquet(self.directory / "predictions.parquet").filter(pl.col("split") == "test")
        return average_windows(frame)

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
        probabilities = self.test.select([f"probability.{name}" for name in self.classes]).to_numpy()
        if self.facts["task"] == "single_label":
            return make_scorer(self.test["label"].to_numpy(), probabilities, self.classes, "single_label")
        labels = self.test.select([f"label.{name}" for name in self.classes]).to_numpy()
        thresholds = np.array(self.metrics["thresholds"])
        return make_scorer(labels, probabilities, self.classes, "multi_label", thresholds)


def find_runs(folders: list[Path]) -> tuple[list[Run], list[Path]]:
    """Look for run directories at and below the given folders.

    Returns:
        The finished runs in order of their path, and the directories of runs that were begun but not finished.

    Raises:
        UserError: If a folder does not exist or no finished run is found.
    """
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder} is not a folder; give the folder that holds the run directories")
    directories = sorted({path.parent.resolve() for folder in folders for path in folder.rglob("run.json")})
    runs, unfinished = [], []
    for directory in directories:
        facts = _read_json(directory / "run.json")
        if facts.get("finished") and all((directory / name).is_file() for name in _FILES):
            runs.append(Run(directory, facts, _read_json(directory / "metrics.json")))
        else:
            unfinished.append(directory)
    if not runs:
        begun = f" ({len(unfinished)} begun, none finished)" if unfinished else ""
        searched = ", ".join(map(str, folders))
        raise UserError(f"{searched} holds no finished run{begun}; train first, as `make reproduce-table2` does")
    return runs, unfinished


def common_text_policy(runs: Sequence[Run]) -> str | None:
    """The text policy under which most methods were run (in a tie full before masked before the others).

    None where no method reads text.
    """
    methods = {(run.text_policy, run.method) for run in runs if run.text_policy is not None}
    counts = Counter(policy for policy, _ in methods)
    return max(_TEXT_POLICIES, key=counts.__getitem__) if counts else None


def row_name(run: Run, common: str | None) -> str:
    """Name of the row that a run belongs to: its method, and its text policy where that is not the common one."""
    return run.method if run.text_policy in (None, common) else f"{run.method}, {run.text_policy}"


def check_comparable(runs: list[Run]) -> None:
    """Make sure that all runs answer the same question on the same records, each row and seed once.

    Text policies may differ: each makes a row of its own.

    Raises:
        UserError: Names the two run directories that do not go together, and in what they differ.
    """
    first, seen = runs[0], dict[tuple[str, int], Run]()
    common = common_text_policy(runs)
    for run in runs:
        for path in _SAME_IN_A_TABLE:
            ours, theirs = _look_up(first.facts, path), _look_up(run.facts, path)
            if ours != theirs:
                what = f"{'.'.join(path)} ({_short(ours)} and {_short(theirs)})"
                raise _cannot_mix(first, run, f"differ in {what}")
        if not np.array_equal(first.rows, run.rows):
            raise _cannot_mix(first, run, "were tested on different records")
        row = row_name(run, common)
        twin = seen.setdefault((row, run.seed), run)
        if twin is not run:
            raise _cannot_mix(twin, run, f"are both {row} with seed {run.seed}")


def _cannot_mix(one: Run, other: Run, why: str) -> UserError:
    return UserError(f"{one.directory} and {other.directory} {why}; give folders whose runs belong in one table")


def _look_up(facts: dict[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = facts
    for key in path:
        value = value.get(key)
    return value


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is not JSON; remove that run directory and train the run again") from error
    return content
