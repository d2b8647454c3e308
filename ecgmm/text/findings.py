"""Findings of a statement vocabulary: the entities that auxiliary heads predict, and which statement states which."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecgmm.text.statements import CERTAINTY_WEIGHT, RELIED_ON, Finding, findings_of
from ecgmm.types import UNKNOWN_ID

_SAYS_NOTHING_OF_THE_HEART = ("technical", "comment", "comparison", "measurement")


def finding_name(finding: Finding) -> str:
    """Name in words, with its region where it has one: ``myocardial infarct inferior``."""
    return " ".join(f"{finding.name} {finding.region}".replace("_", " ").replace("+", " ").split())


def stated(statement: str) -> tuple[Finding, ...]:
    """Findings that a statement states as at least probable: not negated, of the heart and not of the recording."""
    return tuple(
        finding
        for finding in findings_of(statement)
        if not finding.negated and CERTAINTY_WEIGHT[finding.certainty] >= RELIED_ON and is_of_the_heart(finding)
    )


def is_of_the_heart(finding: Finding) -> bool:
    """Whether a finding is of the heart and not of the recording, or of its comparison with another."""
    return finding.category not in _SAYS_NOTHING_OF_THE_HEART


def findings_in(statements: Sequence[str]) -> tuple[str, ...]:
    """Names of all findings that occur in some statements, by the alphabet."""
    return tuple(sorted({finding_name(finding) for statement in statements for finding in stated(statement)}))


def finding_table(statements: Sequence[str]) -> NDArray[np.bool_]:
    """Which statement of a vocabulary states which finding.

    Args:
        statements: Statements in order of their ids; ids begin behind padding and unknown, whose rows are False.

    Returns:
        bool ``[len(statements) + 2, F]``, columns in the order of ``findings_in``.
    """
    column = {name: index for index, name in enumerate(findings_in(statements))}
    table = np.zeros((len(statements) + UNKNOWN_ID + 1, len(column)), dtype=np.bool_)
    for row, statement in enumerate(statements, start=UNKNOWN_ID + 1):
        table[row, [column[finding_name(finding)] for finding in stated(statement)]] = True
    return table
