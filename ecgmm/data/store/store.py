"""The store: what preparation writes and everything after it reads. Complete or not there at all.

A folder with ``waveforms.npy``, ``records.parquet``, ``reports.parquet``, ``evidence.parquet``, ``dropped.parquet`` and
``manifest.json`` (docs/reference/store.md); ``partial_store`` writes it. The manifest knows the digests of the tables
and its own, and each row of the records that of its waveform, which ``rows`` compares. Labels are no part of a store:
they are read from its evidence (``ecgmm.data.sources.labels``).
"""

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.store.digests import is_sealed, plain_digest
from ecgmm.data.store.faults import damaged, not_read, not_taken
from ecgmm.data.store.rows import check_some_rows
from ecgmm.data.store.splits import n_torn_patients, split_digest
from ecgmm.data.store.waveform_file import map_rows
from ecgmm.errors import DataError, printable
from ecgmm.files import MOST_JSON_BYTES, open_regular, read_bounded

SCHEMA_VERSION = 4
WAVEFORMS, MANIFEST = "waveforms.npy", "manifest.json"
RECORDS, REPORTS, DROPPED = "records.parquet", "reports.parquet", "dropped.parquet"
EVIDENCE = "evidence.parquet"
"""Source's word on each record that it lists, from which labels are read: statements, codes or the simulated truth."""
PATH_MARK = "path:"
"""Begins what stands in the manifest for a path: a digest, because a path names the machine and often its user."""

_OF_THIS_COPY = ("files", "sha256", "readers")
"""Keys of the manifest that hang on how its files are packed or the recordings were read, and not on what they hold."""


@dataclass(frozen=True)
class Store:
    """A store opened for reading, by any number of processes.

    Attributes:
        path: The folder.
        waveforms: int16 ``[row, 12, T]``, memory-mapped, read-only; missing samples as in ``types``.
        records: One row per row of ``waveforms``.
        reports: Each distinct report once.
        manifest: What the store was made from and with.
        fingerprint: sha256 of the manifest, in hex, without the paths and without how its files are packed: the same on
            every machine for the same content.
    """

    path: Path
    waveforms: NDArray[np.int16]
    records: pl.DataFrame
    reports: pl.DataFrame
    manifest: dict[str, Any]
    fingerprint: str

    @property
    def waveform_file(self) -> Path:
        """``waveforms.npy``."""
        return self.path / WAVEFORMS

    def evidence(self) -> pl.DataFrame:
        """Read the evidence of labels: ``record``, and what the source says of it; also of records that were dropped.

        Raises:
            DataError: If it is damaged, or cannot be read.
        """
        try:
            return _read_table(self.path / EVIDENCE, self.manifest["files"][EVIDENCE])
        except DataError:
            if fingerprint_of(self.path) == self.fingerprint:
                raise
            raise DataError(f"{printable(self.path)} was replaced after it was opened; open it again") from None

    @staticmethod
    def open(path: Path | str) -> "Store":
        """Open a complete store. All but the waveforms is compared with its digest, and of these a sample.

        Raises:
            DataError: If the folder holds no complete store of this version, the store is damaged, or the system does
                not let us read it.
        """
        path = Path(path)
        while True:
            content = _manifest_bytes(path)
            try:
                store = _open(path, content)
            except DataError:
                if _manifest_bytes(path) == content:
                    raise
            else:
                if _manifest_bytes(path) == content:
                    return store
            # Else the store grew meanwhile, and another one is in its place.


def _open(path: Path, content: bytes) -> Store:
    manifest = _read_manifest(path, content)
    digests = manifest["files"]
    records, reports = (_read_table(path / name, digests[name]) for name in (RECORDS, REPORTS))
    for name in (DROPPED, EVIDENCE):
        _checked_content(path / name, digests[name])
    if records.height != manifest["n_records"]:
        raise damaged(path, f"{RECORDS} has {records.height} rows and {MANIFEST} tells {manifest['n_records']}")
    if "split" in manifest:
        _check_split(path, records, manifest["split"]["digest"])
    waveforms = map_rows(path / WAVEFORMS, manifest["n_records"], manifest["n_times"])
    store = Store(path, waveforms, records, reports, manifest, _fingerprint(manifest))
    check_some_rows(store)
    return store


def read_manifest(path: Path) -> tuple[dict[str, Any], str]:
    """Manifest and fingerprint of the store in a folder, which is not opened.

    Raises:
        DataError: If the folder holds no manifest of this version.
    """
    manifest = _read_manifest(path, _manifest_bytes(path))
    return manifest, _fingerprint(manifest)


def fingerprint_of(path: Path) -> str | None:
    """Fingerprint of the store in a folder, which is not opened; None where the folder holds no manifest to read."""
    try:
        return read_manifest(path)[1]
    except (DataError, AttributeError, LookupError, TypeError):  # of another version, or no manifest at all
        return None


def _fingerprint(manifest: dict[str, Any]) -> str:
    settings = manifest["parameters"].items()
    parameters = {name: value for name, value in settings if name != "root" and not str(value).startswith(PATH_MARK)}
    kept = {name: value for name, value in manifest.items() if name not in _OF_THIS_COPY}
    return plain_digest({**kept, "parameters": parameters})


def _manifest_bytes(path: Path) -> bytes:
    try:
        return read_bounded(path / MANIFEST, MOST_JSON_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(
            f"{printable(path)} is not a complete store (it holds no {MANIFEST}); give the folder of one as data.store,"
            " or name an empty place and prepare it"
        ) from None
    except (OSError, MemoryError) as error:
        raise not_read(path / MANIFEST, error) from None


def _read_manifest(path: Path, content: bytes) -> dict[str, Any]:
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError):
        raise damaged(path, f"{MANIFEST} holds no JSON") from None
    if not isinstance(manifest, dict):
        raise damaged(path, f"{MANIFEST} holds no JSON object")
    if manifest.get("schema_version") != SCHEMA_VERSION:
        raise DataError(
            f"{printable(path)} was made by another version of the store format; move it away and prepare it again"
        )
    if not is_sealed(manifest):
        raise damaged(path, f"{MANIFEST} was changed after it was written")
    return manifest


def _read_table(file: Path, sha256: str) -> pl.DataFrame:
    content = _checked_content(file, sha256)
    try:
        return pl.read_parquet(io.BytesIO(content))
    except MemoryError as error:
        raise not_read(file, error) from None
    # Polars panics where threads, descriptors or memory are refused.
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise not_taken(file, error) from None


def _checked_content(file: Path, sha256: str) -> bytes:
    try:
        with open_regular(file) as opened:
            content = opened.read()
    except (OSError, MemoryError) as error:
        raise not_read(file, error) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise damaged(file.parent, f"{file.name} was changed after it was written")
    return content


def _check_split(path: Path, records: pl.DataFrame, digest: str) -> None:
    if not {"record", "patient", "split"} <= set(records.columns) or split_digest(records) != digest:
        raise damaged(path, f"the splits in {RECORDS} are not those that {MANIFEST} tells")
    n_torn = n_torn_patients(records)
    if n_torn:
        raise damaged(path, f"{RECORDS} has {n_torn} patients in more than one split")
