"""Prediction of a list against its parts: ``python -m benchmarks.predict RUN LIST --root FOLDER [--repeats 3]``.

Records a second of reading alone, of the model alone on what was read, and of both as ``ecgmm predict records=...``
does them, with one reading process and with one for each core, start of Python and loading of the model left out. The
tables are the same bytes. The last line is JSON.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ecgmm.data.sources.any_reader import ANY_LEADS
from ecgmm.errors import UserError
from ecgmm.predicting.inputs import ModelInput, read_input
from ecgmm.predicting.many import BATCH, predict_many
from ecgmm.predicting.prediction import predict
from ecgmm.predicting.record_list import Listed, read_list
from ecgmm.predicting.waveforms import read_waveform
from ecgmm.runs.loading import SavedModel, load_model


def read_all(model: SavedModel, listed: Sequence[Listed], root: Path) -> None:
    """Read every waveform, and nothing else."""
    for one in listed:
        try:
            if one.record is not None:
                read_waveform(root / one.record, model.facts.store, ANY_LEADS, root)
        except UserError:
            continue


def inputs_of(model: SavedModel, listed: Sequence[Listed], root: Path) -> list[ModelInput]:
    """What is not refused, read."""
    found = []
    for one in listed:
        try:
            found.append(read_input(model, None if one.record is None else root / one.record, one.report))
        except UserError:
            continue
    return found


def predict_all(model: SavedModel, inputs: Sequence[ModelInput]) -> None:
    """Predict what was read, in batches."""
    for start in range(0, len(inputs), BATCH):
        predict(model, inputs[start : start + BATCH])


def rates(n: int, work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Items a second, and a second of this process's cores; medians over repeats behind one that counts for nothing."""
    taken, used = [], []
    for _ in range(repeats + 1):
        started, started_cpu = time.perf_counter(), time.process_time()
        work()
        taken.append(time.perf_counter() - started)
        used.append(time.process_time() - started_cpu)
    return n / statistics.median(taken[1:]), n / statistics.median(used[1:])


def main() -> None:
    """Measure, print and end with the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("list", type=Path)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    model, listed = load_model(arguments.run), read_list(arguments.list)
    root = arguments.root or arguments.list.parent
    inputs, n, cores = inputs_of(model, listed, root), len(listed), os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        outs = [Path(folder) / "one.csv", Path(folder) / "several.csv"]
        works: dict[str, Callable[[], object]] = {
            "reading": lambda: read_all(model, listed, root),
            "model": lambda: predict_all(model, inputs),
            "predict": lambda: predict_many(model, listed, root, outs[0], n_processes=1),
            "side_by_side": lambda: predict_many(model, listed, root, outs[1], n_processes=cores),
        }
        found = {name: rates(n, work, arguments.repeats) for name, work in works.items()}
        assert outs[0].read_bytes() == outs[1].read_bytes()
    for name, (per_s, per_core_s) in found.items():
        print(f"{name.replace('_', ' '):<14} {per_s:8,.0f} records a second, {per_core_s:8,.0f} a second of a core")
    cost = found["predict"][1] * (1 / found["reading"][1] + 1 / found["model"][1])
    print(f"of the work of one process, {cost:.2f} is reading and the model; the rest is text, notes and the table")
    result = {f"{name}_per_s": round(per_s, 1) for name, (per_s, _) in found.items()}
    cpu = {f"{name}_per_core_s": round(per_s, 1) for name, (_, per_s) in found.items() if name != "side_by_side"}
    print(json.dumps({"benchmark": "predict", "records": n, **result, **cpu, "share": round(cost, 2), "cores": cores}))


if __name__ == "__main__":
    main()
