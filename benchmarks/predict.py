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


def median_rate(n: int, work: Callable[[], object], repeats: int) -> float:
    """Items a second, median over repeats behind one that counts for nothing."""
    taken = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return n / statistics.median(taken[1:])


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
        outs = {k: Path(folder) / f"{k}.csv" for k in (1, cores)}

        def whole(n_processes: int) -> float:
            out = outs[n_processes]
            work = lambda: predict_many(model, listed, root, out, n_processes=n_processes)  # noqa: E731
            return median_rate(n, work, arguments.repeats)

        result = {
            "reading_per_s": median_rate(n, lambda: read_all(model, listed, root), arguments.repeats),
            "model_per_s": median_rate(len(inputs), lambda: predict_all(model, inputs), arguments.repeats),
            "predict_per_s": whole(1),
            "side_by_side_per_s": whole(cores),
        }
        assert outs[1].read_bytes() == outs[cores].read_bytes()
    for name, rate in result.items():
        print(f"{name.removesuffix('_per_s').replace('_', ' '):<14} {rate:8,.0f} records a second")
    result["of_reading"] = result["predict_per_s"] / result["reading_per_s"]
    result["of_model"] = result["predict_per_s"] / result["model_per_s"]
    print(f"one process: {result['of_reading']:.2f} of reading alone, {result['of_model']:.2f} of the model alone")
    rounded = {name: round(value, 2) for name, value in result.items()}
    print(json.dumps({"benchmark": "predict", "records": n, **rounded, "cores": cores}))


if __name__ == "__main__":
    main()
