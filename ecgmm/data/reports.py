"""From the raw statements of each record to the table of distinct, cleaned reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.text.clean import clean_report


class NoReport(Enum):
    """Why a record has no report."""

    ABSENT = "absent"
    TOO_SHORT = "too_short"


CleanReport = tuple[str, ...] | NoReport


def clean_reports(raw: pl.Series, min_words: int) -> list[CleanReport]:
    """Clean the report of each record; each distinct report is cleaned once.

    Args:
        raw: Lists of raw statements, one a record.
        min_words: A cleaned report of fewer words counts as missing.

    Returns:
        The cleaned statements of each record, or why it has none.
    """
    known: dict[tuple[str, ...], CleanReport] = {(): NoReport.ABSENT}
    cleaned: list[CleanReport] = []
    for report in raw.to_list():
        key = tuple(report)
        if key not in known:
            statements = tuple(clean_report(report))
            n_words = sum(len(statement.split()) for statement in statements)
            known[key] = statements if n_words >= max(min_words, 1) else NoReport.TOO_SHORT
        cleaned.append(known[key])
    return cleaned


@dataclass
class Reports:
    """The distinct reports of a store's rows.

    Attributes:
        table: The store's ``reports.parquet``, in order of first use.
        report_of_row: int32 ``[N]``, the report of each row, -1 where it has none.
        counts: Rows with and without a report and with one that was too short, and the number of distinct reports.
    """

    table: pl.DataFrame
    report_of_row: NDArray[np.int32]
    counts: dict[str, int]


def number_reports(reports: Sequence[CleanReport]) -> Reports:
    """Number the distinct reports of a store's rows in order of first use."""
    numbers: dict[tuple[str, ...], int] = {}
    of_row = [-1 if isinstance(report, NoReport) else numbers.setdefault(report, len(numbers)) for report in reports]
    table = pl.DataFrame(
        {
            "report": np.arange(len(numbers), dtype=np.int32),
            "statements": pl.Series([list(report) for report in numbers], dtype=pl.List(pl.String)),
            "text": pl.Series([". ".join(report) for report in numbers], dtype=pl.String),
        }
    )
    counts = {reason.value: sum(report is reason for report in reports) for reason in NoReport}
    with_report = sum(number >= 0 for number in of_row)
    return Reports(
        table,
        np.array(of_row, dtype=np.int32),
        {"with_report": with_report, **counts, "distinct": len(numbers)},
    )
