"""Schema of ``records.parquet``, checked before it is written; all violations are reported at once."""

import polars as pl
from pandera.polars import Check, Column, DataFrameSchema

from ecgmm.data.store.leads import DERIVED, LEAD_ORIGIN, MISSING, RECORDED
from ecgmm.data.store.persons import OLDEST_YEARS, SEXES
from ecgmm.data.store.splits import SPLITS
from ecgmm.leads import N_LEADS


def records_schema(measurements: list[str]) -> DataFrameSchema:
    """Schema of a store's records with these measurements; ``validate(records, lazy=True)`` checks."""
    columns = {
        "record": Column(pl.Int64),
        "patient": Column(pl.Int64),
        "time": Column(pl.Datetime("us"), nullable=True),
        "window": Column(pl.Int32, Check.ge(0)),
        "split": Column(pl.String, Check.isin(SPLITS)),
        "fraction_rank": Column(pl.Float64, Check.in_range(0, 1, include_max=False)),
        "report": Column(pl.Int32, Check.ge(-1)),
        "has_waveform": Column(pl.Boolean),
        LEAD_ORIGIN: Column(pl.String, Check.str_matches(rf"^[{RECORDED}{DERIVED}{MISSING}]{{{N_LEADS}}}$")),
        "missing_share": Column(pl.Float32, Check.in_range(0, 1)),
        "flat_leads": Column(pl.Int8, Check.in_range(0, N_LEADS)),
        "clipped_share": Column(pl.Float32, Check.in_range(0, 1)),
        "amplitude_mv": Column(pl.Float32, Check.ge(0)),
        "drift_mv": Column(pl.Float32, Check.ge(0)),
        "noise_mv": Column(pl.Float32, Check.ge(0)),
        "lead_law_error_mv": Column(pl.Float32, Check.ge(0)),
        "limb_swap": Column(pl.String),
        "quality": Column(pl.Float32, Check.in_range(0, 1)),
        "content": Column(pl.UInt64),
        "age": Column(pl.Float32, Check.in_range(0, OLDEST_YEARS), nullable=True),
        "sex": Column(pl.String, Check.isin(SEXES), nullable=True),
        "device": Column(pl.String, nullable=True),
        "site": Column(pl.String, nullable=True),
    }
    numbers = {name: Column(pl.Float32, nullable=True) for name in measurements}
    return DataFrameSchema(columns | numbers, unique=["record", "window"], strict=True, ordered=True)
