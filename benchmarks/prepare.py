"""How fast preparation is: ``python -m benchmarks.prepare [--records 2000] [--repeats 5]``.

Writes a tree in the exact MIMIC-IV-ECG layout, then times in turn, in every repeat: the usual loop (``wfdb.rdsamp``
into a float32 memory map), a copy of the same bytes in memory, reading and writing the same bytes and nothing else, and
the whole preparation. Each figure is the best of its repeats, with a warm page cache. The last line is JSON.
"""

import argparse
import contextlib
import io
import json
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import wfdb
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from rich.console import Console
from rich.table import Table

from ecgmm.configuration import CONF_DIR
from ecgmm.data.preparation import prepare_store
from ecgmm.data.source import DataConfig
from ecgmm.leads import LEADS, N_LEADS

N_SAMPLES, N_BYTES = 5000, 5000 * N_LEADS * 2
STORED_LEADS = (*LEADS[:4], "aVF", "aVL", *LEADS[6:])  # the carts' order
WFDB_PART = 5  # the loop is so much slower that a fifth of the records is enough


def write_tree(root: Path, n_records: int) -> list[Path]:
    """Write ``n_records`` recordings with their two tables; returns their paths without extension."""
    rng = np.random.default_rng(0)
    patients, studies = 10_000_000 + np.arange(n_records) // 3, 40_000_000 + np.arange(n_records)
    paths = [f"files/p{str(p)[:4]}/p{p}/s{s}/{s}" for p, s in zip(patients, studies, strict=True)]
    for study, path in zip(studies, paths, strict=True):
        steps = rng.normal(0, 60, (N_SAMPLES, N_LEADS)).astype("<i2")
        (root / path).parent.mkdir(parents=True)
        (root / f"{path}.dat").write_bytes(steps.tobytes())
        checksums = steps.sum(axis=0, dtype=np.int16)
        leads = zip(STORED_LEADS, steps[0], checksums, strict=True)
        lines = [f"{study}.dat 16 200.0(0)/mV 16 0 {first} {total} 0 {lead}\n" for lead, first, total in leads]
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


def read_and_write(paths: list[Path], out: Path) -> None:
    """Read every ``.dat`` and write its bytes to one file, in blocks."""
    block = bytearray(64 * N_BYTES)
    view = memoryview(block)
    with out.open("wb", buffering=0) as target:
        for start in range(0, len(paths), 64):
            chosen = paths[start : start + 64]
            for row, path in enumerate(chosen):
                with open(f"{path}.dat", "rb", buffering=0) as source:  # noqa: PTH123  as preparation reads
                    source.readinto(view[row * N_BYTES : (row + 1) * N_BYTES])
            target.write(view[: len(chosen) * N_BYTES])
    out.unlink()


def preparation(config: DataConfig) -> None:
    """The whole preparation; the store is removed outside the clock."""
    with contextlib.redirect_stdout(io.StringIO()):
        prepare_store(config)


def seconds(action: Callable[[], None]) -> float:
    """Wall time of an action."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def measure(folder: Path, n_records: int, repeats: int) -> dict[str, float]:
    """Best records/s of each way."""
    root, stores = folder / "tree", folder / "stores"
    paths = write_tree(root, n_records)
    overrides = ["data=mimic_iv_ecg", f"data.root={root}", f"paths.stores={stores}"]
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        config: DataConfig = instantiate(compose("prepare", overrides).data, _convert_="all")
    source, target = np.ones((2, n_records, N_BYTES), dtype=np.uint8)
    some = paths[: max(1, n_records // WFDB_PART)]
    ways: dict[str, tuple[Callable[[], None], int]] = {
        "wfdb": (lambda: usual_loop(some, folder / "loop"), len(some)),
        "copy": (lambda: np.copyto(target, source), n_records),
        "read_write": (lambda: read_and_write(paths, folder / "raw"), n_records),
        "prepare": (lambda: preparation(config), n_records),
    }
    rates: dict[str, float] = dict.fromkeys(ways, 0.0)
    for _ in range(repeats):
        for name, (action, n_done) in ways.items():
            rates[name] = max(rates[name], n_done / seconds(action))
        shutil.rmtree(stores)
    return rates


def main() -> None:
    """Measure, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rates = measure(Path(folder), arguments.records, arguments.repeats)
    words = {
        "wfdb": "wfdb.rdsamp loop into a float32 memory map",
        "copy": "copy of the same bytes in memory",
        "read_write": "reading and writing the same bytes",
        "prepare": "preparation",
    }
    table = Table(title=f"{arguments.records} records of 12 leads x 10 s x 500 Hz, best of {arguments.repeats}")
    for column in ("", "records/s", "µs a record", "preparation is"):
        table.add_column(column, justify="right" if column else "left")
    for name, rate in rates.items():
        table.add_row(words[name], f"{rate:,.0f}", f"{1e6 / rate:,.1f}", f"{rates['prepare'] / rate:.3g} x")
    Console().print(table)
    result = {
        "benchmark": "prepare",
        "records": arguments.records,
        "records_per_s": round(rates["prepare"]),
        **{f"vs_{name}": round(rates["prepare"] / rates[name], 3) for name in ("wfdb", "copy", "read_write")},
        "machine": platform.machine(),
        "numpy": np.__version__,
        "wfdb": wfdb.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
