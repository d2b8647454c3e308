"""Kill a sweep on its way, again and again, and see whether it ends as if nothing had been.

python -m benchmarks.interrupted_sweep --reference outputs/lambda_sweep --kills 10 --seconds 60 +experiment=lambda_sweep

Runs the sweep of the last arguments in a fresh folder and ends it by SIGKILL at random moments: by turns all of its
processes, and only the one that the user started, whose workers then find out and end by themselves. Afterwards
the sweep runs to its end, and metrics.json of every job must have the same bytes as in the reference, a folder of the
same sweep that was never interrupted. Prints a table, and one line of JSON.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0 if all bytes are equal."""
    options, sweep = _parser().parse_known_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        command = [sys.executable, "-m", "ecgmm.train", *sweep, f"paths.outputs={folder}"]
        started = time.monotonic()
        kills = interrupt(command, Path(folder), options.kills, options.seconds, options.seed)
        code = subprocess.run(command, check=False).returncode
        seconds = time.monotonic() - started
        (finished,) = (path for path in Path(folder).iterdir() if path.is_dir())
        different = compare(options.reference, finished)
    n_jobs = len(list(options.reference.glob("*/metrics.json")))
    result = {"kills": kills, "exit_code": code, "seconds": round(seconds), "jobs": n_jobs, "different": different}
    print(f"{n_jobs} jobs, {len(kills)} kills, {seconds / 60:.1f} min; different metrics.json: {len(different)}")
    print(json.dumps(result))
    return int(bool(different) or code != 0)


def interrupt(command: Sequence[str], folder: Path, n_kills: int, seconds: float, seed: int) -> list[dict[str, object]]:
    """Start the command and kill it ``n_kills`` times, each after a random time of up to twice ``seconds``.

    Returns:
        For each kill the seconds that the process had lived, whom it hit, and the jobs that were finished by then.
    """
    rng = random.Random(seed)
    kills: list[dict[str, object]] = []
    for turn in range(n_kills):
        process = subprocess.Popen(command, start_new_session=True)
        lived_s = rng.uniform(0, 2 * seconds)
        try:
            process.wait(lived_s)
            break  # the sweep came to its end
        except subprocess.TimeoutExpired:
            whom = ("all its processes", "its first process")[turn % 2]
            if turn % 2:
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        n_finished = len(list(folder.glob("*/*/metrics.json")))
        kills.append({"lived_s": round(lived_s, 1), "killed": whom, "finished": n_finished})
        print(f"kill {turn + 1}: after {lived_s:.1f} s, {whom}; {n_finished} jobs have metrics", flush=True)
    return kills


def compare(reference: Path, found: Path) -> list[str]:
    """Names of jobs whose metrics.json is missing on one side or has other bytes."""
    sides = [
        {path.parent.name: path.read_bytes() for path in side.glob("*/metrics.json")} for side in (reference, found)
    ]
    names = sorted(sides[0].keys() | sides[1].keys())
    return [name for name in names if sides[0].get(name) != sides[1].get(name)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reference", type=Path, required=True, help="folder of the uninterrupted sweep")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60, help="mean time between kills")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--folder", type=Path, help="where to run it; by default the system's temporary folder")
    return parser


if __name__ == "__main__":
    sys.exit(main())
