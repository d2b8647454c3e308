"""What label sets made from reports have in common."""

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from ecgmm.data.sources.labels.label_set import LabelSet
from ecgmm.data.store.reports import number_distinct

Weights = Mapping[str, float] | None


def label_reports(labels: LabelSet, statements: pl.Series, read: Callable[[Sequence[str]], Weights]) -> pl.DataFrame:
    """Apply a rule to each report; each distinct report is read once.

    Args:
        labels: The label set.
        statements: Lists of statements, one a record.
        read: From statements to the weight of each class, or None where they say nothing.

    Returns:
        The label columns; null where there is no report or it says nothing.
    """
    distinct, place = number_distinct(statements)
    return labels.frame(read(report) if report else None for report in distinct.to_list())[place]
