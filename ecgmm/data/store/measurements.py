"""The nine numbers that a cart measures, for the audit of leakage and as training targets of methods that measure.

Never a model's input: a missing P wave alone gives atrial fibrillation away.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.types import INTERVALS

MEASUREMENTS = ("rr_interval", "p_onset", "p_end", "qrs_onset", "qrs_end", "t_end", "p_axis", "qrs_axis", "t_axis")
"""Intervals and times in ms, axes in degrees; columns of machine_measurements.csv."""
PREFIX = "measurement."
_NO_VALUE = [29999.0, 32767.0, -32767.0, -32768.0, 65535.0]  # how the carts write that there is none


def measurement_columns(table: pl.DataFrame) -> list[pl.Expr]:
    """``measurement.<name>`` of each measurement among a table's float32 columns, null for a cart's code for "none"."""
    values = {name: pl.col(name) for name in MEASUREMENTS if name in table.columns}
    return [pl.when(~value.is_in(_NO_VALUE)).then(value).alias(f"{PREFIX}{name}") for name, value in values.items()]


def interval_table(records: pl.DataFrame) -> NDArray[np.float32]:
    """Heart rate, intervals and axes of records.

    Args:
        records: ``records.parquet`` of a store; measurement columns may be missing, as in PTB-XL.

    Returns:
        float32 ``[N, len(INTERVALS)]`` in the order and units of ``INTERVALS``; NaN where there is no number, or an
        impossible one (an interval of zero or less).
    """
    missing = [name for name in MEASUREMENTS if f"{PREFIX}{name}" not in records.columns]
    known = records.with_columns(pl.lit(None, pl.Float32).alias(f"{PREFIX}{name}") for name in missing)

    def cart(name: str) -> pl.Expr:
        return pl.col(f"{PREFIX}{name}")

    def positive(value: pl.Expr) -> pl.Expr:
        return pl.when(value > 0).then(value)

    intervals = {
        "rate_bpm": 60_000 / positive(cart("rr_interval")),
        "pr_ms": positive(cart("qrs_onset") - cart("p_onset")),
        "qrs_ms": positive(cart("qrs_end") - cart("qrs_onset")),
        "qt_ms": positive(cart("t_end") - cart("qrs_onset")),
        **{f"{wave}_axis_deg": cart(f"{wave}_axis") for wave in ("p", "qrs", "t")},
    }
    table: NDArray[np.float32] = (
        known.select(intervals[name].cast(pl.Float32).alias(name) for name in INTERVALS)
        .fill_null(float("nan"))
        .to_numpy()
    )
    return table
