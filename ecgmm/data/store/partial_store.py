"""A store on its way: written beside its place, kept when its writer is killed, put in its place when complete.

Beside ``stores/x`` lie, while it is made, ``x.partial/`` (the store to be), ``x.journal`` (finished units), ``x.lock``.
A store that grows shares ``waveforms.npy`` with the one it grows from by a hard link: rows are added behind those that
are there, which never change.

The manifest is the last file of a store. From then on only renames are left, which ``settle`` does, at once or, after
a kill, when the next preparation starts.
"""

import errno
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.store.digests import seal, table_digest
from ecgmm.data.store.journal import Journal
from ecgmm.data.store.store import EVIDENCE, MANIFEST, RECORDS, REPORTS, SCHEMA_VERSION, WAVEFORMS, Store
from ecgmm.data.store.waveform_file import HEADER_BYTES, npy_header
from ecgmm.errors import DataError
from ecgmm.files import file_sha256, read_json, remove_unfinished, whole_file, write_whole
from ecgmm.leads import N_LEADS

_SPARE_BYTES = 64 * 2**20  # for the tables, and so that the disk is not filled to the last byte


class PartialStore:
    """A store being written; use as a context manager. An exception keeps what was done.

    Args:
        path: Where the store shall be.
        n_times: Samples per row.
        made_for: What the store is made from and with; what was begun for something else is thrown away.
        base: The store at ``path``, if this one is to be the same with more rows.

    Attributes:
        path: Where the store shall be.
        waveforms: The ``.npy`` file.
        journal: Finished units.
    """

    def __init__(self, path: Path, n_times: int, made_for: str, base: Store | None = None) -> None:
        self.path, self._n_times, self._base = path, n_times, base
        self._folder = _partial(path)
        self.waveforms = self._folder / WAVEFORMS
        self.journal = Journal(_journal(path), made_for)
        if self.journal.fresh or not self.waveforms.exists():
            shutil.rmtree(self._folder, ignore_errors=True)
            self._begin()

    def _begin(self) -> None:
        self._folder.mkdir()
        if self._base is None:
            self.waveforms.write_bytes(npy_header((0, N_LEADS, self._n_times)))
        else:
            os.link(self._base.path / WAVEFORMS, self.waveforms)
            self._cut_to(self._base.records.height)  # behind may lie rows of a growth that was given up

    def _cut_to(self, n_rows: int) -> None:
        os.truncate(self.waveforms, self._size(n_rows))

    @property
    def row_bytes(self) -> int:
        """Bytes per row."""
        return N_LEADS * self._n_times * 2

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.journal.close()
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DataError(
                f"the disk of {self.path.parent} became full; free some space and start again, which goes on from"
                " here, or set paths.stores to another disk"
            ) from None

    def discard(self) -> None:
        """Throw everything away; a store that was to grow is left as it was."""
        if self._base is not None:
            self._cut_to(self._base.records.height)
        shutil.rmtree(self._folder)
        _journal(self.path).unlink()

    def lacking_bytes(self, n_rows: int) -> int:
        """Bytes that the disk has to take for the store to hold so many rows and its tables."""
        return self._size(n_rows) - self.waveforms.stat().st_blocks * 512 + _SPARE_BYTES

    def extend(self, n_rows: int) -> None:
        """Make the file as long as so many rows; they take no room before they are written."""
        if self._size(n_rows) > self.waveforms.stat().st_size:
            os.truncate(self.waveforms, self._size(n_rows))

    def _size(self, n_rows: int) -> int:
        return HEADER_BYTES + n_rows * self.row_bytes

    def close_gaps(self, slots: NDArray[np.int64], first: int) -> NDArray[np.int64]:
        """Move rows from the end into slots that stayed empty; done twice, it does the same.

        Args:
            slots: The slots written, in ascending order.
            first: The first slot.

        Returns:
            The row of each, int64; together they are ``first`` and the numbers that follow it.
        """
        end = first + len(slots)
        rows = slots.copy()
        rows[slots >= end] = np.setdiff1d(np.arange(first, end), slots, assume_unique=True)
        with RowFile(self.waveforms, self.row_bytes) as file:
            for slot, row in zip(slots[slots >= end].tolist(), rows[slots >= end].tolist(), strict=True):
                file.copy(slot, row)
        return rows

    def finish(self, records: pl.DataFrame, others: Mapping[str, pl.DataFrame], manifest: dict[str, Any]) -> None:
        """Write the tables and the manifest, and put the store in its place.

        The tables name patients, so that their owner alone may read them.

        Args:
            records: ``records.parquet``.
            others: The other tables by the name of their file.
            manifest: What the manifest tells besides the digests.
        """
        remove_unfinished(self._folder)
        header = npy_header((records.height, N_LEADS, self._n_times))
        with RowFile(self.waveforms, self.row_bytes) as file:
            file.write_header(header)
        tables = {RECORDS: records, **others}
        files = {name: _write_privately(self._folder / name, table) for name, table in tables.items()}
        self.journal.close()
        digests = {
            "content": {name: table_digest(tables[name]) for name in (RECORDS, REPORTS, EVIDENCE)},
            "files": files,
        }
        sealed = seal({"schema_version": SCHEMA_VERSION, **manifest, **digests})
        write_whole(self._folder / MANIFEST, (json.dumps(sealed, indent=1, ensure_ascii=False) + "\n").encode())
        settle(self.path)


