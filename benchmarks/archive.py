"""Preparation from a zip archive: ``python -m benchmarks.archive [--records 50000] [--repeats 2] [--members 1600000]``.

Three parts, each way in a process of its own, in turn, with a warm page cache; what is kept is the repeat that took the
processor least, and 0 leaves a part out:

- the central directory of an archive of so many members: seconds and memory, beside Python's ``zipfile``;
- preparation of a tree in the layout of MIMIC-IV-ECG from the unpacked folder and from an archive, stored and deflated:
  records/s and peak memory, and of the deflated one what remains without the time that inflating takes by itself;
- files in flight: every file that is opened, and every member that is read, is waited for 5 ms, as on a disk that is
  reached over a network; 1 reader and 32, in the passes over headers and waveforms, which grow with the set.

All stores of a tree must have one fingerprint. The records share 64 waveforms under their own names, so that writing
and packing them takes minutes less. The last line is JSON.
"""

import argparse
import contextlib
import io
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from isal import isal_zlib
from rich.console import Console
from rich.table import Table

from benchmarks.archives import deflate, pack_tree, write_directory
from benchmarks.prepare import passes_of, prepare, settings, write_tree
from ecgmm.data.preparation.opening import store_path
from ecgmm.data.preparation.waveform_pass import warm_up
from ecgmm.data.preparation.workers import Workers
from ecgmm.data.sources.archive import Archive
from ecgmm.data.store.store import Store

N_WAVEFORMS = 64
WAIT_S = 0.005
READERS = 32
MB = 1e6


def peak_mb() -> float:
    """Largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB


class Clock:
    """Time since it was made: of the wall, and of the processor, which other work on the machine changes less."""

    def __init__(self) -> None:
        self._wall_s, self._cpu_s = time.perf_counter(), time.process_time()

    def taken(self) -> dict[str, float]:
        """Seconds so far."""
        return {"seconds": time.perf_counter() - self._wall_s, "cpu": time.process_time() - self._cpu_s}


def child(*arguments: object) -> dict[str, Any]:
    """Run one measurement in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.archive", "--child", *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def open_directory(how: str, archive: Path, small: Path) -> dict[str, Any]:
    """Seconds and further memory of an open archive; ``small`` is opened before, so that all is loaded and compiled."""
    open_: Callable[[str], object] = Archive if how == "ours" else zipfile.ZipFile
    kept = [open_(str(small))]
    before, clock = peak_mb(), Clock()
    kept.append(open_(str(archive)))
    return {**clock.taken(), "mb": peak_mb() - before}


def prepare_once(root: Path, stores: Path) -> dict[str, Any]:
    """Prepare in one process, once everything is compiled."""
    config = settings(root, stores, 1)
    warm_up()
    clock = Clock()
    prepare(config)
    taken = clock.taken()
    store = Store.open(store_path(config))
    return {**taken, "mb": peak_mb(), "fingerprint": store.fingerprint, "records": store.records.height}


def wait_once(root: Path, stores: Path, n_readers: int) -> dict[str, Any]:
    """Read headers and waveforms from a disk that is waited for."""
    config = settings(root, stores, 1)
    config.readers = n_readers
    index = config.read_index()
    warm_up()
    wait_for_files(root)
    clock = Clock()
    with Workers(1, warm_up) as workers, contextlib.redirect_stdout(io.StringIO()):
        passes_of(config, index, stores, workers)
    return {**clock.taken(), "mb": peak_mb(), "records": index.frame.height}


def wait_for_files(root: Path) -> None:
    """Let every opening of a file of a tree take as long as on a slow disk; in an archive, every reading."""
    name = "preadv" if root.is_file() else "open"
    plain = getattr(os, name)

    def waiting(*arguments: Any, **others: Any) -> Any:
        if name == "preadv" or str(arguments[0]).startswith(f"{root}/files/"):
            time.sleep(WAIT_S)
        return plain(*arguments, **others)

    setattr(os, name, waiting)


def best(roots: dict[str, Path], stores: Path, repeats: int) -> dict[str, dict[str, Any]]:
    """The cheapest of the repeats of each way; all stores must be one."""
    found: dict[str, dict[str, Any]] = {}
    fingerprints = set()
    for _ in range(repeats):
        for name, root in roots.items():
            result = child("prepare", root, stores)
            shutil.rmtree(stores)
            fingerprints.add(result["fingerprint"])
            if name not in found or result["cpu"] < found[name]["cpu"]:
                found[name] = result
    assert len(fingerprints) == 1, "stores differ"
    return found


def inflate_s(root: Path) -> float:
    """Seconds of the processor that it takes to inflate the samples of a record, the mean over the waveforms."""
    contents = [path.read_bytes() for path in sorted(root.rglob("*.dat"))[:N_WAVEFORMS]]
    packed = [deflate(content) for content in contents]
    times = []
    for _ in range(3):
        clock = Clock()
        for content, deflated in zip(contents, packed, strict=True):
            isal_zlib.decompressobj(-15).decompress(deflated, len(content) + 1)  # as the project inflates members
        times.append(clock.taken()["cpu"] / len(contents))
    return min(times)


