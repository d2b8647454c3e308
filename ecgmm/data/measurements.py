"""The nine numbers that a cart measures, kept for the audit of leakage.

Never a model's input: a missing P wave alone gives atrial fibrillation away.
"""

import polars as pl

MEASUREMENTS = ("rr_interval", "p_onset", "p_end", "qrs_onset", "qrs_end", "t_end", "p_axis", "qrs_axis", "t_axis")
"""Intervals and times in ms, axes in degrees; columns of machine_measurements.csv."""
PREFIX = "measurement."
_NO_VALUE = [29999.0, 32767.0, -32767.0, -32768.0, 65535.0]  # how the carts write that there is none


def measurement_columns(table: pl.DataFrame) -> list[pl.Expr]:
    """Columns ``measurement.<name>`` of a text table, as far as it has them: float32, null where there is no number."""
    return [_measurement(name) for name in MEASUREMENTS if name in table.columns]


def _measurement(name: str) -> pl.Expr:
    value = pl.col(name).str.strip_chars().cast(pl.Float32, strict=False)
    return pl.when(value.is_finite() & ~value.is_in(_NO_VALUE)).then(value).alias(f"{PREFIX}{name}")
