"""Intervals from what a cart writes: units, missing codes, and sources that measure nothing."""

import math

import polars as pl
import pytest

from ecgmm.data.sources.index_tables import to_number
from ecgmm.data.store.measurements import MEASUREMENTS, interval_table, measurement_columns
from ecgmm.types import INTERVALS

# rr, p_onset, p_end, qrs_onset, qrs_end, t_end, p_axis, qrs_axis, t_axis as text, as in machine_measurements.csv
LINES = [
    ["800", "40", "140", "200", "290", "600", "45", "-30", "60"],
    ["65535", "29999", "29999", "200", "290", "180", "29999", "32767", "-32768"],
    ["0", "240", "", "200", "200", "600", "0", "180", "-180"],
]
EXPECTED = [
    [75, 160, 90, 400, 45, -30, 60],
    [math.nan, math.nan, 90, math.nan, math.nan, math.nan, math.nan],
    [math.nan, math.nan, math.nan, 400, 0, 180, -180],
]


def test_heart_rate_intervals_and_axes_in_their_units() -> None:
    raw = pl.DataFrame(LINES, schema=list(MEASUREMENTS), orient="row").select(map(to_number, MEASUREMENTS))
    table = interval_table(raw.select(measurement_columns(raw)))
    assert INTERVALS == ("rate_bpm", "pr_ms", "qrs_ms", "qt_ms", "p_axis_deg", "qrs_axis_deg", "t_axis_deg")
    for found, expected in zip(table.tolist(), EXPECTED, strict=True):
        assert found == pytest.approx(expected, nan_ok=True)


def test_a_source_that_measures_nothing_gives_nothing() -> None:
    table = interval_table(pl.DataFrame({"record": [1, 2]}))
    assert table.shape == (2, len(INTERVALS))
    assert all(math.isnan(value) for row in table.tolist() for value in row)
