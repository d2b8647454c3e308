"""The page of GPUs of the site: what ``python -m benchmarks.gpu --out`` found on each device, one section a file."""

from collections.abc import Mapping, Sequence
from typing import Any

NONE = (
    "**None was run: no GPU was at hand.** So it is not known whether any of these holds, and the command itself was"
    " only tried in small on a CPU. On a machine with a GPU this makes the first table:\n\n"
    "    python -m benchmarks.gpu --out docs/results/data/gpu.json"
)
_BUSY = {
    "ms": "ms a step",
    "records_per_s": "records/s",
    "busy": "busy",
    "flops_of_ceiling": "of its multiplications",
    "bytes_of_ceiling": "of its bytes",
    "epoch_of_mimic_s": "s for 800,035 records",
}
_ROWS = {"parameters": "parameters", "ms": "ms a step", "peak_bytes": "peak bytes", "waits": "host waits at"}
_SHARES = ("busy", "flops_of_ceiling", "bytes_of_ceiling")


def gpus(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown of all results, by the name of their files; how to make the first where there is none.

    Raises:
        ValueError: If one is of ``--small``, whose figures mean nothing.
    """
    if not results:
        return NONE
    return "\n\n".join(_section(name, result) for name, result in results.items())


def _section(name: str, result: Mapping[str, Any]) -> str:
    environment = result["environment"]
    if environment["hardware"]["gpu"] is None:
        raise ValueError(f"{name} is not of a GPU but of --small; remove it, and run python -m benchmarks.gpu on a GPU")
    asked = [
        [one["asked"], one["measured"], "holds" if one["holds"] else "**does not hold**"] for one in result["asked"]
    ]
    parts = [f"## {result['device']}", _table(["asked", "measured", ""], asked)]
    if "busy" in result:
        parts.append(_figures("encoder and precision", _BUSY, result["busy"]))
    if "rows" in result:
        parts.append(_figures("row at `size=base`", _ROWS, result["rows"]))
    versions = environment["versions"]
    state = f"ecgmm {versions['ecgmm']}, commit {environment['commit']}, torch {versions['torch']}"
    return "\n\n".join([*parts, f"<small>From `{name}`: `python -m benchmarks.gpu`, {state}. SYNTHETIC data.</small>"])


def _figures(first: str, columns: Mapping[str, str], found: Mapping[str, Mapping[str, Any]]) -> str:
    """Table of figures, a line each."""
    lines = [[name, *(_cell(column, figures[column]) for column in columns)] for name, figures in found.items()]
    return _table([first, *columns.values()], lines)


def _cell(column: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(value) or "–"
    if column in _SHARES:
        return f"{value:.0%}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *lines))
