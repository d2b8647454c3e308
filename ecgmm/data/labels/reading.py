"""What label sets made from reports have in common."""

from collections.abc import Callable, Mapping, Sequence

import polars as pl

Weights = Mapping[str, float] | None


def read_distinct_reports(statements: pl.Series, read: Callable[[Sequence[str]], Weights]) -> list[Weights]:
    """Apply a rule to each report; each distinct report is read once.

    Args:
        statements: Lists of statements, one a record.
        read: From statements to the weight of each class, or None where they say nothing.

    Returns:
        One result a record; None where there is no report.
    """
    number = statements.list.join("\n").rank("dense") - 1
    distinct = pl.DataFrame({"report": number, "statements": statements}).unique("report").sort("report")
    results = [read(report) if report else None for report in distinct["statements"].to_list()]
    return [results[report] for report in number.to_list()]
