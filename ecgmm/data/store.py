"""The store: what preparation writes and everything after it reads. Complete or not there at all.

A folder with ``waveforms.npy``, ``records.parquet``, ``reports.parquet`` and ``manifest.json`` (docs/data.md);
``partial_store`` writes it.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.errors import DataError
from ecgmm.leads import N_LEADS

SCHEMA_VERSION = 2
WAVEFORMS, RECORDS, REPORTS, MANIFEST = "waveforms.npy", "records.parquet", "reports.parquet", "manifest.json"


@dataclass(frozen=True)
class Store:
    """A store opened for reading, by any number of processes.

    Attributes:
        path: The folder.
        waveforms: int16 ``[row, 12, T]``, memory-mapped, read-only; missing samples as in ``types``.
        records: One row a row of ``waveforms``.
        reports: Each distinct report once.
        manifest: What the store was made from and with.
        fingerprint: sha256 of the manifest without the root folder, in hex: the same on every machine.
    """

    path: Path
    waveforms: NDArray[np.int16]
    records: pl.DataFrame
    reports: pl.DataFrame
    manifest: dict[str, Any]
    fingerprint: str

    @staticmethod
    def open(path: Path | str) -> "Store":
        """Open a complete store.

        Raises:
            DataError: If the folder holds no complete store of this version.
        """
        path = Path(path)
        manifest = _read_manifest(path)
        try:
            waveforms = np.load(path / WAVEFORMS, mmap_mode="r", allow_pickle=False)
            records, reports = (pl.read_parquet(path / name, glob=False) for name in (RECORDS, REPORTS))
        except (OSError, ValueError, pl.exceptions.PolarsError):
            raise _damaged(path) from None
        n_rows = manifest["n_records"]
        fits = waveforms.shape[1:] == (N_LEADS, manifest["n_times"]) and waveforms.dtype == np.int16
        if not fits or records.height != n_rows or len(waveforms) < n_rows:
            raise _damaged(path)
        # More rows than records are those of a growth that is about to take the store's place.
        return Store(path, waveforms[:n_rows], records, reports, manifest, _fingerprint(manifest))


def fingerprint_of(path: Path) -> str | None:
    """Fingerprint of the store in a folder, which is not opened; None where the folder holds no manifest to read."""
    try:
        return _fingerprint(_read_manifest(path))
    except (DataError, AttributeError, LookupError, TypeError):  # of another version, or no manifest at all
        return None


def _fingerprint(manifest: dict[str, Any]) -> str:
    parameters = {name: value for name, value in manifest["parameters"].items() if name != "root"}
    content = json.dumps({**manifest, "parameters": parameters}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((path / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise DataError(
            f"{path} is not a complete store; prepare it, or give the folder of one as data.store"
        ) from None
    except (OSError, ValueError):
        raise _damaged(path) from None
    if manifest.get("schema_version") != SCHEMA_VERSION:
        raise DataError(f"{path} was made by another version of the store format; remove it and prepare it again")
    return manifest


def _damaged(path: Path) -> DataError:
    return DataError(f"{path} is a damaged store; remove the folder and prepare it again")
