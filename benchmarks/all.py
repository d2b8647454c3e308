"""All benchmarks, one after the other: ``python -m benchmarks.all [--out bench.json] [name ...]``.

Each prints its table; its last line, JSON, is kept in one file with the hardware and the versions that it ran on. Those
that need data of one's own (``quality``), finished runs (``export``), a sweep (``interrupted_sweep``) or another
checkout (``two_checkouts``) are started by hand.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ecgmm.files import write_json
from ecgmm.runs.provenance import environment

NAMES = (
    *("prepare", "archive", "rates", "growth", "text", "load", "step", "trainer", "side_by_side", "precision", "sizes"),
    *("bootstrap", "fuzz", "interrupted_prepare", "interrupted_download"),
)


def run(name: str) -> dict[str, Any]:
    """Run a benchmark, show what it prints, and return its last line.

    Raises:
        SystemExit: If it fails.
    """
    print(f"\npython -m benchmarks.{name}", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    last = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            last = line.strip() or last
    if process.returncode:
        sys.exit(process.returncode)
    found: dict[str, Any] = json.loads(last)
    return found


def main() -> None:
    """Run those that are named, by default all, and write the file after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(NAMES), metavar="name", help=", ".join(NAMES))
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(NAMES))
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; choose of {', '.join(NAMES)}")
    results: dict[str, Any] = {}
    for name in arguments.names:
        results[name] = run(name)
        write_json(arguments.out, {**environment().plain(), "results": results})
    print(f"\n{arguments.out} holds all results")


if __name__ == "__main__":
    main()
