"""Check of a store's waveforms: each row against its digest in the records."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.store.faults import damaged
from ecgmm.data.store.waveform_file import read_rows
from ecgmm.progress import run_with_progress
from ecgmm.signal.digest import digest_records

if TYPE_CHECKING:
    from ecgmm.data.store.store import Store

SAMPLE = 256
"""Rows that are compared whenever a store is opened: all of a small store, a few milliseconds of a large one."""
_MOST_NAMED = 5


def blocks(store: "Store", rows: NDArray[np.int64]) -> Iterator[NDArray[np.int16]]:
    """Read rows of a store; see ``read_rows``."""
    return read_rows(store.waveform_file, rows, store.manifest["n_times"])


def row_digests(store: "Store") -> NDArray[np.uint64]:
    """The digest of every row as it is read, uint64 ``[row]``."""
    digests = np.empty(store.records.height, np.uint64)

    def chunks() -> Iterator[int]:
        done = 0
        for block in blocks(store, np.arange(len(digests))):
            digests[done : done + len(block)] = digest_records(block)
            done += len(block)
            yield len(block)

    run_with_progress(chunks(), len(digests), "comparing waveforms")
    return digests


def check_all_rows(store: "Store") -> None:
    """Compare every row with its digest.

    Raises:
        DataError: If a row is not what preparation wrote.
    """
    _check(store, np.arange(store.records.height), row_digests(store))


def check_some_rows(store: "Store") -> None:
    """Compare ``SAMPLE`` rows with their digests, the same ones each time.

    Raises:
        DataError: If one is not what preparation wrote.
    """
    if "content" in store.records.columns:  # as preparation writes it; a table that lost it has another digest
        n_rows = store.records.height
        chosen = np.random.default_rng(int(store.fingerprint[:16], 16)).permutation(n_rows)[:SAMPLE]
        rows = np.sort(chosen) if n_rows > SAMPLE else np.arange(n_rows)
        _check(store, rows, np.concatenate([digest_records(block) for block in blocks(store, rows)]))


def _check(store: "Store", rows: NDArray[np.int64], digests: NDArray[np.uint64]) -> None:
    differing = rows[digests != store.records["content"].to_numpy()[rows]]
    if len(differing):
        named = ", ".join(map(str, differing[:_MOST_NAMED].tolist())) + (", …" if len(differing) > _MOST_NAMED else "")
        raise damaged(
            store.path,
            f"{len(differing):,} of {len(rows):,} waveforms compared are not those that were written (rows {named})",
        )
