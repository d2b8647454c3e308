"""Origin of each lead of a record, as ``records.parquet`` keeps it: twelve letters in the order of ``leads.LEADS``."""

from collections.abc import Sequence

import polars as pl

from ecgmm.leads import LEADS, N_LEADS

LEAD_ORIGIN = "lead_origin"
"""Name of the column."""
RECORDED, DERIVED, MISSING = "r", "d", "m"
"""Letters: the lead was recorded, was computed from I and II, or is missing throughout."""
ALL_RECORDED = RECORDED * N_LEADS


def lead_origin(recorded: Sequence[bool], derived: Sequence[str]) -> str:
    """Put the twelve letters together.

    Args:
        recorded: Whether each lead was recorded.
        derived: Names of those that were computed.
    """
    there = zip(LEADS, recorded, strict=True)
    return "".join(RECORDED if own else DERIVED if name in derived else MISSING for name, own in there)


def count_origins(records: pl.DataFrame) -> dict[str, int]:
    """Number of rows of ``records.parquet`` by the origin of their leads."""
    return dict(records[LEAD_ORIGIN].value_counts().sort(LEAD_ORIGIN).iter_rows())
