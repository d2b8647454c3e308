"""Recordings that are rows of HDF5 files, as CODE-15 % has them: ``[records, samples, leads]`` at one rate.

A recording is named ``exams_part3.hdf5/000017``: the file, and its row. Recordings shorter than the row stand in its
middle between zeros, which are cut off. Needs ``h5py`` (``pip install 'ecgmm[formats]'``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.data.sources.tree_reading import in_archive, plain_files
from ecgmm.data.sources.waveform_reader import Block, Description, Layout
from ecgmm.errors import ConfigError, DataError, printable
from ecgmm.leads import N_LEADS

NAME = "hdf5_rows"
ENDING = ".hdf5"
TRACINGS, EXAM_ID = "tracings", "exam_id"
_STEPS_PER_MV = 100_000.0  # 0.01 µV: finer than a float32 of a QRS complex, and 21 V fit
_MISSING = np.iinfo(np.int32).min
_LARGEST = np.iinfo(np.int32).max
_EDGE = 64  # samples at each end that are looked at first: 10 s of 400 Hz leave 48 of 4096
_MOST_SAMPLES = 1 << 16
_MOST_CHUNK_BYTES = 1 << 26


@dataclass(frozen=True)
class Hdf5Layout(Layout):
    """Layout of recordings that begin at the same sample of their row.

    Attributes:
        first: Their first sample in the row.
    """

    first: int


@dataclass(frozen=True)
class Hdf5RowsReader:
    """``WaveformReader`` of such recordings; there are no checksums.

    Attributes:
        rate_hz: Sampling rate of all rows.
        mv_per_unit: Millivolts of the value 1.
        leads: Row of the last axis of each lead of ``leads.LEADS``.
    """

    rate_hz: float
    mv_per_unit: float
    leads: tuple[int, ...] = tuple(range(N_LEADS))

    def record_of(self, file: Path) -> Path:
        """See ``WaveformReader``."""
        return file

    def describe(self, record: str, tree: TreeFiles) -> Description[Layout]:
        """See ``WaveformReader``."""
        file, row = _split(record)
        tree.check_file(file)
        tracings = _tracings(f"{tree.root}{file}")
        first, last = _ends(tracings, row)
        ones, zeros = (_STEPS_PER_MV,) * N_LEADS, (0,) * N_LEADS
        return Description(Hdf5Layout(NAME, self.rate_hz, last - first, ones, zeros, first=first), "", zeros)

    def sizes(self, record: str, layout: Layout) -> Sequence[tuple[str, int]]:
        """See ``WaveformReader``; whether a file holds the row, ``describe`` has seen."""
        return ()

    def read(self, records: Sequence[str], layout: Layout, checksums: NDArray[np.uint16] | None) -> Block:
        """See ``WaveformReader``."""
        assert isinstance(layout, Hdf5Layout)
        samples = np.empty((len(records), N_LEADS, layout.n_samples), dtype=np.int32)
        reasons: list[Drop | None] = [None] * len(records)
        n_read = 0
        for number, record in enumerate(records):
            try:
                file, row = _split(record)
                values = _values(_tracings(file), row, layout.first, layout.first + layout.n_samples)
                samples[n_read] = self._steps(values)
                n_read += 1
            except BadRecordError as error:
                reasons[number] = error.reason
        return Block(samples[:n_read], reasons)

    def _steps(self, values: NDArray[np.floating]) -> NDArray[np.int32]:
        """int32 ``[12, T]`` of values ``[T, 12]``."""
        steps = np.rint(values.T[list(self.leads)].astype(np.float64) * (self.mv_per_unit * _STEPS_PER_MV))
        limited = np.clip(np.where(np.isnan(steps), 0, steps), -_LARGEST, _LARGEST).astype(np.int32)
        limited[np.isnan(steps)] = _MISSING
        return limited


def _split(record: str) -> tuple[str, int]:
    file, _, row = record.rpartition("/")
    if not file.endswith(ENDING) or not (row.isascii() and row.isdigit()):
        raise BadRecordError(Drop.FILE_MISSING)
    return file, int(row)


def open_hdf5(path: Path | str) -> Any:
    """Open a file of such recordings.

    Raises:
        ConfigError: If h5py is not installed.
        OSError: If it is no HDF5 file, or damaged.
    """
    try:
        import h5py
    except ModuleNotFoundError:
        raise ConfigError("the package h5py is not installed; run pip install 'ecgmm[formats]'") from None
    return h5py.File(path, "r", locking=False)


def plain_dataset(file: Any, name: str, n_axes: int) -> Any:
    """A dataset whose content lies in the file itself.

    Raises:
        KeyError: If there is none: links and virtual datasets could name any other file.
    """
    import h5py

    link = file.get(name, getlink=True)
    dataset = file.get(name) if isinstance(link, h5py.HardLink) else None
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual or dataset.ndim != n_axes:
        raise KeyError(name)
    if np.prod(dataset.chunks or (0,)) * dataset.dtype.itemsize > _MOST_CHUNK_BYTES:
        raise KeyError(name)
    return dataset


def read_exam_ids(path: Path) -> NDArray[np.int64]:
    """Ids of the rows of a file, int64 ``[N]``; rows behind the last exam have the id 0.

    Raises:
        DataError: If the file has no such ids, or is damaged.
    """
    with plain_files(str(path)) as plain:
        try:
            with open_hdf5(plain) as file:
                ids: NDArray[np.int64] = plain_dataset(file, EXAM_ID, 1)[:].astype(np.int64)
                return ids
        except (OSError, KeyError, ValueError, TypeError, RuntimeError):
            raise DataError(
                f"{printable(path)} is no HDF5 file with a dataset {EXAM_ID}; fetch it from its source again"
            ) from None


def _tracings(path: str) -> Any:
    """The open dataset of a file; the last ones stay open, for neighbours are read one after the other."""
    found = in_archive(path)
    try:
        status = Path(path.removesuffix(f"/{found[1]}") if found else path).stat()
    except OSError:
        raise BadRecordError(Drop.FILE_MISSING) from None
    with _ONE_OPENS:
        return _opened(path, status.st_ino, status.st_size, status.st_mtime_ns)


_ONE_OPENS = Lock()  # of an archive, an open file is an unpacked copy


@lru_cache(maxsize=2)
def _opened(path: str, *_: int) -> Any:
    with plain_files(path) as file:  # HDF5 keeps it open
        try:
            dataset = plain_dataset(open_hdf5(file), TRACINGS, 3)
        except (OSError, KeyError, ValueError, TypeError, RuntimeError):
            raise BadRecordError(Drop.FILE_UNREADABLE) from None
    if dataset.shape[2] != N_LEADS:
        raise BadRecordError(Drop.LEADS)
    if dataset.dtype.kind != "f" or not 0 < dataset.shape[1] <= _MOST_SAMPLES:
        raise BadRecordError(Drop.FORMAT)
    return dataset


def _values(tracings: Any, row: int, first: int, last: int) -> NDArray[np.floating]:
    """``[last - first, 12]`` of a row."""
    if row >= tracings.shape[0]:
        raise BadRecordError(Drop.SIZE)
    try:
        values: NDArray[np.floating] = tracings[row, first:last]
    except (OSError, RuntimeError):
        raise BadRecordError(Drop.FILE_UNREADABLE) from None
    return values


def _ends(tracings: Any, row: int) -> tuple[int, int]:
    """First sample that any lead has, and the first behind the last such."""
    n_samples = tracings.shape[1]
    before, after = (
        _used(_values(tracings, row, *part)) for part in ((0, _EDGE), (max(n_samples - _EDGE, 0), n_samples))
    )
    if len(before) and len(after):
        return int(before[0]), max(n_samples - _EDGE, 0) + int(after[-1]) + 1
    used = _used(_values(tracings, row, 0, n_samples))
    if not len(used):
        raise BadRecordError(Drop.ALL_MISSING)
    return int(used[0]), int(used[-1]) + 1


def _used(values: NDArray[np.floating]) -> NDArray[np.int64]:
    return np.flatnonzero((values != 0).any(axis=1))
