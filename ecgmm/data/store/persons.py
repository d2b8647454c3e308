"""Columns of ``records.parquet`` about the person and the recorder, of every store; null where nothing is known."""

from typing import Any

import polars as pl

PERSON_COLUMNS: dict[str, Any] = {"age": pl.Float32, "sex": pl.String, "device": pl.String, "site": pl.String}
"""Age in years when the record was made, ``female`` or ``male``, recorder, and place."""
SEXES = ("female", "male")
OLDEST_YEARS = 90.0
"""Age of all who are older than 89."""


def as_age(years: pl.Expr) -> pl.Expr:
    """Ages as a store holds them, float32: all above 89 are 90, whatever code a data set has for them.

    Published data sets give no ages above 89, which might tell who somebody is: PTB-XL writes 300, MIMIC-IV 91.
    """
    return pl.when(years > OLDEST_YEARS - 1).then(OLDEST_YEARS).otherwise(years).cast(pl.Float32)


def person_columns(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of an index, with those that it lacks as null."""
    known = frame.with_columns(pl.lit(None).alias(name) for name in PERSON_COLUMNS if name not in frame.columns)
    return known.select(pl.col(name).cast(kind) for name, kind in PERSON_COLUMNS.items())
