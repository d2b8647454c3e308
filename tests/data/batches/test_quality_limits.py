from dataclasses import fields
from typing import Any

import numpy as np
import polars as pl
import pytest

from ecgmm.data.batches.quality_limits import QualityLimits
from ecgmm.data.preparation.records_schema import records_schema
from ecgmm.errors import ConfigError, DataError

RECORDS = pl.DataFrame(
    {
        "missing_share": pl.Series([0.0, 0.5, 0.1, 0.0, 1.0, 0.0], dtype=pl.Float32),
        "flat_leads": pl.Series([0, 3, 1, 0, 12, 0], dtype=pl.Int8),
        "drift_mv": pl.Series([0.1, 0.2, 0.3, float("nan"), None, 0.1], dtype=pl.Float32),
        "limb_swap": ["none", "none", "ra_la", "none", None, "none"],
        "quality": pl.Series([1.0, 0.5, 0.7, 0.9, 0.0, 0.8], dtype=pl.Float32),
    }
)
ALL = np.ones(6, dtype=bool)


def kept(limits: QualityLimits, chosen: np.ndarray = ALL) -> list[int]:
    return np.flatnonzero(limits.apply(RECORDS, chosen)[0]).tolist()


def test_without_limits_everything_stays() -> None:
    assert kept(QualityLimits()) == [0, 1, 2, 3, 4, 5]
    assert QualityLimits().chosen == {}


def test_a_value_at_the_limit_is_within_it() -> None:
    assert kept(QualityLimits(max_flat_leads=1)) == [0, 2, 3, 5]
    assert kept(QualityLimits(min_quality=0.5)) == [0, 1, 2, 3, 5]
    assert kept(QualityLimits(max_missing_share=0)) == [0, 3, 5]


def test_a_value_that_is_not_there_is_beyond_the_limit() -> None:
    assert kept(QualityLimits(max_drift_mv=10)) == [0, 1, 2, 5]
    assert kept(QualityLimits(exclude_limb_swap=True)) == [0, 1, 3, 5]


def test_each_row_counts_for_the_first_limit_that_it_breaks_and_only_if_it_was_chosen() -> None:
    limits = QualityLimits(max_missing_share=0.2, max_flat_leads=0, exclude_limb_swap=True)
    rows, left_out = limits.apply(RECORDS, np.array([True, True, True, True, False, False]))
    assert np.flatnonzero(rows).tolist() == [0, 3]
    assert left_out == {"max_missing_share": 1, "max_flat_leads": 1, "exclude_limb_swap": 0}


def test_every_limit_names_a_column_of_the_store() -> None:
    names = {field.name for field in fields(QualityLimits)} - {"splits"}
    assert {name.split("_", 1)[1] for name in names} <= set(records_schema([]).columns)


def test_a_store_of_an_older_version_is_told_apart_from_a_good_one() -> None:
    with pytest.raises(DataError, match=r"noise_mv.*prepare it again"):
        QualityLimits(max_noise_mv=0.1).apply(RECORDS, ALL)
    assert QualityLimits().apply(RECORDS.drop("quality"), ALL)[0].all()


@pytest.mark.parametrize(
    "mistake", [{"splits": ["training"]}, {"min_quality": "high"}, {"max_flat_leads": True}, {"exclude_limb_swap": 1}]
)
def test_settings_that_mean_nothing_are_refused(mistake: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"quality.{next(iter(mistake))}"):
        QualityLimits(**mistake)
