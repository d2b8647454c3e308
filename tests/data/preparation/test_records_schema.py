"""The schema of the records takes what preparation makes and names every violation at once."""

from pathlib import Path

import polars as pl
import pytest
from pandera.errors import SchemaErrors

from ecgmm.data.preparation.records_schema import records_schema
from tests.data.trees import prepare, write_ptb_xl


def test_all_violations_are_named_at_once(tmp_path: Path) -> None:
    write_ptb_xl(tmp_path / "tree", rate_hz=100)
    records = prepare("ptb_xl", tmp_path / "tree", "data.rate_hz=100").records
    schema = records_schema([])
    schema.validate(records, lazy=True)
    broken = records.with_columns(
        split=pl.lit("holdout"), fraction_rank=pl.lit(1.0), quality=pl.lit(2.0, dtype=pl.Float32)
    )
    with pytest.raises(SchemaErrors) as raised:
        schema.validate(broken, lazy=True)
    named = {error.schema.name for error in raised.value.schema_errors}
    assert named == {"split", "fraction_rank", "quality"}
