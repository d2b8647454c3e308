"""Origin of each lead of a record, as ``records.parquet`` keeps it: twelve letters in the order of ``leads.LEADS``."""

from collections.abc import Sequence

import polars as pl

from ecgmm.leads import LEADS

LEAD_ORIGIN = "lead_origin"
"""Name of the column."""
RECORDED, DERIVED, MISSING = "r", "d", "m"
"""Letters: the lead was recorded, was computed from I and II, or is missing throughout."""


def lead_origin(recorded: Sequence[bool], derived: Sequence[str]) -> str:
    """Put the twelve letters together.

    Args:
        recorded: Whether each lead was recorded.
        derived: Names of those that were computed.
    """
    there = zip(LEADS, recorded, strict=True)
    return "".join(RECORDED if own else DERIVED if name in derived else MISSING for name, own in there)


def count_origins(records: pl.DataFrame, letter: str) -> dict[str, int]:
    """Number of rows of ``records.parquet`` whose lead has that letter, by the lead's name."""
    letters = [pl.col(LEAD_ORIGIN).str.slice(place, 1) for place in range(len(LEADS))]
    counts = records.select(((text == letter).sum()).alias(name) for text, name in zip(letters, LEADS, strict=True))
    return counts.row(0, named=True)
