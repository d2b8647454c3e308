"""Metrics within groups of test records: every group is resampled together with the rest, by patient.

One draw of patients weighs the records of all groups. So the gap between two groups takes into account that a patient
may have records in both (a paired comparison), and is the usual unpaired one where no patient has. fairlearn's
MetricFrame has groups without patients, and so no interval that respects them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.calibration import RAISED_BY_CHANCE, calibration_scorer
from ecgmm.evaluation.comparison import Difference
from ecgmm.evaluation.metrics import Scorer, TaskKind, joint_scorer, make_scorer
from ecgmm.evaluation.ranking import Floats, ratio
from ecgmm.evaluation.replicates import Replicates, replicate, replicated_estimate, within_seed_difference

Bools = NDArray[np.bool_]
MACRO_OF = {
    "auroc_macro": "auroc",
    "auprc_macro": "auprc",
    "f1_macro": "f1",
    "recall_macro": "sensitivity",
    "specificity_macro": "specificity",
}
"""Rate of a class of which each of these is the mean over the chosen classes."""
COMPARED = (*MACRO_OF, "accuracy", "brier", "coverage", "auroc")
"""Metrics whose gaps are tested; of the last one those of each class."""
_OVERALL = ("accuracy", "brier", "ece", "chance of ece", "coverage", "set_size")


@dataclass(frozen=True)
class Predictions:
    """Predictions of one trained model on its n test records.

    Attributes:
        labels: Class numbers ``[n]``, or ``[n, K]`` in [0, 1].
        probabilities: ``[n, K]``.
        classes: K names.
        task: ``single_label`` or ``multi_label``.
        thresholds: ``[K]`` of a multi-label task, chosen on validation.
        covered: Share of the record's answers that its conformal set holds, ``[n, K]`` by class or ``[n, 1]``.
        set_size: Number of answers in its sets, shaped alike.
    """

    labels: NDArray[Any]
    probabilities: Floats
    classes: Sequence[str]
    task: TaskKind
    thresholds: Floats | None
    covered: Floats
    set_size: Floats

    @property
    def positive(self) -> Bools:
        """Whether each record is of each class, ``[n, K]``."""
        return positive_of(self.labels, len(self.classes), self.task)


@dataclass(frozen=True)
class InGroup:
    """Measures of one group: its values, those of what it is compared with, and the gaps that are tested."""

    values: dict[str, Estimate]
    rest: dict[str, Estimate]
    gaps: dict[str, Difference]


def positive_of(labels: NDArray[Any], n_classes: int, task: TaskKind) -> Bools:
    """Whether each record is of each class, ``[n, K]``, from class numbers ``[n]`` or labels ``[n, K]``."""
    return np.asarray(labels[:, None] == np.arange(n_classes) if task == "single_label" else labels >= 0.5)


def group_scorer(tested: Predictions, chosen: Bools, classes: Sequence[int]) -> Scorer:
    """Scorer of the records of a group, which takes weights of all test records ``[n, R]``.

    Args:
        tested: Predictions of all.
        chosen: Records of the group ``[n]``.
        classes: Numbers of the classes over which means are taken; a multi-label task is scored on them alone.

    Returns:
        Scorer of the keys of ``MACRO_OF``, accuracy, brier, ece, coverage and size of conformal sets, and
        ``auroc/<class>`` and ``sensitivity/<class>`` of the chosen classes.
    """
    columns = np.asarray(classes) if tested.task == "multi_label" else np.arange(len(tested.classes))
    labels = tested.labels[chosen]
    labels = labels[:, columns] if tested.task == "multi_label" else labels
    probabilities = tested.probabilities[chosen][:, columns]
    thresholds = None if tested.thresholds is None else tested.thresholds[columns]
    sets_of = columns if tested.task == "multi_label" else [0]
    names = [tested.classes[int(k)] for k in columns]
    scorer = joint_scorer(
        (
            make_scorer(labels, probabilities, names, tested.task, thresholds),
            calibration_scorer(labels, probabilities, tested.task, with_chance=True),
            share_scorer("coverage", tested.covered[chosen][:, sets_of].mean(axis=1)),
            share_scorer("set_size", tested.set_size[chosen][:, sets_of].mean(axis=1)),
        )
    )
    of_classes = [tested.classes[k] for k in classes]

    def score(weights: Floats) -> dict[str, Floats]:
        values = scorer(weights[chosen])
        macros = {
            key: np.mean([values[f"{rate}/{name}"] for name in of_classes], axis=0) for key, rate in MACRO_OF.items()
        }
        own = {f"{rate}/{name}": values[f"{rate}/{name}"] for rate in ("auroc", "sensitivity") for name in of_classes}
        return macros | {key: values[key] for key in _OVERALL} | own

    return score


def share_scorer(key: str, values: Floats) -> Scorer:
    """Scorer of the weighted mean of one number a record ``[n]``."""
    return lambda weights: {key: ratio(values @ weights, weights.sum(axis=0), np.nan)}


def cases_of(positive: Bools, patients: NDArray[np.integer], chosen: Bools) -> NDArray[np.int64]:
    """Patients of a group with each class or without it, whichever are fewer, ``[K]``.

    Args:
        positive: ``[n, K]``.
        patients: ``[n]``.
        chosen: Records of the group ``[n]``.
    """
    sides = (positive & chosen[:, None], ~positive & chosen[:, None])
    return np.array([min(len(np.unique(patients[side[:, k]])) for side in sides) for k in range(positive.shape[1])])


def measure_group(
    seeds: Sequence[Predictions],
    patients: NDArray[np.integer],
    sides: tuple[Bools, Bools | None],
    classes: Sequence[int],
    n_resamples: int,
    seed: int,
) -> InGroup:
    """Measure a group, and compare it with others.

    Args:
        seeds: Predictions of a method trained with each seed, on the same n records.
        patients: ``[n]``.
        sides: Records of the group ``[n]``, and those that it is compared with, or None.
        classes: Numbers of the classes over which means are taken on both sides.
        n_resamples: Number of patient resamples.
        seed: Seed of the resamples.
    """

    def measured(chosen: Bools) -> Replicates:
        scorers = [group_scorer(tested, chosen, classes) for tested in seeds]
        return replicate(scorers, patients, n_resamples, seed)

    chosen, rest = sides
    own = measured(chosen)
    values = {key: replicated_estimate(key, own) for key in own.by_seed}
    if rest is None:
        return InGroup(values, {}, {})
    other = measured(rest)
    units = [_units(seeds[0], patients, side, classes) for side in (chosen, rest)]
    found = {
        key: gap(key, own, other, (units[0](key), units[1](key)))
        for key in own.by_seed
        if key.partition("/")[0] in COMPARED
    }
    gaps = {key: one for key, one in found.items() if one is not None}
    return InGroup(values, {key: replicated_estimate(key, other) for key in other.by_seed}, gaps)


def gap(key: str, group: Replicates, rest: Replicates, units: tuple[int, int]) -> Difference | None:
    """Metric of a group minus that of the rest, with the test of no gap; None where there can be none.

    There is none of a calibration error, which chance raises more in the smaller group, and none where the metric is
    the same in every resample on both sides (a sensitivity of 1, say): resamples then do not know what chance does.

    Args:
        key: Of the metric.
        group: Measured in the group.
        rest: Measured in the rest.
        units: See ``within_seed_difference``.
    """
    sides = [side.resampled[key].mean(axis=0) for side in (group, rest)]
    defined = [side[np.isfinite(side)] for side in sides]
    if key in RAISED_BY_CHANCE or not all(map(len, defined)) or not any(map(np.ptp, defined)):
        return None
    return within_seed_difference(key, group, rest, units)


def _units(
    tested: Predictions, patients: NDArray[np.integer], chosen: Bools, classes: Sequence[int]
) -> Callable[[str], int]:
    """How many patients each metric of some records rests on, see ``within_seed_difference``."""
    cases = cases_of(tested.positive, patients, chosen)
    n_patients = len(np.unique(patients[chosen]))

    def units(key: str) -> int:
        metric, _, name = key.partition("/")
        if name:
            return int(cases[list(tested.classes).index(name)])
        return int(cases[list(classes)].min()) if metric in MACRO_OF else n_patients

    return units
