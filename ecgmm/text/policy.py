"""The four text policies: which statements of a report a model may see."""

import re
from collections.abc import Collection, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ecgmm.errors import ConfigError
from ecgmm.text.statements import mentions_of

POLICIES = ("full", "masked", "none", "shuffled")


SUPERCLASS = "superclass"
"""Among what is masked: every finding with a diagnostic superclass."""


def states_a_label(statement: str, masks: Collection[str]) -> bool:
    """Whether a statement states what a label set hides, or sums the record up (normal, abnormal, borderline).

    Every statement that speaks of it by the rule table counts, whatever its certainty, also when it denies or when it
    is not clear what it says.

    Args:
        statement: A statement.
        masks: Categories of findings (see ``Finding``), and ``superclass`` for all that have one.
    """
    return any(
        finding.category in masks or finding.category == "summary" or (SUPERCLASS in masks and finding.superclass)
        for finding in mentions_of(statement)
    )


def holds_a_phrase(statement: str, phrases: Collection[str]) -> bool:
    """Whether a statement holds one of the phrases as whole words, in any case; ``*`` stands for the rest of a word.

    ``infarct*`` is in "old infarction", ``mi`` is not in "minimal changes". A denial holds the phrase too.
    """
    return bool(phrases) and _any_of(tuple(phrases)).search(" ".join(statement.split())) is not None


@cache
def _any_of(phrases: tuple[str, ...]) -> re.Pattern[str]:
    written = (re.escape(" ".join(phrase.split())).replace(r"\*", r"\w*") for phrase in phrases)
    return re.compile(rf"(?<!\w)(?:{'|'.join(written)})(?!\w)", re.IGNORECASE)


def apply_policy(
    reports: Sequence[Sequence[str]], policy: str, masks: Collection[str], phrases: Collection[str] = ()
) -> list[list[str]]:
    """Statements of each report that remain under a policy.

    Args:
        reports: Cleaned statements of each distinct report.
        policy: ``full`` and ``shuffled`` keep all, ``masked`` removes statements that state a label, ``none`` all.
        masks: What ``masked`` hides for the label set, see ``states_a_label``.
        phrases: The user's own words that it hides too, see ``holds_a_phrase``.

    Returns:
        One list of statements per report, in the order of ``reports``.

    Raises:
        ConfigError: If the policy is unknown, or ``masked`` has nothing to hide.
    """
    if policy not in POLICIES:
        raise ConfigError(f"text.policy is {policy!r}; choose one of {', '.join(POLICIES)}")
    if policy == "none":
        return [[] for _ in reports]
    if policy == "masked":
        if not masks and not phrases:
            raise ConfigError(
                "text.policy=masked needs a label set that says what to hide (of labels=table the column mask of"
                " labels.descriptions); choose another text.policy"
            )

        def told(statement: str) -> bool:
            return states_a_label(statement, masks) or holds_a_phrase(statement, phrases)

        return [[statement for statement in report if not told(statement)] for report in reports]
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
