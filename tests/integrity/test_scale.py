"""The report of a store as large as MIMIC-IV-ECG needs no more memory than its tables."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ecgmm.data.store.store import DROPPED, MANIFEST, RECORDS, WAVEFORMS
from ecgmm.files import file_sha256
from ecgmm.integrity.leads import MOST_ROWS
from ecgmm.integrity.report import JSON_NAME
from tests.data.trees import edit_manifest
from tests.integrity.small_store import N_ROWS, columns, waveforms, write_store

N = 800_035
N_TIMES = 5000
MOST_MB = 600
WRITE = """
import re, sys
from pathlib import Path
from ecgmm.data.store import store
from ecgmm.integrity.report import write_integrity
store.check_some_rows = lambda store: None  # whose digests are made up
write_integrity(Path(sys.argv[1]))
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def write_large_store(path: Path) -> None:
    """A store of 96 GB that takes 60 MB: its waveforms are a file of holes, which read as zeros."""
    write_store(path, waveforms())
    rng = np.random.default_rng(0)
    with (path / WAVEFORMS).open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<i2", "fortran_order": False, "shape": (N, 12, N_TIMES)})
        file.truncate(file.tell() + N * 12 * N_TIMES * 2)
    small = pl.DataFrame(columns(waveforms()))
    records = small[rng.integers(0, N_ROWS, N)].with_columns(
        record=pl.Series(np.arange(N)),
        patient=pl.Series(rng.integers(0, 161_352, N)),
        missing_share=pl.Series((rng.random(N) < 0.01).astype(np.float32)),
        content=pl.Series(np.arange(N).clip(1000).astype(np.uint64)),
    )
    records.write_parquet(path / RECORDS)
    pl.DataFrame({"record": np.arange(10_000), "path": "files/p1", "reason": "file missing"}).write_parquet(
        path / DROPPED
    )
    files = json.loads((path / MANIFEST).read_text())["files"] | {
        name: file_sha256(path / name) for name in (RECORDS, DROPPED)
    }
    edit_manifest(path, n_records=N, n_times=N_TIMES, rate_hz=500, files=files)


@pytest.mark.slow
def test_memory_is_bounded(tmp_path: Path) -> None:
    write_large_store(tmp_path / "store")
    done = subprocess.run(
        [sys.executable, "-c", WRITE, str(tmp_path / "store")], check=True, capture_output=True, text=True
    )
    assert int(done.stdout) / 1000 < MOST_MB
    found = json.loads((tmp_path / "store" / JSON_NAME).read_bytes())
    assert found["kept"]["rows"] == N
    assert found["duplicates"]["rows"] == 1001
    assert found["amplitudes"]["rows_read"] <= MOST_ROWS
    assert found["damage"]["rows_read"] <= MOST_ROWS < found["damage"]["rows"]
    print(f"peak memory {int(done.stdout) / 1000:.0f} MB")
