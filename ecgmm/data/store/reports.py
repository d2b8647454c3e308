"""From the raw statements of each record to the table of distinct, cleaned reports.

Some thousand statements in some hundred thousand combinations make up the 800,035 reports of MIMIC-IV-ECG: each
distinct statement is cleaned once and each distinct report is kept once (docs/engineering-log.md).
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.text.clean import MOST_STATEMENTS, read_report


class NoReport(IntEnum):
    """Why a record has no report; stands where the number of its report would."""

    ABSENT = -1
    TOO_SHORT = -2


class DistinctReports(NamedTuple):
    """The cleaned reports of records, each distinct one once.

    Attributes:
        statements: Lists of cleaned statements, one a distinct report.
        of_record: int32 ``[N]``, the place in ``statements`` of each record's report, or a value of ``NoReport``.
        shortened: bool ``[N]``, whether a record's report was longer than ``read_report`` takes.
    """

    statements: pl.Series
    of_record: NDArray[np.int32]
    shortened: NDArray[np.bool_]


class Reports(NamedTuple):
    """The distinct reports of a store's rows.

    Attributes:
        table: The store's ``reports.parquet``, in order of first use.
        report_of_row: int32 ``[N]``, the report of each row, -1 where it has none.
        counts: Rows with and without a report, with one that was too short and with one that was shortened, and the
            number of distinct reports.
    """

    table: pl.DataFrame
    report_of_row: NDArray[np.int32]
    counts: dict[str, int]


def distinct_reports(raw: pl.Series, min_words: int) -> DistinctReports:
    """Clean the report of each record.

    Args:
        raw: Lists of raw statements, one a record.
        min_words: A cleaned report of fewer words counts as missing.

    Returns:
        The distinct reports, and which is whose.
    """
    stated = pl.DataFrame({"raw": raw}).with_row_index("record").explode("raw").drop_nulls()
    stated = stated.with_columns(pl.col("raw").cast(pl.Categorical))
    of_record = np.full(len(raw), NoReport.ABSENT, dtype=np.int32)
    of_record[stated["record"].to_numpy()] = NoReport.TOO_SHORT  # unless it is among those that follow
    known = _cleaned(stated["raw"].unique())
    cleaned = stated.join(known.drop("cut"), on="raw", maintain_order="left")
    of_one_record = cleaned.group_by("record", maintain_order=True).agg("statement", pl.col("words").sum())
    long_enough = of_one_record.filter(pl.col("words") >= max(min_words, 1))
    too_many = long_enough["statement"].list.len() > MOST_STATEMENTS
    statements = long_enough["statement"].list.head(MOST_STATEMENTS) if too_many.any() else long_enough["statement"]
    distinct, place = number_distinct(statements)
    of_record[long_enough["record"].to_numpy()] = place
    shortened = np.zeros(len(raw), dtype=np.bool_)
    shortened[long_enough["record"].filter(too_many).to_numpy()] = True
    if known["cut"].any():
        shortened[stated.join(known.filter("cut"), on="raw", how="semi")["record"].to_numpy()] = True
    return DistinctReports(distinct.cast(pl.List(pl.String)), of_record, shortened)


def clean_statements(raw: pl.Series) -> pl.Series:
    """Cleaned statements of each record, as lists; empty where there are none."""
    reports = distinct_reports(raw, 1)
    with_empty = pl.concat([reports.statements, pl.Series([[]], dtype=pl.List(pl.String))])  # which -1 picks
    return with_empty.gather(np.maximum(reports.of_record, -1) % len(with_empty))


def number_distinct(values: pl.Series) -> tuple[pl.Series, NDArray[np.int32]]:
    """The distinct values of a series, in order of first use, and int32 ``[N]``, the place of each value among them."""
    groups = pl.DataFrame({"value": values}).with_row_index("row").group_by("value", maintain_order=True).agg("row")
    place = np.empty(len(values), dtype=np.int32)
    place[groups["row"].explode().to_numpy()] = np.repeat(np.arange(len(groups)), groups["row"].list.len().to_numpy())
    return groups["value"], place


def _cleaned(raw: pl.Series) -> pl.DataFrame:
    """Each raw statement that is one after cleaning, the cleaned one, its number of words, and whether it was cut."""
    read = [(text, read_report([text])) for text in raw]
    cleaned = [(text, one, len(one.split()), report.shortened) for text, report in read for one in report.statements]
    schema = {"raw": pl.Categorical, "statement": pl.Categorical, "words": pl.UInt32, "cut": pl.Boolean}
    return pl.DataFrame(cleaned, schema, orient="row")


def reports_of_rows(reports: DistinctReports, record_of_row: NDArray[np.integer]) -> Reports:
    """Number the distinct reports of a store's rows in order of first use.

    Args:
        reports: The reports of all records.
        record_of_row: Integers ``[rows]``, the record that each row shows.
    """
    of_row = reports.of_record[record_of_row]
    used = pl.Series(of_row[of_row >= 0]).unique(maintain_order=True)
    number = np.empty(len(reports.statements), dtype=np.int32)
    number[used.to_numpy()] = np.arange(len(used), dtype=np.int32)
    report_of_row = np.full(len(of_row), -1, dtype=np.int32)
    report_of_row[of_row >= 0] = number[of_row[of_row >= 0]]
    statements = reports.statements.gather(used)
    table = pl.DataFrame(
        {
            "report": np.arange(len(used), dtype=np.int32),
            "statements": statements,
            "text": statements.list.join(". "),
        }
    )
    counts = {reason.name.lower(): int((of_row == reason).sum()) for reason in NoReport}
    counts["shortened"] = int(reports.shortened[record_of_row].sum())
    return Reports(table, report_of_row, {"with_report": int((of_row >= 0).sum()), **counts, "distinct": len(used)})
