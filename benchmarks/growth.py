"""Whether preparation stays as fast and as small as the set grows: ``python -m benchmarks.growth [--most 50000]``.

Prepares 1,000 to ``--most`` records by the command a user types, with one process and with two, and prints the seconds
of the whole command (the start of Python and the integrity report among them), the rate of the records that each size
has more than the one before, and the largest memory of all its processes together, without the page cache. The last
line is JSON. Needs 240 kB of disk a record.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.prepare import remove, write_tree

SIZES = (1000, 10_000, 50_000)


def memory_mb(group: int) -> float:
    """Memory of all processes of a group in MB; pages that n of them share count as 1/n for each."""
    total_kb = 0
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and os.getpgid(int(process.name)) == group:
                total_kb += int((process / "smaps_rollup").read_text().partition("\nPss:")[2].split()[0])
        except (OSError, IndexError):
            continue  # it has ended meanwhile
    return total_kb / 1024


def run(command: list[str]) -> tuple[float, float]:
    """Seconds and peak memory in MB of a command with its children."""
    start = time.monotonic()
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
    peak_mb = 0.0
    while process.poll() is None:
        peak_mb = max(peak_mb, memory_mb(process.pid))
        time.sleep(0.02)
    assert process.returncode == 0
    return time.monotonic() - start, peak_mb


def main() -> None:
    """Measure each size, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=SIZES[-1])
    parser.add_argument("--folder", type=Path, help="where to work; by default the system's temporary folder")
    arguments = parser.parse_args()
    table = Table(title="python -m ecgmm.prepare, 12 leads x 10 s x 500 Hz")
    for column in ("records", "processes", "seconds", "further records/s", "peak memory, MB"):
        table.add_column(column, justify="right")
    found = []
    command = [sys.executable, "-m", "ecgmm.prepare", "data=mimic_iv_ecg"]
    before: dict[int, tuple[int, float]] = {}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        root, stores, n_written = Path(name) / "tree", Path(name) / "stores", 0
        for size in (size for size in SIZES if size <= arguments.most):
            write_tree(root, size, n_written)
            n_written = size
            for n_processes in (1, 2):
                where = [f"data.root={root}", f"paths.stores={stores}", f"data.n_processes={n_processes}"]
                wall_s, peak_mb = run([*command, *where])
                remove(stores)
                less, less_s = before.get(n_processes, (0, 0.0))
                rate = (size - less) / (wall_s - less_s)
                before[n_processes] = (size, wall_s)
                table.add_row(f"{size:,}", str(n_processes), f"{wall_s:.1f}", f"{rate:,.0f}", f"{peak_mb:,.0f}")
                row = {"records": size, "processes": n_processes, "further_records_per_s": round(rate)}
                found.append({**row, "seconds": round(wall_s, 1), "peak_mb": round(peak_mb)})
    Console().print(table)
    print(json.dumps({"benchmark": "growth", "sizes": found}))


if __name__ == "__main__":
    main()
