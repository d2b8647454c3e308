"""Number of patients behind a text: what few of them have may say who they are."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgmm.text.coded import Reports, coded

MIN_PATIENTS = 5
"""What fewer training patients have stays out of a vocabulary. (Records would not do: one patient has many.)"""


class Mentions(NamedTuple):
    """The distinct statements of reports and who has them.

    Attributes:
        statements: The distinct statements.
        counts: How often each is mentioned.
        patients: The patients of each, as sorted numbers.
    """

    statements: list[str]
    counts: list[int]
    patients: list[NDArray[np.int64]]


def mentions(reports: Reports, patients: Sequence[Any] | NDArray[Any]) -> Mentions:
    """Count the mentions of each distinct statement, and number its patients.

    Args:
        reports: Cleaned statements of each report.
        patients: The patient of each report.
    """
    assert len(patients) == len(reports)
    numbered = coded(reports)
    people, number = np.unique(np.asarray(patients), return_inverse=True)
    n_people = max(len(people), 1)
    of_mention = np.repeat(number.astype(np.int64), numbered.counts)
    pairs = np.unique(numbered.codes.astype(np.int64) * n_people + of_mention)
    edges = np.searchsorted(pairs, np.arange(1, len(numbered.distinct)) * n_people)
    of_statement = np.split(pairs % n_people, edges) if numbered.distinct else []
    return Mentions(numbered.distinct, np.bincount(numbered.codes).tolist(), of_statement)


def n_patients(groups: Sequence[NDArray[np.int64]]) -> int:
    """Number of different patients in some groups."""
    return len(groups[0]) if len(groups) == 1 else len(np.unique(np.concatenate(groups)))
