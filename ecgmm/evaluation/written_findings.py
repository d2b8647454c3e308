"""Clinical agreement of written reports with their references, finding by finding, as the rule table reads both.

A report states a finding where it says it as at least probable and does not deny it (``ecgmm.text.findings``). The name
of a finding holds its region: an inferior infarct is no anterior one. Letters: n records, F findings, R weightings.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgmm.evaluation.metrics import Scorer
from ecgmm.evaluation.ranking import Floats, ratio
from ecgmm.text.findings import finding_name, is_of_the_heart, stated
from ecgmm.text.statements import findings_of, mentions_of

_HEADING = "summary_line"
"""What the rule table makes of a statement that begins with "summary": no finding of the heart."""
LEAST_PATIENTS = 10
"""Patients who must have a finding for its own numbers and for the macro mean."""
OVERALL = (
    "finding_f1",
    "finding_precision",
    "finding_recall",
    "finding_f1_macro",
    "finding_precision_macro",
    "finding_recall_macro",
    "hallucinated_per_report",
    "contradicted_per_report",
    "outside_vocabulary",
    "not_understood",
)


def stated_names(statement: str) -> frozenset[str]:
    """Names of the findings that a statement states."""
    return frozenset(finding_name(finding) for finding in stated(statement) if finding.name != _HEADING)


class Reading(NamedTuple):
    """Findings of a report by name: those that it states, those that it denies, and all that it speaks of."""

    stated: frozenset[str]
    denied: frozenset[str]
    mentioned: frozenset[str]


def read(statements: Sequence[str]) -> Reading:
    """Findings of a report's statements; what is stated and denied in one report counts as stated."""
    said = frozenset(name for statement in statements for name in stated_names(statement))
    denied = frozenset(
        finding_name(finding)
        for statement in statements
        for finding in findings_of(statement)
        if finding.negated and is_of_the_heart(finding)
    )
    mentioned = frozenset(finding_name(finding) for statement in statements for finding in mentions_of(statement))
    return Reading(said, denied - said, mentioned)


def findings_scorer(
    written: Sequence[Sequence[str]],
    references: Sequence[Sequence[str]],
    patients: NDArray[np.integer],
    vocabulary: Collection[str],
) -> Scorer:
    """Scorer of the keys of ``OVERALL``, and of ``finding_f1/<finding>`` and the like.

    - Precision, recall and F1 of stated findings: over all findings together, and as means over those that at least
      ``LEAST_PATIENTS`` patients have by the references. A finding that the reference denies is a false one where it is
      written; one that is denied where the reference states it is a missed one.
    - ``hallucinated_per_report``: stated findings of which the reference does not speak at all.
    - ``contradicted_per_report``: findings that one of both states and the other denies.
    - ``outside_vocabulary``: share of the written statements that are none of ``vocabulary``; ``not_understood``: share
      in which the rule table finds nothing.

    Args:
        written: Statements of each report.
        references: Statements of its reference.
        patients: ``[n]``.
        vocabulary: Statements of the training reports.
    """
    ours, theirs = [read(one) for one in written], [read(one) for one in references]
    names = sorted(frozenset().union(*(one.stated for one in (*ours, *theirs))))
    said, denied, _ = _tables(ours, names)
    true, untrue, spoken_of = _tables(theirs, names)
    parts = np.stack([said & true, said & ~true, ~said & true]).astype(np.float64)  # [3, n, F]
    slips = np.stack([said & ~spoken_of, (said & untrue) | (denied & true)]).sum(axis=2).astype(np.float64)  # [2, n]
    n_statements = np.array([len(one) for one in written], dtype=np.float64)
    strange = np.array(
        [
            [sum(statement not in vocabulary for statement in one) for one in written],
            [sum(not mentions_of(statement) for statement in one) for one in written],
        ],
        dtype=np.float64,
    )
    shown = np.array([len(np.unique(patients[true[:, k]])) >= LEAST_PATIENTS for k in range(len(names))], dtype=bool)

    def score(weights: Floats) -> dict[str, Floats]:
        counts = parts.swapaxes(1, 2) @ weights  # [3, F, R]
        values = {f"finding_{rate}": one for rate, one in _rates(counts.sum(axis=1)).items()}
        by_finding = _rates(counts[:, shown])
        undefined = np.full(weights.shape[1], np.nan)
        values |= {
            f"finding_{rate}_macro": one.mean(axis=0) if len(one) else undefined for rate, one in by_finding.items()
        }
        hallucinated, contradicted = ratio(slips @ weights, np.tile(weights.sum(axis=0), (2, 1)), np.nan)
        outside, not_understood = ratio(strange @ weights, np.tile(n_statements @ weights, (2, 1)), np.nan)
        values |= {"hallucinated_per_report": hallucinated, "contradicted_per_report": contradicted}
        values |= {"outside_vocabulary": outside, "not_understood": not_understood}
        kept = [name for name, is_shown in zip(names, shown, strict=True) if is_shown]
        for rate, one in by_finding.items():
            values |= {f"finding_{rate}/{name}": one[k] for k, name in enumerate(kept)}
        return values

    return score


def _tables(readings: Sequence[Reading], names: Sequence[str]) -> NDArray[np.bool_]:
    """Which report states, denies, mentions which finding: ``[3, n, F]``."""
    return np.array([[[name in part for name in names] for part in parts] for parts in zip(*readings, strict=True)])


def _rates(counts: Floats) -> dict[str, Floats]:
    """F1, precision and recall of right, false and missed ones ``[3, ...]``; 0 of 0 written is no credit."""
    right, false, missed = counts
    there = right + missed > 0
    return {
        "f1": ratio(np.where(there, 2 * right, np.nan), 2 * right + false + missed, np.nan),
        "precision": np.where(there, ratio(right, right + false, 0.0), np.nan),
        "recall": ratio(right, right + missed, np.nan),
    }
