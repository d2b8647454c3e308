"""Metrics within groups of test records: every group is resampled together with the rest, by patient.

One draw of patients weighs the records of all groups. So the gap between two groups takes into account that a patient
may have records in both (a paired comparison), and is the usual unpaired one where no patient has. fairlearn's
MetricFrame has groups without patients, and so no interval that respects them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgmm.evaluation.calibration import RAISED_BY_CHANCE, calibration_scorer
from ecgmm.evaluation.comparison import Difference
from ecgmm.evaluation.metrics import Scorer, TaskKind, joint_scorer, make_scorer
from ecgmm.evaluation.ranking import Floats, ratio
from ecgmm.evaluation.replicates import Replicates, within_seed_difference

Bools = NDArray[np.bool_]
MACRO_OF = {
    "auroc_macro": "auroc",
    "auprc_macro": "auprc",
    "f1_macro": "f1",
    "recall_macro": "sensitivity",
    "specificity_macro": "specificity",
}
"""Rate of a class of which each of these is the mean over the chosen classes."""
_OVERALL = ("accuracy", "brier", "ece", "chance of ece", "coverage", "set_size")


@dataclass(frozen=True)
class Tested:
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


def positive_of(labels: NDArray[Any], n_classes: int, task: TaskKind) -> Bools:
    """Whether each record is of each class, ``[n, K]``, from class numbers ``[n]`` or labels ``[n, K]``."""
    return np.asarray(labels[:, None] == np.arange(n_classes) if task == "single_label" else labels >= 0.5)


def group_scorer(tested: Tested, chosen: Bools, classes: Sequence[int]) -> Scorer:
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


def enough_cases(positive: Bools, patients: NDArray[np.integer], chosen: Bools, least: int) -> list[int]:
    """Numbers of the classes that a group has enough of, with and without.

    Args:
        positive: ``[n, K]``.
        patients: ``[n]``.
        chosen: Records of the group ``[n]``.
        least: Patients that must have a record of the class, and patients that must have one that is not.
    """
    return [
        k
        for k in range(positive.shape[1])
        if all(len(np.unique(patients[chosen & side])) >= least for side in (positive[:, k], ~positive[:, k]))
    ]


def gap(key: str, group: Replicates, rest: Replicates) -> Difference | None:
    """Metric of a group minus that of the rest, with the test of no gap; None where there can be none.

    There is none of a calibration error, which chance raises more in the smaller group, and none where the metric of
    either side is the same in every resample (a sensitivity of 1, say): resamples then do not know what chance does.
    """
    sides = [side.resampled[key].mean(axis=0) for side in (group, rest)]
    defined = [side[np.isfinite(side)] for side in sides]
    if key in RAISED_BY_CHANCE or any(not len(side) or np.ptp(side) == 0 for side in defined):
        return None
    return within_seed_difference(key, group, rest)
