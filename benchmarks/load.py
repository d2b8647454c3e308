"""How fast batches are loaded: ``python -m benchmarks.load [--records 4000] [--batch-size 32] [--repeats 7] [--cold]``.

In every repeat, in turn: waveforms alone and whole batches through the project's own loader (in the training thread,
by threads ahead of it, and with ``data.residency=memory``), a plain memory copy of the same bytes (in one go, and batch
by batch), and the loop of most projects (``wfdb.rdsamp`` of each record of the batch). Each figure is the median of its
repeats, with a warm page cache. ``--cold`` throws the file out of the page cache before each repeat and loads a random
quarter of it, so that no read helps a later one, as in a store that is larger than memory. The last line is JSON.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import wfdb
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.prepare import seconds, write_tree
from ecgmm.data.batches.dataset import RecordDataset
from ecgmm.data.batches.loader import BatchLoader, shuffled
from ecgmm.data.batches.residency import place_waveforms
from ecgmm.leads import N_LEADS
from ecgmm.types import INTERVALS

WFDB_RECORDS = 200
N_TIMES, TOKENS, STATEMENTS = 5000, 64, 8
PREFETCH = 2  # as in conf/train.yaml
WORDS = {
    "waveforms": "shuffled waveforms alone",
    "batches": "whole shuffled batches",
    "batches_prefetch": f"... with prefetch={PREFETCH}",
    "batches_memory": "... with data.residency=memory",
    "copy": "copy of the waveforms in one go",
    "batch_copy": "... batch by batch, cached buffers",
    "wfdb": "wfdb.rdsamp of each record",
}
Ways = dict[str, tuple[int, Callable[[], None]]]


def write_waveforms(path: Path, n_records: int) -> None:
    """Write random steps in the form of a store."""
    rng = np.random.default_rng(0)
    waveforms = np.lib.format.open_memmap(path, "w+", np.int16, (n_records, N_LEADS, N_TIMES))
    for start in range(0, n_records, 64):
        waveforms[start : start + 64] = rng.integers(-500, 500, waveforms[start : start + 64].shape, dtype=np.int16)
    waveforms.flush()


def make_dataset(path: Path, residency: str = "disk", n_chosen: int | None = None) -> RecordDataset:
    """A data set over the file, or over so many random rows of it, with text and labels of usual size."""
    waveforms = np.load(path, mmap_mode="r")
    n_records = len(waveforms)
    rng = np.random.default_rng(0)
    counts = rng.integers(1, TOKENS + 1, n_records + 1, dtype=np.int32)
    counts[-1] = 0
    statement_ids = rng.integers(1, 500, (n_records + 1, STATEMENTS), dtype=np.int32)
    statement_ids[-1] = 0
    return RecordDataset(
        place_waveforms(waveforms, np.arange(n_records), residency, torch.device("cpu")),
        rng.permutation(n_records)[:n_chosen],
        np.ones(n_records, dtype=bool),
        np.arange(n_records),
        rng.integers(3, 2000, (n_records + 1, TOKENS), dtype=np.int32) * (np.arange(TOKENS) < counts[:, None]),
        counts,
        statement_ids,
        rng.integers(0, 5, n_records),
        np.full((n_records + 1, len(INTERVALS)), np.nan, dtype=np.float32),
    )


def load_waveforms(dataset: RecordDataset, batch_size: int) -> None:
    """Gather the waveforms of one epoch, and keep a batch until the next is there, as training does."""
    order = shuffled(len(dataset), 0)(0)
    for start in range(0, len(order), batch_size):
        batch = dataset.waveforms.gather(order[start : start + batch_size])
    assert len(batch)


def load(dataset: RecordDataset, batch_size: int, prefetch: int) -> None:
    """Run through one epoch of whole batches."""
    for batch in BatchLoader(dataset, batch_size, shuffled(len(dataset), 0), prefetch):
        assert batch.waveforms.dtype == torch.int16


def copy_batches(source: NDArray[np.int16], batch_size: int) -> None:
    """Copy as many bytes from memory, a batch at a time, and keep a batch until the next is there, as training does.

    This is harder to match than a copy in one go: the two buffers in use stay in the processor's cache.
    """
    batch = source[:0]
    for start in range(0, len(source), batch_size):
        batch = source[start : start + batch_size].copy()
    assert len(batch)


def rdsamp_loop(paths: list[Path]) -> None:
    """Read each record as most projects do while they train."""
    for path in paths:
        wfdb.rdsamp(str(path))[0].astype(np.float32)


def warm_ways(file: Path, paths: list[Path], batch_size: int) -> Ways:
    """What is compared with a warm page cache, each with the number of records that it takes."""
    dataset, in_memory = make_dataset(file), make_dataset(file, "memory")
    memory = np.array(np.load(file, mmap_mode="r"))
    target = np.ones_like(memory)
    n = len(dataset)
    return {
        "waveforms": (n, lambda: load_waveforms(dataset, batch_size)),
        "copy": (n, lambda: np.copyto(target, memory)),
        "batches": (n, lambda: load(dataset, batch_size, 0)),
        "batches_prefetch": (n, lambda: load(dataset, batch_size, PREFETCH)),
        "batches_memory": (n, lambda: load(in_memory, batch_size, 0)),
        "batch_copy": (n, lambda: copy_batches(memory, batch_size)),
        "wfdb": (len(paths), lambda: rdsamp_loop(paths)),
    }


def cold_ways(file: Path, batch_size: int) -> Ways:
    """What is compared with a cold page cache."""
    n = len(np.load(file, mmap_mode="r")) // 4

    def cold(prefetch: int) -> None:
        load(make_dataset(file, n_chosen=n), batch_size, prefetch)

    return {"batches": (n, lambda: cold(0)), "batches_prefetch": (n, lambda: cold(PREFETCH))}


def forget(file: Path) -> None:
    """Throw a file out of the page cache; whoever maps it holds it there."""
    descriptor = os.open(file, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def main() -> None:
    """Measure, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=4000)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--cold", action="store_true", help="compare with a cold page cache")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "waveforms.npy"
        write_waveforms(file, arguments.records)
        if arguments.cold:
            ways = cold_ways(file, arguments.batch_size)
        else:
            ways = warm_ways(file, write_tree(Path(folder) / "tree", WFDB_RECORDS), arguments.batch_size)
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(arguments.repeats):
            for name, (n_records, action) in ways.items():
                if arguments.cold:
                    forget(file)
                rates[name].append(n_records / seconds(action))
    report({name: statistics.median(values) for name, values in rates.items()}, arguments)


