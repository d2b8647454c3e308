"""Kill preparation on its way, again and again: ``python -m benchmarks.interrupted_prepare [--kills 50]``.

Each round prepares the same tree into an empty folder and ends it by SIGKILL at a random moment between the first file
of the store and the last rename (by turns with one process and with two; all of them, or only the first), up to three
times, then lets it run to its end. After each kill the store must be whole or not open; in the end every file must have
the bytes of an undisturbed preparation. In every second round half of the tree was prepared before, so that the
store grows. The last line is JSON; exit code 1 if anything differed.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from benchmarks.prepare import write_tree
from ecgmm.data.store.store import Store
from ecgmm.errors import DataError

TABLES = ("record_list.csv", "machine_measurements.csv")


class Preparation:
    """The command under test, on one tree, into ``stores/x``."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "stores" / "x"
        self._command = [sys.executable, "-m", "ecgmm.prepare", "data=mimic_iv_ecg", f"data.root={folder / 'tree'}"]
        self._command += [f"data.store={self.store}"]

    def run(self) -> None:
        """Let it come to its end."""
        subprocess.run(self._command, check=True, capture_output=True)

    def seconds(self) -> float:
        """Time from the first file of the store to the end, undisturbed."""
        process = self._start(1)
        start = self._wait_for_files(process)
        process.wait()
        return time.monotonic() - start

    def kill(self, after_s: float, n_processes: int, all_processes: bool) -> bool:
        """Start it and kill it so many seconds after the first file of the store; False if it was faster."""
        process = self._start(n_processes)
        start = self._wait_for_files(process)
        time.sleep(max(0.0, start + after_s - time.monotonic()))
        in_time = process.poll() is None
        if in_time:
            if all_processes:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()
        return in_time

    def _start(self, n_processes: int) -> subprocess.Popen[bytes]:
        command = [*self._command, f"data.n_processes={n_processes}"]
        quiet = subprocess.DEVNULL
        return subprocess.Popen(command, start_new_session=True, stdout=quiet, stderr=quiet)

    def _wait_for_files(self, process: subprocess.Popen[bytes]) -> float:
        journal = self.store.with_name("x.journal")
        before = journal.stat().st_mtime_ns if journal.exists() else 0
        while process.poll() is None and not (journal.exists() and journal.stat().st_mtime_ns != before):
            time.sleep(0.001)
        return time.monotonic()

    def digests(self) -> dict[str, str]:
        """Digest of each file of the store and of each file beside it."""
        files = sorted(path for path in self.store.parent.rglob("*") if path.is_file())
        return {str(path.relative_to(self.store.parent)): _digest(path) for path in files}

    def opens(self) -> str | None:
        """Fingerprint of the store, None where it does not open."""
        try:
            return Store.open(self.store).fingerprint
        except DataError:
            return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def list_half(root: Path, whole: Path) -> None:
    """Let the tree list the first half of its records only."""
    for name in TABLES:
        table = pl.read_csv(whole / name, infer_schema=False)
        table.head(table.height // 2).write_csv(root / name)


def list_all(root: Path, whole: Path) -> None:
    """Let the tree list all of its records."""
    for name in TABLES:
        shutil.copyfile(whole / name, root / name)


def main() -> int:
    """Run the rounds, print each and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--records", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    n_kills, n_rounds, problems = 0, 0, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        preparation = Preparation(folder)
        write_tree(folder / "tree", options.records)
        (folder / "whole").mkdir()
        list_all(folder / "whole", folder / "tree")
        references, seconds, whole = {}, {}, {}
        for grown in (False, True):
            begin(preparation, folder, grown)
            whole[grown] = {preparation.opens()}
            seconds[grown] = preparation.seconds()
            references[grown] = preparation.digests()
            whole[grown].add(preparation.opens())
        while n_kills < options.kills:
            grown = bool(n_rounds % 2)
            begin(preparation, folder, grown)
            for _ in range(rng.randint(1, 3)):
                after_s = rng.uniform(0, 1.1 * seconds[grown])
                killed = preparation.kill(after_s, rng.randint(1, 2), rng.random() < 0.5)
                n_kills += killed
                if preparation.opens() not in whole[grown] | {None}:
                    problems.append(f"round {n_rounds}: a half store opened")
                if not killed:
                    break
            preparation.run()
            found, wanted = preparation.digests(), references[grown]
            other = sorted(file for file in found | wanted if found.get(file) != wanted.get(file))
            if other:
                problems.append(f"round {n_rounds}: not as undisturbed: {', '.join(other)}")
            n_rounds += 1
            print(f"round {n_rounds}: {n_kills} kills so far, {len(problems)} problems", flush=True)
    print(*problems, sep="\n")
    result = {"benchmark": "interrupted_prepare", "records": options.records, "kills": n_kills, "rounds": n_rounds}
    print(json.dumps({**result, "problems": len(problems), "seed": options.seed}))
    return int(bool(problems))


def begin(preparation: Preparation, folder: Path, grown: bool) -> None:
    """An empty folder of stores, or one with the store of half of the tree."""
    shutil.rmtree(preparation.store.parent, ignore_errors=True)
    if grown:
        list_half(folder / "tree", folder / "whole")
        preparation.run()
    list_all(folder / "tree", folder / "whole")


if __name__ == "__main__":
    sys.exit(main())
