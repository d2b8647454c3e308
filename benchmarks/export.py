"""How large and how fast exported models are: ``python -m benchmarks.export RUNS [--stores stores] [--repeat 30]``.

Each finished run below a folder is written as a program of torch.export and of ONNX, and as a bundle. A file is read
again and asked for one record and for 32, on one thread; beside it Python asks the saved model for the same. Times are
the thread's own, which others on the machine do not lengthen; the median of the repetitions. The last line is JSON.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from ecgmm.errors import ConfigError
from ecgmm.exporting.export import export
from ecgmm.exporting.formats import FORMATS
from ecgmm.exporting.program import Program
from ecgmm.exporting.records import inputs_from, simulated_records, some_of
from ecgmm.runs.run import Run, find_runs

N_RECORDS = 32


@dataclass(frozen=True)
class Measured:
    """One way to use one run's model.

    Attributes:
        method: Name of the method.
        format: ``python``, ``torch``, ``onnx`` or ``bundle``.
        difference: Largest from Python, over raw and calibrated probabilities; None where nothing is compared.
        size_mb: Of the file or folder; None for ``python``.
        one_ms: Median time of the thread for one record.
        batch_ms: The same for 32 records.
        refused: Why the method is not exported so; empty where it is.
    """

    method: str
    format: str
    difference: float | None = None
    size_mb: float | None = None
    one_ms: float | None = None
    batch_ms: float | None = None
    refused: str = ""


def measured(run: Run, stores: Path, folder: Path, repeat: int) -> list[Measured]:
    """Rows of one run; files are written into a folder."""
    model, name = run.model, run.method
    records = simulated_records(model, N_RECORDS)
    batches = (some_of(records, [0]), records)
    one_ms, batch_ms = (milliseconds(partial(model, batch), repeat) for batch in batches)
    rows = [Measured(name, "python", one_ms=one_ms, batch_ms=batch_ms)]
    for kind in FORMATS:
        file = folder / f"{name}.{kind}"
        try:
            done = export(run, kind, file, stores)
        except ConfigError as error:
            rows.append(Measured(name, kind, refused=str(error)))
            continue
        assert done.comparison is not None
        program = Program(model, run.temperature)
        ask = FORMATS[kind].read(file, program)
        given = [inputs_from(batch, program.inputs, program.mv_per_step) for batch in batches]
        with torch.inference_mode():
            one_ms, batch_ms = (milliseconds(partial(ask, inputs), repeat) for inputs in given)
        difference = max(done.comparison.differences[output] for output in ("raw", "calibrated"))
        rows.append(Measured(name, kind, difference, done.n_bytes / 1e6, one_ms, batch_ms))
    bundle = export(run, "bundle", folder / f"{name}-bundle", stores, keep_report_words=True)
    return [*rows, Measured(name, "bundle", size_mb=bundle.n_bytes / 1e6)]


def milliseconds(work: Callable[[], object], repeat: int) -> float:
    """Median time of some work, after three that are not counted."""
    times = []
    for _ in range(repeat + 3):
        started = time.thread_time()
        work()
        times.append(1000 * (time.thread_time() - started))
    return statistics.median(times[3:])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("runs", type=Path, nargs="+", help="folders of finished runs")
    parser.add_argument("--stores", type=Path, default=Path("stores"), help="folder of their stores")
    parser.add_argument("--repeat", type=int, default=30, help="repetitions of each measurement")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    runs, _ = find_runs(arguments.runs)
    rows: list[Measured] = []
    for run in runs:
        with tempfile.TemporaryDirectory() as folder:
            rows += measured(run, arguments.stores, Path(folder), arguments.repeat)
    console = Console(width=120)
    table = Table("method", "format", "difference", "MB", "ms, 1 record", f"ms, {N_RECORDS} records")
    for row in rows:
        numbers = [_text(row.difference, ".1e"), *(_text(x, ".2f") for x in (row.size_mb, row.one_ms, row.batch_ms))]
        table.add_row(row.method, row.format, *(numbers if not row.refused else ["refused", "", "", ""]))
    console.print(table)
    for row in rows:
        if row.refused:
            console.print(f"{row.format}: {row.refused}")
    print(json.dumps({"rows": [asdict(row) for row in rows]}))


def _text(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


if __name__ == "__main__":
    main()