def report(medians: dict[str, float], arguments: argparse.Namespace) -> None:
    """Print the table for people and the JSON line."""
    cache = "cold" if arguments.cold else "warm"
    title = (
        f"{arguments.records} records of 12 leads x 10 s x 500 Hz in batches of {arguments.batch_size}, {cache} cache"
    )
    reference = "batches" if arguments.cold else "copy"
    table = Table(title=f"{title}, median of {arguments.repeats}")
    for column in ("", "records/s", "µs a record", f"of {WORDS[reference]}"):
        table.add_column(column, justify="right" if column else "left")
    for name, rate in medians.items():
        table.add_row(WORDS[name], f"{rate:,.0f}", f"{1e6 / rate:,.1f}", f"{rate / medians[reference]:.3g} x")
    Console().print(table)
    result = {
        "benchmark": "load",
        "cache": cache,
        "records": arguments.records,
        "batch_size": arguments.batch_size,
        "records_per_s": {name: round(rate) for name, rate in medians.items()},
        **ratios_of(medians),
        "machine": platform.machine(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "wfdb": wfdb.__version__,
    }
    print(json.dumps(result))


def ratios_of(medians: dict[str, float]) -> dict[str, float]:
    """What has to hold: waveforms alone and whole batches against a plain copy, and the rest beside it."""
    pairs = {
        "vs_copy": ("waveforms", "copy"),
        "vs_batch_copy": ("waveforms", "batch_copy"),
        "batch_vs_copy": ("batches", "copy"),
        "batch_vs_batch_copy": ("batches", "batch_copy"),
        "prefetch_vs_copy": ("batches_prefetch", "copy"),
        "memory_vs_copy": ("batches_memory", "copy"),
        "vs_wfdb": ("batches", "wfdb"),
        "prefetch_vs_none": ("batches_prefetch", "batches"),
    }
    return {
        name: round(medians[over] / medians[under], 3)
        for name, (over, under) in pairs.items()
        if over in medians and under in medians
    }


if __name__ == "__main__":
    main()
