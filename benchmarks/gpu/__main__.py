"""What a GPU gives: ``python -m benchmarks.gpu [--small] [--only busy] [--out gpu.json] [key=value ...]``.

Answers one question after the other on the first GPU: the device's limits, ways of waveforms to it, precisions,
compilation, how busy it is in an epoch, and a step of every row at ``size=base`` with random weights, which needs
neither hub nor data. Then it says of each thing that is asked of a GPU whether it holds (``claims``), and ends with
exit code 1 where one does not. The data are synthetic; further settings choose others. ``--small`` goes through every
branch on a CPU with two steps of tiny tensors, whose figures mean nothing. The last line is JSON; ``--out`` keeps it.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.gpu import busy, ceilings, compiled, precision, rows, transfer
from benchmarks.gpu.bench import Bench, Found
from benchmarks.gpu.claims import claims
from ecgmm.files import write_json
from ecgmm.runs.provenance import environment
from ecgmm.training.memory import keep_freed_memory

QUESTIONS: dict[str, Callable[[Bench, Found], Found]] = {
    "ceilings": lambda bench, _: ceilings.measure(bench),
    "transfer": lambda bench, _: transfer.measure(bench),
    "busy": busy.measure,
    "precision": lambda bench, _: precision.measure(bench),
    "compiled": lambda bench, _: compiled.measure(bench),
    "rows": lambda bench, _: rows.measure(bench),
}


def measure(bench: Bench, only: str | None = None) -> Found:
    """Answer all questions, or one and the limits that it is judged by."""
    found: Found = {}
    for name, question in QUESTIONS.items():
        if only in (None, name) or name == "ceilings":
            with bench.within_memory(name):
                found[name] = question(bench, found.get("ceilings", {}))
    return found | {"too_large": bench.too_large}


def figures(found: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Name and value of each figure."""
    if isinstance(found, dict) and found:
        for key, value in found.items():
            yield from figures(value, f"{name} / {key}" if name else key)
    else:
        yield name, f"{found:,.3g}" if isinstance(found, float) else str(found)


def main() -> None:
    """Measure, print the table, what is asked of a GPU, and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--only", choices=QUESTIONS)
    parser.add_argument("--out", type=Path)
    arguments, overrides = parser.parse_known_args()
    if not (arguments.small or torch.cuda.is_available()):
        parser.error("there is no GPU here; --small goes through every branch on a CPU")
    keep_freed_memory()
    bench = Bench(torch.device("cpu" if arguments.small else "cuda"), arguments.small, tuple(overrides))
    found = measure(bench, arguments.only)
    device = torch.cuda.get_device_name() if bench.on_gpu else "a CPU, small: figures mean nothing"
    table = Table(title=device)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in figures(found):
        table.add_row(name, value)
    Console().print(table)
    judged = claims(found)
    for claim in judged:
        print(f"{'holds' if claim.holds else 'does not hold'}: {claim.asked}: {claim.measured}")
    asked = [claim._asdict() for claim in judged]
    result = {"benchmark": "gpu", "device": device, "asked": asked, **found, "environment": environment().plain()}
    if arguments.out is not None:
        write_json(arguments.out, result)
    print(json.dumps(result))
    if bench.on_gpu and not all(claim.holds for claim in judged):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
