"""What is measured of each class for those who decide: rates, net benefit, and operating points, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.calibration import apply_temperature
from ecgmm.evaluation.metrics import Scorer, joint_scorer
from ecgmm.evaluation.net_benefit import net_benefit_scorer
from ecgmm.evaluation.operating_points import operating_scorer, threshold_at_sensitivity, threshold_at_specificity
from ecgmm.evaluation.replicates import replicate, replicated_estimate
from ecgmm.evaluation.subgroups import positive_of
from ecgmm.reporting.subgroup_rows import BOOTSTRAP_SEED
from ecgmm.runs.predictions import labels_and_probabilities, records_of
from ecgmm.runs.run import Run

TARGETS = (0.9, 0.95)
"""Specificities and sensitivities that thresholds are chosen for, on validation."""
THRESHOLDS = tuple(round(0.02 * step, 2) for step in range(1, 41))
"""Probabilities from which on one would treat, of curves."""
TABLE_THRESHOLDS = (0.04, 0.1, 0.2, 0.3, 0.5)
"""Those of the table."""
RATES = {"auroc": "AUROC", "auprc": "AUPRC", "sensitivity": "Sens.", "specificity": "Spec.", "f1": "F1"}


@dataclass(frozen=True)
class ClassDecisions:
    """One class as one method does.

    Attributes:
        method: Name of the row.
        name: Of the class.
        n_positive: Test records of the class.
        n_records: Test records.
        values: ``auroc`` and the other ``RATES``, ``model/<p>``, ``all/<p>``, ``gain/<p>``, and sensitivity and
            specificity at ``spec 0.90`` and so on.
    """

    method: str
    name: str
    n_positive: int
    n_records: int
    values: dict[str, Estimate]


def decisions(rows: dict[str, list[Run]], n_resamples: int) -> list[ClassDecisions]:
    """Measure every class of every method; classes without a record of either kind are left out.

    Args:
        rows: As ``subgroup_rows.rows_of`` returns them.
        n_resamples: Patient resamples.
    """
    return [one for name, runs in rows.items() for one in _of_method(name, runs, n_resamples)]


def _of_method(method: str, runs: Sequence[Run], n_resamples: int) -> list[ClassDecisions]:
    first = runs[0]
    truth = positive_of(first.labels_and_probabilities[0], len(first.classes), first.task)
    measured = replicate([run.scorer() for run in runs], first.patients, n_resamples, BOOTSTRAP_SEED)
    found = []
    for k, name in enumerate(first.classes):
        positive = truth[:, k]
        if positive.all() or not positive.any():
            continue
        scorers = [_scorer(run, k, positive) for run in runs]
        more = replicate(scorers, first.patients, n_resamples, BOOTSTRAP_SEED)
        values = {rate: replicated_estimate(f"{rate}/{name}", measured) for rate in RATES}
        values |= {key: replicated_estimate(key, more) for key in more.by_seed}
        found.append(ClassDecisions(method, name, int(positive.sum()), len(positive), values))
    return found


def _scorer(run: Run, k: int, positive: NDArray[np.bool_]) -> Scorer:
    validation = records_of(run.predictions, "val")
    labels, probabilities = labels_and_probabilities(validation, run.classes, run.task, run.readout)
    known = positive_of(labels, len(run.classes), run.task)[:, k], probabilities[:, k]
    points = {f"spec {least:.2f}": threshold_at_specificity(*known, least) for least in TARGETS}
    points |= {f"sens {least:.2f}": threshold_at_sensitivity(*known, least) for least in TARGETS}
    tested = run.labels_and_probabilities[1]
    calibrated = apply_temperature(tested, run.temperature, run.task)[:, k]
    there = {name: threshold for name, threshold in points.items() if threshold is not None}
    return joint_scorer(
        (
            net_benefit_scorer(positive, calibrated, sorted({*THRESHOLDS, *TABLE_THRESHOLDS})),
            operating_scorer(positive, tested[:, k], there),
        )
    )