def measure_directory(folder: Path, n_members: int) -> dict[str, dict[str, Any]]:
    """Our own reading of the directory, and Python's."""
    write_directory(folder / "small.zip", 10)
    write_directory(folder / "names.zip", n_members // 2)
    ways = {how: child("directory", how, folder / "names.zip", folder / "small.zip") for how in ("ours", "zipfile")}
    (folder / "names.zip").unlink()
    return ways


def measure_preparation(folder: Path, n_records: int, repeats: int) -> dict[str, dict[str, Any]]:
    """The tree beside each archive of it, and the archive of a tenth of it, for its memory."""
    tree, archive, stores = folder / "tree", folder / "tree.zip", folder / "stores"
    write_tree(tree, n_records, n_waveforms=N_WAVEFORMS)
    found: dict[str, dict[str, Any]] = {}
    for name in ("stored", "deflated"):
        pack_tree(tree, archive, deflated=name == "deflated")
        found |= best({f"tree beside {name}": tree, name: archive}, stores, repeats)
        archive.unlink()
    found["inflate"] = {"cpu": inflate_s(tree) * n_records}
    shutil.rmtree(tree)
    write_tree(tree, n_records // 10, n_waveforms=N_WAVEFORMS)
    pack_tree(tree, archive, deflated=True)
    found["deflated, a tenth"] = best({"": archive}, stores, 1)[""]
    return found


def measure_readers(folder: Path, n_records: int) -> dict[str, dict[str, Any]]:
    """One reader and many, on a disk that is waited for."""
    tree, archive, stores = folder / "slow", folder / "slow.zip", folder / "stores"
    write_tree(tree, n_records, n_waveforms=N_WAVEFORMS)
    pack_tree(tree, archive, deflated=True)
    found = {}
    for name, root in (("tree", tree), ("archive", archive)):
        for n_readers in (1, READERS):
            found[f"{name}, {n_readers} at a time"] = child("wait", root, stores, n_readers)
            shutil.rmtree(stores)
    return found


def main() -> None:
    """Measure, print the tables and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--members", type=int, default=1_600_000)
    parser.add_argument("--waited", type=int, default=4096, help="records of the third part")
    parser.add_argument("--folder", type=Path, help="where to work; by default the system's temporary folder")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        what, *rest = arguments.child
        if what == "directory":
            found = open_directory(rest[0], Path(rest[1]), Path(rest[2]))
        elif what == "prepare":
            found = prepare_once(Path(rest[0]), Path(rest[1]))
        else:
            found = wait_once(Path(rest[0]), Path(rest[1]), int(rest[2]))
        print(json.dumps(found))
        return
    result: dict[str, Any] = {"benchmark": "archive"}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name).resolve()
        if arguments.members:
            result |= show_directory(arguments.members, measure_directory(folder, arguments.members))
        if arguments.records:
            result |= show_preparation(measure_preparation(folder, arguments.records, arguments.repeats))
        if arguments.waited:
            result |= show_readers(measure_readers(folder, arguments.waited))
    print(json.dumps({**result, "machine": platform.machine(), "isal": version("isal")}))


def show_directory(n_members: int, ways: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Print the first part; returns its numbers."""
    table = Table(title=f"central directory of {n_members:,} members")
    for column in ("", "seconds", "of the processor", "further MB"):
        table.add_column(column, justify="right" if column else "left")
    for name, way in ways.items():
        table.add_row(name, f"{way['seconds']:.2f}", f"{way['cpu']:.2f}", f"{way['mb']:,.0f}")
    Console().print(table)
    return {"members": n_members, **{f"directory_{key}": round(value, 2) for key, value in ways["ours"].items()}}


def show_preparation(ways: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Print the second part; returns its numbers."""
    inflate = ways.pop("inflate")["cpu"]
    deflated = ways["tree beside deflated"]["cpu"]
    ratios = {
        "stored": ways["tree beside stored"]["cpu"] / ways["stored"]["cpu"],
        "deflated": deflated / ways["deflated"]["cpu"],
        "deflated without inflating": deflated / (ways["deflated"]["cpu"] - inflate),
    }
    show_table("preparation in one process", ways, ratios)
    n_records = ways["deflated"]["records"]
    print(
        f"inflating takes {1e6 * inflate / n_records:,.0f} µs of a record; without it the deflated archive is", end=" "
    )
    print(f"{ratios['deflated without inflating']:.2f} x the tree")
    return {
        "records": n_records,
        **{f"vs_tree_{name.replace(' ', '_')}": round(ratio, 3) for name, ratio in ratios.items()},
        "peak_mb": {name: round(way["mb"]) for name, way in ways.items()},
    }


def show_readers(ways: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Print the third part; returns its numbers."""
    gains = {
        name: ways[f"{name}, 1 at a time"]["seconds"] / ways[f"{name}, {READERS} at a time"]["seconds"]
        for name in ("tree", "archive")
    }
    show_table(f"each file is waited for {1000 * WAIT_S:g} ms", ways, {})
    print(f"{READERS} readers are {gains['tree']:.1f} x one in a tree, {gains['archive']:.1f} x in an archive")
    return {f"readers_{name}": round(gain, 1) for name, gain in gains.items()}


def show_table(title: str, ways: dict[str, dict[str, Any]], ratios: dict[str, float]) -> None:
    """Print the ways of preparing; ratios are of the processor's seconds."""
    table = Table(title=title)
    for column in ("", "records", "seconds", "records/s", "µs of the processor a record", "peak MB", "x the tree"):
        table.add_column(column, justify="right" if column else "left")
    for name, way in ways.items():
        n, ratio = way["records"], f"{ratios[name]:.2f}" if name in ratios else ""
        rate, cpu = f"{n / way['seconds']:,.0f}", f"{1e6 * way['cpu'] / n:,.0f}"
        table.add_row(name, f"{n:,}", f"{way['seconds']:.1f}", rate, cpu, f"{way['mb']:,.0f}", ratio)
    Console().print(table)


if __name__ == "__main__":
    main()
