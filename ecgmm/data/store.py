"""The store: what preparation writes and everything after it reads. Complete or not there at all.

A folder with ``waveforms.npy``, ``records.parquet``, ``reports.parquet`` and ``manifest.json`` (docs/data.md). It is
written under a temporary name beside its place and renamed when complete; the manifest is its last file.
"""

import errno
import fcntl
import hashlib
import io
import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.errors import DataError
from ecgmm.leads import N_LEADS

SCHEMA_VERSION = 1
_WAVEFORMS, _RECORDS, _REPORTS, _MANIFEST = "waveforms.npy", "records.parquet", "reports.parquet", "manifest.json"
_SPARE_BYTES = 64 * 2**20  # for the tables, and so that the disk is not filled to the last byte

log = logging.getLogger(__name__)


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
            waveforms = np.load(path / _WAVEFORMS, mmap_mode="r", allow_pickle=False)
            records, reports = pl.read_parquet(path / _RECORDS), pl.read_parquet(path / _REPORTS)
        except (OSError, ValueError, pl.exceptions.PolarsError):
            raise _damaged(path) from None
        if waveforms.shape != (records.height, N_LEADS, manifest["n_times"]) or waveforms.dtype != np.int16:
            raise _damaged(path)
        return Store(path, waveforms, records, reports, manifest, _fingerprint(manifest))


def _fingerprint(manifest: dict[str, Any]) -> str:
    parameters = {name: value for name, value in manifest["parameters"].items() if name != "root"}
    content = json.dumps({**manifest, "parameters": parameters}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((path / _MANIFEST).read_bytes())
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


@contextmanager
def one_process(folder: Path, doing: str) -> Iterator[None]:
    """Let one process at a time work in a folder; the others wait, and find what it made when they go on.

    Args:
        folder: Made if it is not there. The lock goes with the process that holds it, however that ends.
        doing: What it does there, as in "waiting for another process that prepares in stores".
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("waiting for another process that %s in %s", doing, folder)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class StoreWriter:
    """Writes a store; use as a context manager, which removes everything unless ``finish`` was reached.

    Args:
        path: Where the store shall be.
        n_times: Samples of a row.
        most_rows: Upper bound of the number of rows, to see beforehand whether the disk has room for them.

    Raises:
        DataError: If the disk has no room, before the first write or on the way.
    """

    def __init__(self, path: Path, n_times: int, most_rows: int) -> None:
        self._path = path
        self._n_times = n_times
        self._partial = path.with_name(f"{path.name}.partial")
        self._n_rows = 0
        needed = most_rows * N_LEADS * n_times * 2 + _SPARE_BYTES
        self._remove_partial()  # left by an interrupted run
        free = shutil.disk_usage(path.parent).free
        if free < needed:
            raise DataError(
                f"{path.parent} has {free / 1e9:.1f} GB free and the store needs {needed / 1e9:.1f} GB;"
                " free some space or set paths.stores to another disk"
            )

    def __enter__(self) -> "StoreWriter":
        self._partial.mkdir()
        self._file = os.open(self._partial / _WAVEFORMS, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        self._offset = os.pwrite(self._file, _npy_header((0, N_LEADS, self._n_times)), 0)
        return self

    def __exit__(self, _type: type[BaseException] | None, error: BaseException | None, _traceback: object) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._remove_partial()
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DataError(
                f"the disk of {self._path.parent} became full and nothing was kept;"
                " free some space or set paths.stores to another disk"
            ) from None

    def append(self, block: NDArray[np.int16]) -> None:
        """Write rows, int16 ``[R, 12, T]``."""
        assert block.dtype == np.int16
        assert block.shape[1:] == (N_LEADS, self._n_times)
        rest: Any = np.ascontiguousarray(block).reshape(-1).view(np.uint8)
        while rest.size:  # a write may stop early, at 2 GiB or just before the disk is full
            written = os.pwrite(self._file, rest, self._offset)
            self._offset += written
            rest = rest[written:]
        self._n_rows += len(block)

    def finish(self, records: pl.DataFrame, reports: pl.DataFrame, manifest: dict[str, Any]) -> None:
        """Write the tables and the manifest, and put the store in its place."""
        assert records.height == self._n_rows
        os.pwrite(self._file, _npy_header((self._n_rows, N_LEADS, self._n_times)), 0)
        os.close(self._file)
        self._file = -1
        records.write_parquet(self._partial / _RECORDS)
        reports.write_parquet(self._partial / _REPORTS)
        content = json.dumps({"schema_version": SCHEMA_VERSION, **manifest}, indent=1, ensure_ascii=False)
        (self._partial / _MANIFEST).write_text(content + "\n", encoding="utf-8")
        self._partial.rename(self._path)

    def _remove_partial(self) -> None:
        if self._partial.exists():
            shutil.rmtree(self._partial)


def _npy_header(shape: tuple[int, ...]) -> bytes:
    """Header of an ``.npy`` file; numpy pads it, so that it is as long for any number of rows."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<i2", "fortran_order": False, "shape": shape})
    return stream.getvalue()
