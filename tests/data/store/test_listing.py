"""What a folder of stores holds."""

from pathlib import Path

import numpy as np
import polars as pl

from ecgmm.data.store.listing import stores
from ecgmm.data.store.store import Store
from tests.data.trees import write_store


def small_store(path: Path, source: str) -> Store:
    records = pl.DataFrame({"record": [1, 2], "content": [0, 0]}, schema={"record": pl.Int64, "content": pl.UInt64})
    about = {"parameters": {}, "labels": {}, "source": {"name": source, "sha256": {}}, "rate_hz": 100}
    return write_store(path, np.zeros((2, 12, 10), np.int16), records.drop("content"), pl.DataFrame({"a": [1]}), about)


def test_complete_stores_are_listed_by_name_and_nothing_else(tmp_path: Path) -> None:
    second, first = small_store(tmp_path / "b", "ptb_xl"), small_store(tmp_path / "a", "synthetic")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text('{"schema_version": 2, "parameters": 3}')
    listed = stores(tmp_path)
    assert [summary.name for summary in listed] == ["a", "b"]
    assert [summary.fingerprint for summary in listed] == [first.fingerprint, second.fingerprint]
    assert (listed[1].source, listed[1].n_records, listed[1].rate_hz) == ("ptb_xl", 2, 100)
    assert stores(tmp_path / "nowhere") == []
