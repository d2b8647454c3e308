"""One reading for stores at 500 and 100 Hz against two: ``python -m benchmarks.rates [--records 500] [--repeats 5]``.

Writes a tree in the layout of MIMIC-IV-ECG and a deflated archive of it, and prepares the stores in one process, by
turns: in a call for each, and in one call for both. Seconds are those of the processor, the median of the repeats; each
way is run once before. Every file of the stores must be the same both ways. The last line is JSON.
"""

import argparse
import contextlib
import io
import json
import shutil
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.archives import pack_tree
from benchmarks.prepare import settings, write_tree
from ecgmm.data.preparation.preparation import prepare_stores
from ecgmm.data.sources.source import DataConfig

RATES_HZ = (500, 100)


def prepare(calls: list[list[DataConfig]]) -> float:
    """Seconds of the processor that calls take, one after the other."""
    start = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        for configs in calls:
            prepare_stores(configs)
    return time.process_time() - start


def content(stores: Path) -> dict[str, bytes]:
    """All files of a folder of stores."""
    return {str(path.relative_to(stores)): path.read_bytes() for path in stores.rglob("*") if path.is_file()}


def measure(root: Path, stores: Path, repeats: int) -> dict[str, float]:
    """Median seconds of each way."""
    config = settings(root, stores, 1)
    configs = [replace(config, rate_hz=rate_hz) for rate_hz in RATES_HZ]
    ways = {"a call each": [[one] for one in configs], "one call": [configs]}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    found = []
    for _ in range(repeats + 1):
        for name, calls in ways.items():
            taken[name].append(prepare(calls))
            found.append(content(stores))
            shutil.rmtree(stores)
    assert all(files == found[0] for files in found), "stores differ"
    return {name: statistics.median(times[1:]) for name, times in taken.items()}


def main() -> None:
    """Measure, print the figures and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    result: dict[str, float | str] = {"benchmark": "rates", "records": arguments.records}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        write_tree(folder / "tree", arguments.records)
        pack_tree(folder / "tree", folder / "tree.zip", deflated=True)
        for kind, root in (("tree", folder / "tree"), ("archive", folder / "tree.zip")):
            seconds = measure(root, folder / "stores", arguments.repeats)
            for way, taken in seconds.items():
                print(f"{kind}, {way}: {1e6 * taken / arguments.records:,.0f} µs of the processor a record")
            result[f"{kind}_one_of_two"] = round(seconds["one call"] / seconds["a call each"], 3)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
