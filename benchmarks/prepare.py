"""How fast preparation is: ``python -m benchmarks.prepare [--records 10000] [--repeats 5] [--many 20000]``.

Writes a tree in the exact MIMIC-IV-ECG layout, then times in turn, in every repeat: the usual loop (``wfdb.rdsamp``
into a float32 memory map), a copy of the same bytes in memory, reading and writing the same bytes and nothing else, and
the whole preparation in one process. With ``--many`` records (0 leaves it out) it then compares two processes with one:
in the passes over headers and waveforms, which grow with the set, in the whole preparation with the start of the
processes, and in a plain loop, which shows how far this machine can scale. Each figure is
the median of its repeats, with a warm page cache; a way that was not run yet is run once before. The last line is JSON.
"""

import argparse
import contextlib
import io
import json
import multiprocessing
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import wfdb
from hydra import compose, initialize_config_dir
from rich.console import Console
from rich.table import Table

from ecgmm.building import construct
from ecgmm.configuration import CONF_DIR
from ecgmm.data.preparation.header_pass import read_headers
from ecgmm.data.preparation.lead_statistics import LeadSums
from ecgmm.data.preparation.preparation import prepare_store
from ecgmm.data.preparation.records import with_splits
from ecgmm.data.preparation.units import Form, Reading, n_window_samples
from ecgmm.data.preparation.waveform_pass import Gathered, read_waveforms, warm_up
from ecgmm.data.preparation.waveform_plan import WaveformPlan
from ecgmm.data.preparation.workers import Workers
from ecgmm.data.sources.source import DataConfig, SourceIndex
from ecgmm.data.store.partial_store import PartialStore, reserve
from ecgmm.leads import LEADS, N_LEADS

N_SAMPLES, N_BYTES = 5000, 5000 * N_LEADS * 2
STORED_LEADS = (*LEADS[:4], "aVF", "aVL", *LEADS[6:])  # the carts' order
WFDB_PART = 20  # the loop is so much slower that a twentieth of the records is enough
CONTROL_STEPS = 100_000_000


