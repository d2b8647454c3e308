"""Two jobs of a sweep at once against one after the other: ``python -m benchmarks.side_by_side [key=value ...]``.

Runs ``python -m ecgmm.train -m seed=1,2`` with ``n_jobs=1`` (each job has all cores) and ``n_jobs=2`` (each has its
share), in turn and in fresh folders, and compares the wall time of the whole commands, start of Python included. Then
a plain loop in one process and in two shows how far this machine can scale. The last line is JSON.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks.prepare import control, seconds


def sweep(n_jobs: int, overrides: list[str]) -> float:
    """Seconds of a sweep over two seeds."""
    with tempfile.TemporaryDirectory() as folder:
        where = [f"paths.outputs={folder}", f"n_jobs={n_jobs}", "trainer.enable_progress_bar=false"]
        command = [sys.executable, "-m", "ecgmm.train", "-m", "seed=1,2", *where, *overrides]
        started = time.monotonic()
        subprocess.run(command, check=True, capture_output=True)
        return time.monotonic() - started


def main() -> None:
    """Measure, print and end with the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    arguments, overrides = parser.parse_known_args()
    overrides = ["recipe=quick", "logger=none", *overrides]
    sweep(1, [*overrides, "trainer.max_epochs=1"])  # writes tree and store
    taken: dict[int, list[float]] = {1: [], 2: []}
    scale = []
    for _ in range(arguments.repeats):
        for n_jobs in taken:
            taken[n_jobs].append(sweep(n_jobs, overrides))
        scale.append(seconds(lambda: control(1)) / seconds(lambda: control(2)))
    after, beside = (statistics.median(times) for times in taken.values())
    print(f"one after the other {after:.1f} s, side by side {beside:.1f} s: {after / beside:.2f} x")
    result = {
        "one_after_the_other_s": round(after, 1),
        "side_by_side_s": round(beside, 1),
        "gain": round(after / beside, 2),
    }
    print(
        json.dumps(
            {
                "benchmark": "side_by_side",
                **result,
                "control": round(statistics.median(scale), 2),
                "cores": os.cpu_count(),
            }
        )
    )


if __name__ == "__main__":
    main()
