"""Kill a download on its way, again and again, and see whether it ends as if nothing had been.

python -m benchmarks.interrupted_download [--kills 20] [--patients 150] [--faults 0.05]

Serves a synthetic tree with one large file more from a local server that also fails at random by itself (a share
``--faults`` of its answers: dropped connections, cut bodies, wrong bytes, status 500, slow answers). The download is
ended by SIGKILL at random moments: by turns after a random number of requests, and after a random time, which also hits
its start. After each kill every file that has its final name must have the bytes of the source. At last the download
runs to its end, and the tree must be that of the source. Prints a table, and one line of JSON.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.hostile_server import HostileServer, serve, write_list
from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.tree import write_tree

LARGE_BYTES = 24 * 2**20


class Kill(NamedTuple):
    """The state that a kill left behind."""

    after_s: float
    n_requests: int
    n_complete: int
    n_parts: int
    n_wrong: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0 if no byte is wrong."""
    options = _parser().parse_args(arguments)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        source, target = Path(folder) / "source", Path(folder) / "target"
        write_source(source, options.patients)
        with serve(source, options.seed) as server:
            server.share = options.faults
            server.always["LARGE.bin"], server.pause_s = "slow", 0.02  # long enough to be hit
            line = _command(server, target)
            kills = interrupt(line, server, target, options.kills, options.seed)
            code = subprocess.run(line, check=False).returncode
            different, n_files = compare(source, target), len(_complete(target))
            n_ranges = sum(count for (method, _), count in server.seen.items() if method == "range")
    _print(kills)
    result = {
        "kills": len(kills),
        "files": n_files,
        "wrong_after_a_kill": sum(kill.n_wrong for kill in kills),
        "different_at_the_end": different,
        "exit_code": code,
        "continued_by_range": n_ranges,
        "seconds": round(time.monotonic() - started),
    }
    print(json.dumps(result))
    return int(bool(code or different or result["wrong_after_a_kill"]))


def write_source(source: Path, n_patients: int) -> None:
    """A synthetic tree with one large file more, and the list of all."""
    write_tree(source, SyntheticConfig(n_patients=n_patients))
    (source / "LARGE.bin").write_bytes(random.Random(0).randbytes(LARGE_BYTES))
    write_list(source)


def interrupt(line: list[str], server: HostileServer, target: Path, n_kills: int, seed: int) -> list[Kill]:
    """Start the download and kill it, ``n_kills`` times; one that came to its end begins again with an empty folder."""
    rng = random.Random(seed)
    n_files = sum(path.is_file() for path in server.root.rglob("*"))
    kills: list[Kill] = []
    while len(kills) < n_kills:
        n_left = n_files - len(_complete(target))
        n_before, start = _n_requests(server), time.monotonic()
        most_requests = rng.uniform(0, 2 * n_left / (n_kills - len(kills) + 1)) if len(kills) % 2 else float("inf")
        most_s = rng.uniform(0, 2) if most_requests == float("inf") else float("inf")
        process = subprocess.Popen(line, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while _n_requests(server) - n_before <= most_requests and time.monotonic() - start <= most_s:
            if process.poll() is not None:
                break
            time.sleep(0.0005)
        time.sleep(rng.uniform(0, 0.01))
        process.kill()
        if process.wait() >= 0:  # it ended by itself
            _empty(target)
            continue
        wrong = [path for path in _complete(target) if path.read_bytes() != _source_of(path, server, target)]
        n_parts = len(list(target.rglob("*.part")))
        lived_s, n_requests = time.monotonic() - start, _n_requests(server) - n_before
        kills.append(Kill(lived_s, n_requests, len(_complete(target)), n_parts, len(wrong)))
    return kills


def compare(source: Path, target: Path) -> list[str]:
    """Files that are on one side only or have other bytes."""
    sides = [
        {str(path.relative_to(side)): path for path in side.rglob("*") if path.is_file()} for side in (source, target)
    ]
    names = sorted(sides[0].keys() | sides[1].keys())
    both = sides[0].keys() & sides[1].keys()
    return [name for name in names if name not in both or sides[0][name].read_bytes() != sides[1][name].read_bytes()]


def _command(server: HostileServer, target: Path) -> list[str]:
    settings = [f"data.root={target}", f"url={server.url}", "connection.pause_s=0.01"]
    return [sys.executable, "-m", "ecgmm.download", "data=mimic_iv_ecg", *settings]


def _n_requests(server: HostileServer) -> int:
    with server.lock:
        return sum(count for (method, _), count in server.seen.items() if method == "GET")


def _complete(target: Path) -> list[Path]:
    return [path for path in target.rglob("*") if path.is_file() and path.suffix != ".part"]


def _source_of(path: Path, server: HostileServer, target: Path) -> bytes:
    return (server.root / path.relative_to(target)).read_bytes()


def _empty(target: Path) -> None:
    for path in target.rglob("*"):
        if path.is_file():
            path.unlink()


def _print(kills: list[Kill]) -> None:
    table = Table("kill", "after s", "requests", "complete files", "begun files", "wrong files")
    for number, kill in enumerate(kills, 1):
        table.add_row(str(number), f"{kill.after_s:.2f}", *(str(value) for value in kill[1:]))
    Console().print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--patients", type=int, default=150, help="of the synthetic tree, about 2.2 records each")
    parser.add_argument("--faults", type=float, default=0.05, help="share of answers that fail by themselves")
    parser.add_argument("--seed", type=int, default=0, help="of the moments and the faults")
    parser.add_argument("--folder", type=Path, help="where to work; by default the system's temporary folder")
    return parser


if __name__ == "__main__":
    sys.exit(main())
