"""What of a report a model may see: the four text policies."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecgmm.errors import ConfigError
from ecgmm.text.statements import findings_of

POLICIES = ("full", "masked", "none", "shuffled")


def states_a_label(statement: str) -> bool:
    """Whether a statement states a diagnostic superclass or sums the record up (normal, abnormal, borderline)."""
    return any(finding.superclass or finding.category == "summary" for finding in findings_of(statement))


def apply_policy(reports: Sequence[Sequence[str]], policy: str) -> list[list[str]]:
    """Statements of each report that remain under a policy.

    Args:
        reports: Cleaned statements of each distinct report.
        policy: ``full`` and ``shuffled`` keep all, ``masked`` removes statements that state a label, ``none`` all.

    Returns:
        One list of statements a report, in the order of ``reports``.

    Raises:
        ConfigError: If the policy is unknown.
    """
    if policy not in POLICIES:
        raise ConfigError(f"text.policy is {policy!r}; choose one of {', '.join(POLICIES)}")
    if policy == "none":
        return [[] for _ in reports]
    if policy == "masked":
        return [[statement for statement in report if not states_a_label(statement)] for report in reports]
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
