"""The four text policies: which statements of a report a model may see."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ecgmm.errors import ConfigError
from ecgmm.text.rhythm import speaks_of_rhythm
from ecgmm.text.statements import Finding, mentions_of

POLICIES = ("full", "masked", "none", "shuffled")


def _states_superclass(finding: Finding) -> bool:
    return bool(finding.superclass)


def _states_either(finding: Finding) -> bool:
    return _states_superclass(finding) or speaks_of_rhythm(finding)


_STATES_LABEL: dict[str, Callable[[Finding], bool]] = {
    "superclass": _states_superclass,
    "rhythm": speaks_of_rhythm,
    "icd_cardiac": _states_either,  # discharge codes name conduction, infarct and fibrillation alike
    "icd_multilabel": _states_either,
}


def states_a_label(statement: str, label_set: str) -> bool:
    """Whether a statement states a label of a set, or sums the record up (normal, abnormal, borderline).

    Every statement that speaks of the set by the rule table counts, whatever its certainty, also when it denies or when
    it is not clear what it says.

    Args:
        statement: A statement.
        label_set: ``superclass``, ``rhythm`` (pacing, rate and irregularity too), ``icd_cardiac`` or
            ``icd_multilabel`` (both take superclass and rhythm together).
    """
    states = _STATES_LABEL[label_set]
    return any(states(finding) or finding.category == "summary" for finding in mentions_of(statement))


def apply_policy(reports: Sequence[Sequence[str]], policy: str, label_set: str) -> list[list[str]]:
    """Statements of each report that remain under a policy.

    Args:
        reports: Cleaned statements of each distinct report.
        policy: ``full`` and ``shuffled`` keep all, ``masked`` removes statements that state a label, ``none`` all.
        label_set: The label set that ``masked`` hides, see ``states_a_label``.

    Returns:
        One list of statements a report, in the order of ``reports``.

    Raises:
        ConfigError: If the policy is unknown, or ``masked`` does not know what states a label of the set.
    """
    if policy not in POLICIES:
        raise ConfigError(f"text.policy is {policy!r}; choose one of {', '.join(POLICIES)}")
    if policy == "none":
        return [[] for _ in reports]
    if policy == "masked":
        if label_set not in _STATES_LABEL:
            raise ConfigError(f"text.policy=masked knows {', '.join(_STATES_LABEL)} and not labels={label_set}")
        return [[statement for statement in report if not states_a_label(statement, label_set)] for report in reports]
    return [list(report) for report in reports]


def shuffle_reports(report_of_row: NDArray[np.int64], split_of_row: NDArray[np.str_], seed: int) -> NDArray[np.int64]:
    """Exchange reports among the records of each split that have one: text that knows nothing of its record.

    Args:
        report_of_row: int64 ``[N]``, -1 where there is none.
        split_of_row: str ``[N]``.
        seed: Seed of the exchange.

    Returns:
        int64 ``[N]`` with the same reports in other places; the input is not changed.
    """
    shuffled = report_of_row.copy()
    generator = np.random.default_rng(seed)
    for split in np.unique(split_of_row):
        rows = np.flatnonzero((split_of_row == split) & (report_of_row >= 0))
        shuffled[rows] = report_of_row[generator.permutation(rows)]
    return shuffled