def write_tree(root: Path, n_records: int, first: int = 0, n_waveforms: int | None = None) -> list[Path]:
    """Write records ``first`` to ``n_records`` and the tables of all; returns the paths of all without extension.

    With ``n_waveforms`` the records share so many waveforms.
    """
    noise = np.random.default_rng(0).normal(0, 60, (64, N_SAMPLES, N_LEADS)).astype("<i2")
    patients, studies = 10_000_000 + np.arange(n_records) // 3, 40_000_000 + np.arange(n_records)
    paths = [f"files/p{str(p)[:4]}/p{p}/s{s}/{s}" for p, s in zip(patients, studies, strict=True)]
    for number in range(first, n_records):
        study, path = studies[number], paths[number]
        waveform = number if n_waveforms is None else number % n_waveforms
        steps = np.roll(noise[waveform % 64], waveform // 64, axis=0)
        (root / path).parent.mkdir(parents=True)
        (root / f"{path}.dat").write_bytes(steps.tobytes())
        leads = zip(STORED_LEADS, steps[0], steps.sum(axis=0, dtype=np.int16), strict=True)
        lines = [f"{study}.dat 16 200.0(0)/mV 16 0 {start} {total} 0 {lead}\n" for lead, start, total in leads]
        head = f"{study} {N_LEADS} 500 {N_SAMPLES} 12:04:00 22/09/2182\n"
        (root / f"{path}.hea").write_text(head + "".join(lines))
    table = pl.DataFrame({"subject_id": patients, "study_id": studies, "ecg_time": ["2182-09-22 12:04:00"] * n_records})
    table.with_columns(file_name="study_id", path=pl.Series(paths)).write_csv(root / "record_list.csv")
    statements = pl.Series(["Sinus rhythm", "Atrial fibrillation"] * n_records)[:n_records]
    table.with_columns(report_0=statements, report_1=None, report_2=pl.lit("Abnormal ECG")).write_csv(
        root / "machine_measurements.csv"
    )
    return [root / path for path in paths]


def usual_loop(paths: list[Path], out: Path) -> None:
    """What most projects do for each record."""
    shape = (len(paths), N_SAMPLES, N_LEADS)
    waveforms = np.memmap(out, dtype=np.float32, mode="w+", shape=shape)
    for row, path in enumerate(paths):
        waveforms[row] = wfdb.rdsamp(str(path))[0]
    waveforms.flush()
    out.unlink()


def read_and_write(paths: list[Path], out: Path, size: int) -> None:
    """Read every ``.dat`` and write its bytes to one file, in blocks of ``size`` records."""
    block = bytearray(size * N_BYTES)
    view = memoryview(block)
    with out.open("wb", buffering=0) as target:
        for start in range(0, len(paths), size):
            chosen = paths[start : start + size]
            for row, path in enumerate(chosen):
                source = os.open(f"{path}.dat", os.O_RDONLY)  # the calls of preparation, which are the fastest
                os.readv(source, [view[row * N_BYTES : (row + 1) * N_BYTES]])
                os.close(source)
            target.write(view[: len(chosen) * N_BYTES])


def settings(root: Path, stores: Path, n_processes: int) -> DataConfig:
    """The settings of ``python -m ecgmm.prepare`` for a tree."""
    overrides = [f"data.root={root}", f"paths.stores={stores}", f"data.n_processes={n_processes}"]
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        config: DataConfig = construct(compose("prepare", ["data=mimic_iv_ecg", *overrides]).data)
    return config


def prepare(config: DataConfig) -> None:
    """The whole preparation, from its tables to the complete store."""
    with contextlib.redirect_stdout(io.StringIO()):
        prepare_store(config)


def control(n_processes: int) -> None:
    """Plain arithmetic, as much in all however many processes share it."""
    context = multiprocessing.get_context("spawn")
    share = (CONTROL_STEPS // n_processes,)
    processes = [context.Process(target=count, args=share) for _ in range(n_processes)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


def count(steps: int) -> None:
    """A loop without memory or disk."""
    total = 0
    for step in range(steps):
        total += step & 7


def seconds(action: Callable[[], object]) -> float:
    """Wall time of an action."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def interleaved(ways: dict[str, Callable[[], None]], repeats: int, clean: Callable[[], None]) -> dict[str, float]:
    """Median seconds of each way, measured in turn; ``clean`` removes what they wrote, outside the clock."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(repeats + 1):
        for name, action in ways.items():
            wall_s = seconds(action)
            clean()
            if repeat:
                taken[name].append(wall_s)
    return {name: statistics.median(times) for name, times in taken.items()}


def measure(folder: Path, n_records: int, repeats: int) -> dict[str, float]:
    """Records/s of each way."""
    paths = write_tree(folder / "tree", n_records)
    some = paths[: max(1, n_records // WFDB_PART)]
    source, target = np.ones((2, n_records, N_BYTES), dtype=np.uint8)
    ways: dict[str, Callable[[], None]] = {
        "wfdb": lambda: usual_loop(some, folder / "loop"),
        "copy": lambda: np.copyto(target, source),
        "read_write": lambda: read_and_write(paths, folder / "stores", 64),
        "read_write_16": lambda: read_and_write(paths, folder / "stores", 16),
        "prepare": partial(prepare, settings(folder / "tree", folder / "stores", 1)),
    }
    medians = interleaved(ways, repeats, lambda: remove(folder / "stores"))
    return {name: (len(some) if name == "wfdb" else n_records) / wall_s for name, wall_s in medians.items()}


def measure_processes(folder: Path, n_records: int, repeats: int) -> dict[str, float]:
    """Gain of a second process: of the two passes over the files, of the whole preparation, of plain arithmetic."""
    write_tree(folder / "tree", n_records, len(list((folder / "tree").rglob("*.dat"))))
    configs = {n: settings(folder / "tree", folder / "stores", n) for n in (1, 2)}
    ways: dict[str, Callable[[], None]] = {}
    with Workers(1, warm_up) as one, Workers(2, warm_up) as two:
        for n, workers in ((1, one), (2, two)):
            ways[f"passes_{n}"] = partial(passes, configs[n], folder / "stores", workers)
            ways[f"whole_{n}"] = partial(prepare, configs[n])
            ways[f"control_{n}"] = partial(control, n)
        found = interleaved(ways, repeats, lambda: remove(folder / "stores"))
    return {f"two_processes_{name}": found[f"{name}_1"] / found[f"{name}_2"] for name in ("passes", "whole", "control")}


def passes(config: DataConfig, stores: Path, workers: Workers) -> None:
    """What grows with the set: headers and waveforms, by processes that have started."""
    passes_of(config, config.read_index(), stores, workers)


def passes_of(config: DataConfig, index: SourceIndex, stores: Path, workers: Workers) -> None:
    """As ``passes``, from an index that was read before."""
    frame, _ = with_splits(config, index)
    stores.mkdir()
    with PartialStore(stores / "x", n_window_samples(config), "a benchmark") as store:
        usable = read_headers(
            config.root_path, frame, index.native_rate_hz, workers, config.reader, n_readers=config.readers
        )
        has_report = np.ones(frame.height, dtype=bool)
        form = Form.of(config, str(store.waveforms))
        plan = WaveformPlan(usable, has_report, config.root_path, Reading.of(config), [form], [0])
        reserve({store: plan.ends[0]})
        read_waveforms(plan, [Gathered(store.journal, LeadSums.zero())], workers)


def remove(path: Path) -> None:
    """Remove a file or a folder that may be there."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def main() -> None:
    """Measure, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--many", type=int, default=20_000)
    parser.add_argument("--folder", type=Path, help="where to work; by default the system's temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        rates = measure(Path(name), arguments.records, arguments.repeats)
        gains = measure_processes(Path(name), arguments.many, 3) if arguments.many else {}
    words = {
        "wfdb": "wfdb.rdsamp loop into a float32 memory map",
        "copy": "copy of the same bytes in memory",
        "read_write": "reading and writing the same bytes, blocks of 64 records",
        "read_write_16": "the same, blocks of 16 records, which stay in the cache",
        "prepare": "preparation",
    }
    table = Table(title=f"{arguments.records} records of 12 leads x 10 s x 500 Hz, median of {arguments.repeats}")
    for column in ("", "records/s", "µs a record", "preparation is"):
        table.add_column(column, justify="right" if column else "left")
    for name, rate in rates.items():
        table.add_row(words[name], f"{rate:,.0f}", f"{1e6 / rate:,.1f}", f"{rates['prepare'] / rate:.3g} x")
    Console().print(table)
    if gains:
        print(f"two processes against one, {arguments.many} records: headers and waveforms", end=" ")
        print(", whole preparation with their start ".join(f"{gain:.2f} x" for gain in [*gains.values()][:2]), end=", ")
        print(f"a plain loop {gains['two_processes_control']:.2f} x")
    result = {
        "benchmark": "prepare",
        "records": arguments.records,
        "records_per_s": round(rates["prepare"]),
        **{f"vs_{name}": round(rates["prepare"] / rates[name], 3) for name in list(rates)[:-1]},
        **{name: round(gain, 2) for name, gain in gains.items()},
        "machine": platform.machine(),
        "numpy": np.__version__,
        "wfdb": wfdb.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
