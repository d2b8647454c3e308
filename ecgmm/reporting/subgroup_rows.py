"""What is measured of each subgroup: every metric with its interval, and its gap from the rest with a corrected p."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.comparison import Difference, holm
from ecgmm.evaluation.conformal import sets_of_records
from ecgmm.evaluation.subgroups import Predictions, measure_group
from ecgmm.reporting.grouping import RowKey, check_comparable, common_choices, group_runs
from ecgmm.reporting.subgroup_columns import GROUPINGS, Group, Groups, Limits, groups_of
from ecgmm.reporting.table2_notes import LEAK_MARK
from ecgmm.reporting.table2_rows import REFERENCE_METHOD
from ecgmm.runs.predictions import labels_and_probabilities, records_of
from ecgmm.runs.run import Run
from ecgmm.runs.store_of_run import STORES

COVERAGE = 0.9
"""That conformal sets are made for."""
RESAMPLES, BOOTSTRAP_SEED = 2000, 0
HEADS = {
    "auroc_macro": "AUROC",
    "auprc_macro": "AUPRC",
    "f1_macro": "F1",
    "accuracy": "Acc.",
    "recall_macro": "Sens.",
    "specificity_macro": "Spec.",
    "brier": "Brier",
    "coverage": "Coverage",
}
"""Heads of the metrics that are compared; those of each class have none."""


@dataclass(frozen=True)
class Gap:
    """Group minus rest, and its p after Holm over all gaps of the table."""

    difference: Difference
    p_holm: float


@dataclass(frozen=True)
class Measured:
    """One group as one method does in it.

    Attributes:
        method: Name of the row.
        group: The group.
        values: Each metric of the group.
        rest: Each metric of the rest, over the same classes; empty where there is no comparison.
        gaps: Of the metrics that are compared.
    """

    method: str
    group: Group
    values: dict[str, Estimate]
    rest: dict[str, Estimate]
    gaps: dict[str, Gap]


@dataclass(frozen=True)
class Table:
    """All groups of all methods.

    Attributes:
        runs: By name of the row, in order of their seeds.
        measured: One for each method and shown group.
        hidden: See ``Groups``.
        limits: What a group must have.
        n_resamples: Patient resamples.
    """

    runs: dict[str, list[Run]]
    measured: list[Measured]
    hidden: list[tuple[str, str, str]]
    limits: Limits
    n_resamples: int

    @property
    def n_gaps(self) -> int:
        """Number of gaps that Holm's correction counts."""
        return sum(len(one.gaps) for one in self.measured)


def rows_of(runs: Sequence[Run], most: int | None = None) -> dict[str, list[Run]]:
    """Runs by name of their row without readouts, the paper's method first.

    Args:
        runs: Finished runs.
        most: How many rows to keep.

    Raises:
        UserError: If the runs do not belong in one table.
    """
    check_comparable(runs)
    rows = {key: group for key, group in group_runs(runs, common_choices(runs)).items() if not key.readout}
    return {_name(key, rows[key]): rows[key] for key in sorted(rows, key=_place)[:most]}


def build_table(
    rows: dict[str, list[Run]],
    stores: Path = STORES,
    by: Sequence[str] = tuple(GROUPINGS),
    limits: Limits | None = None,
    n_resamples: int = RESAMPLES,
) -> Table:
    """Measure all groups.

    Args:
        rows: As ``rows_of`` returns them.
        stores: Folder that holds the store of the runs.
        by: Groupings.
        limits: What a group must have.
        n_resamples: Patient resamples.

    Raises:
        UserError: If the store is not there.
    """
    limits = limits or Limits()
    tested = {name: [predictions_of(run) for run in runs] for name, runs in rows.items()}
    first = next(iter(rows.values()))[0]
    groups: Groups = groups_of(first, next(iter(tested.values()))[0].positive, by, limits, stores)
    measured = [
        _measure(name, group, seeds, first, n_resamples) for name, seeds in tested.items() for group in groups.shown
    ]
    return Table(rows, _corrected(measured), groups.hidden, limits, n_resamples)


def predictions_of(run: Run) -> Predictions:
    """Predictions of a run on its test records, with conformal sets from its validation records."""
    validation = labels_and_probabilities(records_of(run.predictions, "val"), run.classes, run.task, run.readout)
    labels, probabilities = run.labels_and_probabilities
    thresholds = None if run.metrics.thresholds is None else np.array(run.metrics.thresholds, dtype=np.float64)
    sets = sets_of_records(validation, (labels, probabilities), run.task, COVERAGE)
    return Predictions(labels, probabilities, run.classes, run.task, thresholds, *sets)


def _measure(method: str, group: Group, seeds: Sequence[Predictions], run: Run, n_resamples: int) -> Measured:
    sides = (group.chosen, group.rest if group.against else None)
    found = measure_group(seeds, run.patients, sides, group.classes, n_resamples, BOOTSTRAP_SEED)
    gaps = {key: Gap(one, one.p_value) for key, one in found.gaps.items()}
    return Measured(method, group, found.values, found.rest, gaps)


def _corrected(measured: Sequence[Measured]) -> list[Measured]:
    places = [(place, key) for place, one in enumerate(measured) for key in one.gaps]
    if not places:
        return list(measured)
    adjusted = holm([measured[place].gaps[key].difference.p_value for place, key in places])
    p_holm = dict(zip(places, map(float, adjusted), strict=True))
    return [
        replace(one, gaps={key: Gap(found.difference, p_holm[place, key]) for key, found in one.gaps.items()})
        for place, one in enumerate(measured)
    ]


def _name(key: RowKey, runs: Sequence[Run]) -> str:
    return key.label + LEAK_MARK * bool(runs[0].facts.leaky)


def _place(key: RowKey) -> tuple[bool, RowKey]:
    return key.method != REFERENCE_METHOD, key
