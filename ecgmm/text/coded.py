"""Reports as numbers of their statements: one flat row of integers instead of a list of texts for each report."""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

Reports = Sequence[Sequence[str]] | pl.Series
"""Statements of each report; a series of lists, as stores hold them, needs no Python object per statement."""


FEW = 64
"""Reports up to which a dictionary is faster: a hundred times of one report, as prediction reads it."""


class CodedReports(NamedTuple):
    """Reports as numbers of distinct statements.

    Attributes:
        distinct: The distinct statements in order of first mention.
        codes: uint32 ``[S]``, the place in ``distinct`` of each statement, report after report.
        counts: int64 ``[R]``, number of statements of each report.
    """

    distinct: list[str]
    codes: NDArray[np.uint32]
    counts: NDArray[np.int64]


def coded(reports: Reports) -> CodedReports:
    """Number the distinct statements of reports."""
    if not isinstance(reports, pl.Series) and len(reports) <= FEW:
        numbers_of: dict[str, int] = {}
        codes_of = [numbers_of.setdefault(text, len(numbers_of)) for report in reports for text in report]
        counts_of = np.array([len(report) for report in reports], dtype=np.int64)
        return CodedReports(list(numbers_of), np.array(codes_of, dtype=np.uint32), counts_of)
    if isinstance(reports, pl.Series):
        counts = reports.list.len().cast(pl.Int64).to_numpy()
        stated = reports.explode().drop_nulls()
    else:
        counts = np.fromiter(map(len, reports), np.int64, len(reports))
        stated = pl.Series(list(chain.from_iterable(reports)), dtype=pl.String)
    distinct = stated.unique(maintain_order=True)
    numbers = pl.Series(np.arange(len(distinct), dtype=np.uint32))
    codes = stated.replace_strict(distinct, numbers).cast(pl.UInt32)  # without any statement it has no type
    return CodedReports(distinct.to_list(), codes.to_numpy(), counts)
