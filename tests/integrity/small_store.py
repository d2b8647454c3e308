"""A finished store of a few rows, written file by file, with everything in it that the report is about."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.store.digests import seal
from ecgmm.data.store.store import DROPPED, EVIDENCE, MANIFEST, RECORDS, REPORTS, SCHEMA_VERSION, WAVEFORMS
from ecgmm.files import file_sha256
from ecgmm.signal.digest import digest_records
from ecgmm.types import MISSING_SAMPLE

RATE_HZ, N_TIMES, N_ROWS = 100, 200, 20
FIRST_RECORD, FIRST_PATIENT = 40_000_000, 10_000_000
SPLITS = ["train"] * 12 + ["val"] * 4 + ["test"] * 4


def waveforms() -> NDArray[np.int16]:
    """int16 ``[20, 12, 200]``, every row different."""
    steps: NDArray[np.int16] = np.random.default_rng(0).integers(-200, 200, (N_ROWS, 12, N_TIMES)).astype(np.int16)
    return steps


def columns(steps: NDArray[np.int16]) -> dict[str, Any]:
    """The columns of ``records.parquet``, two records a patient; quality rises from row to row."""
    n = len(steps)
    missing = steps == MISSING_SAMPLE
    there = np.where(missing, 0, steps.astype(np.int64))
    flat = (there.max(axis=2) == there.min(axis=2)).sum(axis=1)
    return {
        "record": FIRST_RECORD + np.arange(n),
        "patient": FIRST_PATIENT + np.arange(n) // 2,
        "window": np.zeros(n, np.int32),
        "split": SPLITS,
        "report": np.arange(n, dtype=np.int32) - 1,
        "has_waveform": flat < 12,
        "missing_share": missing.mean(axis=(1, 2), dtype=np.float32),
        "flat_leads": flat.astype(np.int8),
        "clipped_share": np.full(n, 0.01, np.float32),
        "amplitude_mv": (np.abs(there).max(axis=(1, 2)) * 0.005).astype(np.float32),
        "drift_mv": np.full(n, 0.2, np.float32),
        "noise_mv": np.full(n, 0.02, np.float32),
        "lead_law_error_mv": np.full(n, 0.003, np.float32),
        "limb_swap": ["none"] * n,
        "quality": np.linspace(0, 1, n, dtype=np.float32),
        "content": digest_records(steps),
    }


def write_store(
    path: Path,
    steps: NDArray[np.int16],
    changed: dict[str, Any] | None = None,
    dropped: list[tuple[int | None, str | None, str]] | None = None,
) -> Path:
    """Write a store.

    Args:
        path: Its folder.
        steps: int16 ``[20, 12, T]``.
        changed: Columns of its records to have instead of ``columns``.
        dropped: Record, path and reason of what was left out.
    """
    path.mkdir(parents=True)
    np.save(path / WAVEFORMS, steps)
    schema = {"record": pl.Int64, "path": pl.String, "reason": pl.String}
    tables = {
        RECORDS: pl.DataFrame(columns(steps) | (changed or {})),
        REPORTS: pl.DataFrame({"report": [0], "statements": [["secret words"]], "text": ["secret words"]}),
        EVIDENCE: pl.DataFrame({"record": [FIRST_RECORD]}),
        DROPPED: pl.DataFrame(dropped or [], schema, orient="row"),
    }
    for name, table in tables.items():
        table.write_parquet(path / name)
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "source": {"name": "mimic_iv_ecg"},
        "parameters": {"root": "/data/here", "limit_mv": 10.0},
        "rate_hz": RATE_HZ,
        "n_times": steps.shape[2],
        "uv_per_step": 5.0,
        "n_records": len(steps),
        "evidence": {"columns": []},
        "files": {name: file_sha256(path / name) for name in tables},
    }
    (path / MANIFEST).write_text(json.dumps(seal(manifest)))
    return path
