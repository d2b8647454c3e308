"""Reading labels from evidence that a store holds: statements of reports, and columns of one value per record."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl

from ecgmm import text
from ecgmm.data.sources.labels.definition import ReadLabels
from ecgmm.data.sources.labels.label_set import LabelSettings, weight_columns
from ecgmm.data.store.reports import number_distinct
from ecgmm.data.store.store import Store
from ecgmm.files import file_sha256

STATEMENTS = "statements"
"""Column of the evidence: the cleaned machine statements of each record."""
_RULES = ("statement_*.csv", "negation.csv")

Weights = Mapping[str, float] | None


def rule_tables() -> dict[str, str]:
    """sha256 of each table of rules for statements, by name."""
    folder = Path(text.__path__[0])
    return {path.name: file_sha256(path) for pattern in _RULES for path in sorted(folder.glob(pattern))}


def from_statements(
    classes: Sequence[str], read: Callable[[Sequence[str], bool], Weights]
) -> Callable[[Store, LabelSettings], ReadLabels]:
    """Reader of statements; each distinct report is read once.

    Args:
        classes: The classes.
        read: Takes statements and whether "possible" counts; gives the weight of each class, or None where the
            statements say nothing.
    """

    def read_store(store: Store, settings: LabelSettings) -> ReadLabels:
        evidence = store.evidence()
        include_possible = settings.certainty == "include_possible"
        labels = label_reports(classes, evidence[STATEMENTS], lambda report: read(report, include_possible))
        return ReadLabels(labels.select(evidence["record"], *classes), {})

    return read_store


def label_reports(
    classes: Sequence[str], statements: pl.Series, read: Callable[[Sequence[str]], Weights]
) -> pl.DataFrame:
    """Apply a rule to each report.

    Args:
        classes: The classes.
        statements: Lists of statements, one per record.
        read: From statements to the weight of each class, or None where they say nothing.

    Returns:
        One column per class; null where there is no report or it says nothing.
    """
    distinct, place = number_distinct(statements)
    return weight_columns(classes, (read(report) if report else None for report in distinct.to_list()))[place]


def from_column(
    column: str, classes: Sequence[str], weights: Callable[[pl.Series], Sequence[Weights]]
) -> Callable[[Store, LabelSettings], ReadLabels]:
    """Reader of a column of the evidence with one value per record."""

    def read_store(store: Store, _: LabelSettings) -> ReadLabels:
        evidence = store.evidence()
        return ReadLabels(weight_columns(classes, weights(evidence[column])).select(evidence["record"], *classes), {})

    return read_store