def reserve(n_rows: Mapping[PartialStore, int]) -> None:
    """Give the files of stores room for their rows.

    Args:
        n_rows: Rows of each store; all lie in one folder.

    Raises:
        DataError: If the disk has no room for those that are not written yet.
    """
    folder = next(iter(n_rows)).path.parent
    needed = sum(store.lacking_bytes(n) for store, n in n_rows.items())
    free = shutil.disk_usage(folder).free
    if free < needed:
        what = "the store needs" if len(n_rows) == 1 else f"the {len(n_rows)} stores need"
        raise DataError(
            f"{folder} has {free / 1e9:.1f} GB free and {what} {needed / 1e9:.1f} GB;"
            " free some space or set paths.stores to another disk"
        )
    for store, n in n_rows.items():
        store.extend(n)


def _write_privately(file: Path, table: pl.DataFrame) -> str:
    """Write a table that its owner alone may read; gives the sha256 of the file."""
    with whole_file(file, private=True) as opened:
        table.write_parquet(opened)
    return file_sha256(file)


class RowFile:
    """``waveforms.npy`` opened for writing; rows go to their slots, by any number of processes."""

    def __init__(self, path: Path | str, row_bytes: int) -> None:
        self._file = os.open(path, os.O_RDWR)
        self._row_bytes = row_bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def write(self, slot: int, rows: NDArray[np.int16]) -> None:
        """Write contiguous rows, int16 ``[R, 12, T]``, from a slot on."""
        assert rows.nbytes == len(rows) * self._row_bytes
        self._write(rows.reshape(-1).view(np.uint8), HEADER_BYTES + slot * self._row_bytes)

    def copy(self, slot: int, to: int) -> None:
        """Copy one row."""
        content = os.pread(self._file, self._row_bytes, HEADER_BYTES + slot * self._row_bytes)
        self._write(np.frombuffer(content, np.uint8), HEADER_BYTES + to * self._row_bytes)

    def write_header(self, header: bytes) -> None:
        """Write the header of the ``.npy`` format."""
        self._write(np.frombuffer(header, np.uint8), 0)

    def _write(self, rest: Any, offset: int) -> None:
        while rest.size:  # a write may stop early, at 2 GiB or just before the disk is full
            written = os.pwrite(self._file, rest, offset)
            offset += written
            rest = rest[written:]


def settle(path: Path) -> None:
    """Put a completely written store in its place, and remove what is left of its making."""
    partial, replaced = _partial(path), path.with_name(f"{path.name}.replaced")
    if (partial / MANIFEST).exists():
        manifest = read_json(partial / MANIFEST, f"move {partial} away and start again")
        os.truncate(partial / WAVEFORMS, HEADER_BYTES + manifest["n_records"] * N_LEADS * manifest["n_times"] * 2)
        _journal(path).unlink(missing_ok=True)  # before the rename: a journal beside a store is one of its growth
        if path.exists():
            path.rename(replaced)
        partial.rename(path)
    if replaced.exists():
        shutil.rmtree(replaced)


def _partial(path: Path) -> Path:
    return path.with_name(f"{path.name}.partial")


def _journal(path: Path) -> Path:
    return path.with_name(f"{path.name}.journal")
