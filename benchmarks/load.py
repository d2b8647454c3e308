"""How fast batches are loaded: ``python -m benchmarks.load [--records 4000] [--batch-size 32] [--repeats 5]``.

In every repeat, in turn: shuffled batches through the data module's own loader, a plain memory copy of the same bytes
(in one go, and batch by batch), and the loop of most projects (``wfdb.rdsamp`` of each record of the batch). Each
figure is the median of its repeats, with a warm page cache. The last line is JSON.
"""

import argparse
import json
import platform
import statistics
import tempfile
from pathlib import Path

import numpy as np
import torch
import wfdb
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader, DistributedSampler

from benchmarks.prepare import N_SAMPLES, seconds, write_tree
from ecgmm.data.datamodule import as_is
from ecgmm.data.dataset import RecordDataset
from ecgmm.leads import N_LEADS
from ecgmm.types import INTERVALS, Batch

WFDB_RECORDS = 200
TOKENS, STATEMENTS = 64, 8


def make_dataset(path: Path, n_records: int) -> RecordDataset:
    """A data set over a memory-mapped file of random steps, with text and labels of usual size."""
    rng = np.random.default_rng(0)
    waveforms = np.lib.format.open_memmap(path, "w+", np.int16, (n_records, N_LEADS, N_SAMPLES))
    for start in range(0, n_records, 64):
        waveforms[start : start + 64] = rng.integers(-500, 500, waveforms[start : start + 64].shape, dtype=np.int16)
    waveforms.flush()
    counts = rng.integers(1, TOKENS + 1, n_records + 1, dtype=np.int32)
    counts[-1] = 0
    statement_ids = rng.integers(1, 500, (n_records + 1, STATEMENTS), dtype=np.int32)
    statement_ids[-1] = 0
    return RecordDataset(
        np.load(path, mmap_mode="r"),
        np.arange(n_records),
        np.ones(n_records, dtype=bool),
        np.arange(n_records),
        rng.integers(3, 2000, (n_records + 1, TOKENS), dtype=np.int32) * (np.arange(TOKENS) < counts[:, None]),
        counts,
        statement_ids,
        rng.integers(0, 5, n_records),
        np.full((n_records + 1, len(INTERVALS)), np.nan, dtype=np.float32),
    )


def load(loader: DataLoader[Batch]) -> None:
    """Run through one epoch."""
    for batch in loader:
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


def main() -> None:
    """Measure, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=4000)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        dataset = make_dataset(Path(folder) / "waveforms.npy", arguments.records)
        paths = write_tree(Path(folder) / "tree", WFDB_RECORDS)
        sampler: DistributedSampler[Batch] = DistributedSampler(dataset, num_replicas=1, rank=0, seed=0)
        loader = DataLoader(dataset, arguments.batch_size, sampler=sampler, collate_fn=as_is)
        memory = np.array(dataset.waveforms)
        target = np.ones_like(memory)
        rates: dict[str, list[float]] = {"load": [], "copy": [], "batch_copy": [], "wfdb": []}
        for _ in range(arguments.repeats):
            rates["load"].append(arguments.records / seconds(lambda: load(loader)))
            rates["copy"].append(arguments.records / seconds(lambda: np.copyto(target, memory)))
            rates["batch_copy"].append(arguments.records / seconds(lambda: copy_batches(memory, arguments.batch_size)))
            rates["wfdb"].append(len(paths) / seconds(lambda: rdsamp_loop(paths)))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    report(medians, arguments)


def report(medians: dict[str, float], arguments: argparse.Namespace) -> None:
    """Print the table for people and the JSON line."""
    words = {
        "load": "shuffled batches: waveforms, tokens, labels",
        "copy": "copy of the same waveform bytes in memory, in one go",
        "batch_copy": "the same, batch by batch into cached buffers",
        "wfdb": "wfdb.rdsamp of each record",
    }
    title = f"{arguments.records} records of 12 leads x 10 s x 500 Hz in batches of {arguments.batch_size}"
    table = Table(title=f"{title}, median of {arguments.repeats}")
    for column in ("", "records/s", "µs a record", "loading is"):
        table.add_column(column, justify="right" if column else "left")
    for name, rate in medians.items():
        table.add_row(words[name], f"{rate:,.0f}", f"{1e6 / rate:,.1f}", f"{medians['load'] / rate:.3g} x")
    Console().print(table)
    result = {
        "benchmark": "load",
        "records": arguments.records,
        "batch_size": arguments.batch_size,
        "records_per_s": round(medians["load"]),
        **{f"vs_{name}": round(medians["load"] / medians[name], 3) for name in ("wfdb", "copy", "batch_copy")},
        "machine": platform.machine(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "wfdb": wfdb.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
