"""The numbers of external validation: each run on its own test split and on another store, side by side.

Both sides are measured over the classes that they have in common. They hold other patients, so their difference is
unpaired: each side is resampled by itself. Runs that were evaluated on the same records are compared in the same
resamples.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from omegaconf import OmegaConf

from ecgmm.errors import DataError, UserError, printable
from ecgmm.evaluation.bootstrap import Estimate, bootstrap, estimate_of, point_values
from ecgmm.evaluation.calibration import apply_temperature, calibration_scorer
from ecgmm.evaluation.comparison import Difference, difference_of, holm
from ecgmm.evaluation.metrics import TABLE2_METRICS, Scorer, TaskKind, joint_scorer, make_scorer, positives
from ecgmm.evaluation.ranking import Floats
from ecgmm.evaluation.replicates import Replicates, replicated_difference_of
from ecgmm.runs.facts import ExternalFacts
from ecgmm.runs.metrics import Metrics, read_named_evaluations
from ecgmm.runs.predictions import average_windows, labels_and_probabilities, read_evaluated
from ecgmm.runs.run import Run

_INTERNAL_SEED, _EXTERNAL_SEED = 0, 1
"""Two seeds, because the sides are resampled independently."""
CALIBRATION = ("ece", "brier", "nll", "ece_calibrated", "brier_calibrated", "nll_calibrated")


class Predictions(NamedTuple):
    """Predictions of one side: labels ``[n]`` or ``[n, K]``, probabilities ``[n, K]`` and patients ``[n]``."""

    labels: NDArray[Any]
    probabilities: Floats
    patients: NDArray[np.int64]


@dataclass(frozen=True)
class Side:
    """One side measured.

    Attributes:
        values: Every metric with its interval.
        resampled: Every metric in every resample, ``[R]``.
        n_records: Records.
        n_patients: Their patients.
        n_positive: Records of each class.
    """

    values: dict[str, Estimate]
    resampled: dict[str, Floats]
    n_records: int
    n_patients: int
    n_positive: dict[str, int]

    @property
    def absent(self) -> list[str]:
        """Classes that all records have, or none: macro means leave them out."""
        return [name for name, n in self.n_positive.items() if n in (0, self.n_records)]


@dataclass(frozen=True)
class Row:
    """One run on one other store.

    Attributes:
        name: Of the row.
        run: The run.
        metrics: What its evaluation saved.
        internal: Its own test split, over the common classes.
        external: The other store.
        differences: Internal minus external of each metric of Table 2, unpaired; nothing where a class is absent on one
            side, so that means are not over the same classes.
        paired: The first row of the set minus this one, with p after Holm; None in the first row.
        records: Rows of the store that were measured.
    """

    name: str
    run: Run
    metrics: Metrics
    internal: Side
    external: Side
    differences: dict[str, Difference]
    paired: dict[str, tuple[Difference, float]] | None
    records: NDArray[np.int64]

    @property
    def about(self) -> ExternalFacts:
        """Facts of the other store."""
        assert self.metrics.external is not None
        return self.metrics.external


def build_sets(runs: Sequence[Run], n_resamples: int) -> list[list[Row]]:
    """Measure each run beside each of its evaluations on another store.

    Args:
        runs: Finished runs.
        n_resamples: Patient resamples.

    Returns:
        Rows of each store and split, in order of their first run.

    Raises:
        UserError: If no run was evaluated on another store, or evaluations cannot be compared.
    """
    found = [
        (run, name, metrics)
        for run in runs
        for name, metrics in read_named_evaluations(run.directory).items()
        if metrics.external is not None
    ]
    if not found:
        raise UserError(
            "no run was evaluated on another store; do so with python -m ecgmm.evaluate run=... store=... split=all"
        )
    for run, name, metrics in found:
        _check_alike(found[0], (run, name, metrics))
    sets: dict[tuple[Any, ...], list[Row]] = {}
    for run, name, metrics in found:
        sets.setdefault(_set_of(metrics), []).append(_row(run, name, metrics, n_resamples))
    return [_compared(rows) for rows in sets.values()]


def _set_of(metrics: Metrics) -> tuple[Any, ...]:
    about = metrics.external
    assert about is not None
    return about.fingerprint, about.split, about.labels.name, tuple(metrics.leads or ())


def _check_alike(one: tuple[Run, str, Metrics], other: tuple[Run, str, Metrics]) -> None:
    """Refuse what answers another question.

    Raises:
        UserError: Naming the two evaluations and in what they differ.
    """
    run, _, metrics = other
    about = metrics.external
    assert about is not None
    own = _selection(run)
    if about.selection != own:
        raise UserError(
            f"{_place(other)} was measured with task.selection={printable(about.selection)} and its run with"
            f" {printable(own)}; evaluate it again with the selection of the run"
        )
    for what, ours, theirs in zip(
        ("labels of training", "task", "task.selection", "leak mark"), _asked(one), _asked(other), strict=True
    ):
        if ours != theirs:
            raise _cannot_compare(one, other, what, ours, theirs)
    if _set_of(one[2]) == _set_of(metrics) and one[2].classes != metrics.classes:
        raise _cannot_compare(one, other, "classes", ", ".join(one[2].classes), ", ".join(metrics.classes))


def _asked(one: tuple[Run, str, Metrics]) -> tuple[str, ...]:
    run, _, metrics = one
    leaky = run.facts.leaky or (metrics.origins is not None and metrics.origins.leaky)
    return run.facts.labels.name, run.task, _selection(run), "yes" if leaky else "no"


def _selection(run: Run) -> str:
    return str(OmegaConf.select(run.config, "task.selection"))


def _place(one: tuple[Run, str, Metrics]) -> str:
    return f"{printable(one[0].directory)}: {printable(one[1])}"


def _cannot_compare(
    one: tuple[Run, str, Metrics], other: tuple[Run, str, Metrics], what: str, ours: str, theirs: str
) -> UserError:
    return UserError(
        f"{_place(one)} and {_place(other)} cannot be compared: they differ in {what} ({printable(ours)} and"
        f" {printable(theirs)}); give folders whose evaluations belong together, or move one away"
    )


def _check_of_run(run: Run, name: str, metrics: Metrics) -> None:
    """Make sure that an evaluation is of its run.

    Raises:
        DataError: If it has another task, classes that the run does not know, or lacks metrics.
    """
    about, new = metrics.external, metrics.recalibration
    assert about is not None
    keys = [f"{about.split}/{key}" for key in (*TABLE2_METRICS, *CALIBRATION)]
    parts = () if new is None else (new.before, new.after)
    lacks = [key for part in parts for key in keys if key not in part]
    if metrics.task != run.task or not set(metrics.classes) <= set(run.classes) or lacks:
        raise DataError(f"{_place((run, name, metrics))} is damaged: it is no evaluation of its run; evaluate it again")


def _row(run: Run, name: str, metrics: Metrics, n_resamples: int) -> Row:
    _check_of_run(run, name, metrics)
    frame = average_windows(read_evaluated(run.directory, name, metrics))
    outside = Predictions(*labels_and_probabilities(frame, metrics.classes, run.task), frame["patient"].to_numpy())
    adapted = metrics.adaptation
    at_home = common_only(Predictions(*run.labels_and_probabilities, run.patients), run.classes, metrics.classes)
    columns = [run.classes.index(one) for one in metrics.classes]
    thresholds = None if run.metrics.thresholds is None else np.array(run.metrics.thresholds)[columns]
    # Probabilities that were adapted to other shares of the classes are calibrated, and have thresholds of their own.
    is_calibrated = adapted is not None and metrics.temperature is None
    moved = np.array(metrics.thresholds) if is_calibrated and metrics.thresholds is not None else thresholds
    internal, external = (
        _measured(side, metrics.classes, run.task, chosen, temperature, n_resamples, seed)
        for side, chosen, temperature, seed in (
            (at_home, thresholds, run.temperature, _INTERNAL_SEED),
            (outside, moved, 1.0 if is_calibrated else run.temperature, _EXTERNAL_SEED),
        )
    )
    is_alike = internal.absent == external.absent
    return Row(
        name=f"{run.method} from {run.facts.data.name}, seed {run.seed}"
        + ("" if adapted is None else f", adapted: {' + '.join(adapted.steps)}"),
        run=run,
        metrics=metrics,
        internal=internal,
        external=external,
        differences={key: _difference(key, internal, external) for key in TABLE2_METRICS if is_alike},
        paired=None,
        records=frame["row"].to_numpy(),
    )


def common_only(side: Predictions, classes: Sequence[str], common: Sequence[str]) -> Predictions:
    """Predictions over some of the classes, by the rules of an evaluation on another store.

    Of one class a record, probabilities are divided by their sum over the common classes, and records of another class
    are left out. Of several, records that have classes, none of them common, are left out.

    Args:
        side: Over all classes.
        classes: All.
        common: Some of them.
    """
    if list(classes) == list(common):
        return side
    columns = np.array([list(classes).index(name) for name in common])
    probabilities = side.probabilities[:, columns]
    if side.labels.ndim == 1:
        of_common = np.isin(side.labels, columns)
        place = np.zeros(len(classes), np.int64)
        place[columns] = np.arange(len(columns))
        least = np.finfo(np.float64).tiny
        total = np.maximum(probabilities[of_common].sum(axis=1, keepdims=True), least)
        return Predictions(place[side.labels[of_common]], probabilities[of_common] / total, side.patients[of_common])
    positive = side.labels >= 0.5
    kept = positive[:, columns].any(axis=1) | ~positive.any(axis=1)
    return Predictions(side.labels[kept][:, columns], probabilities[kept], side.patients[kept])


def _measured(
    side: Predictions,
    classes: Sequence[str],
    task: TaskKind,
    thresholds: Floats | None,
    temperature: float,
    n_resamples: int,
    seed: int,
) -> Side:
    labels, probabilities, patients = side
    scorer = _scorer(side, classes, task, thresholds, temperature)
    resampled = bootstrap(scorer, patients, n_resamples, seed)
    values = point_values(scorer, len(patients))
    positive = positives(labels, len(classes))
    return Side(
        values={key: estimate_of(key, value, resampled) for key, value in values.items()},
        resampled=resampled,
        n_records=len(probabilities),
        n_patients=len(np.unique(patients)),
        n_positive=dict(zip(classes, positive.sum(axis=0).tolist(), strict=True)),
    )


def _scorer(
    side: Predictions, classes: Sequence[str], task: TaskKind, thresholds: Floats | None, temperature: float
) -> Scorer:
    labels, probabilities, _ = side
    calibrated = apply_temperature(probabilities, temperature, task)
    return joint_scorer(
        [
            make_scorer(labels, probabilities, classes, task, thresholds),
            calibration_scorer(labels, probabilities, task, with_chance=True),
            calibration_scorer(labels, calibrated, task, "_calibrated", with_chance=True),
        ]
    )


def _difference(key: str, first: Side, second: Side) -> Difference:
    values = (first.values[key].value, second.values[key].value)
    return difference_of(*values, first.resampled[key], second.resampled[key])


def _one_seed(side: Side) -> Replicates:
    """A side as the single seed that its run is; its p-values are not bounded by the number of resamples."""
    return Replicates(
        by_seed={key: np.array([side.values[key].value]) for key in TABLE2_METRICS},
        resampled={key: side.resampled[key][None] for key in TABLE2_METRICS},
    )


def _named_apart(rows: list[Row]) -> list[Row]:
    """Rows whose names differ: those of one name get that of their folder too."""
    names = [row.name for row in rows]
    return [
        replace(row, name=f"{row.name} ({row.run.directory.name})") if names.count(row.name) > 1 else row
        for row in rows
    ]


def _compared(rows: list[Row]) -> list[Row]:
    """Rows of one set with their paired differences to the first.

    Raises:
        UserError: If they were measured on different records.
    """
    first, *others = _named_apart(rows)
    for row in others:
        if not np.array_equal(first.records, row.records):
            raise UserError(
                f"{printable(first.run.directory)} and {printable(row.run.directory)} were measured on different"
                f" records of {printable(row.about.store)}; evaluate both with the same shared_patients"
            )
    paired: list[dict[str, tuple[Difference, float]]] = [{} for _ in others]
    tested = [(place, key) for place in range(len(others)) for key in TABLE2_METRICS]
    sides = [_one_seed(row.external) for row in (first, *others)]
    gaps = [replicated_difference_of(key, sides[0], sides[1 + place]) for place, key in tested]
    for (place, key), gap, p in zip(tested, gaps, holm([gap.p_value for gap in gaps]), strict=True):
        paired[place][key] = (gap, float(p))
    return [first, *(replace(row, paired=one) for row, one in zip(others, paired, strict=True))]
