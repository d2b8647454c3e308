"""What is asked of a GPU, what was measured of it, and whether it holds."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from benchmarks.gpu.bench import Found

LEAST_BUSY, LEAST_TIMES = 0.95, 2.0


class Claim(NamedTuple):
    """One line.

    Attributes:
        asked: What is asked.
        measured: In words, with the names of what it fails by.
        holds: Whether it holds.
    """

    asked: str
    measured: str
    holds: bool


def claims(found: Found) -> list[Claim]:
    """Lines that the questions which were answered decide."""
    return [claim for name, judge in _JUDGES.items() if name in found for claim in judge(found[name])]


def _of_busy(busy: Found) -> Iterator[Claim]:
    share = busy["paper, 16-mixed"]["busy"]
    asked = f"the paper's method in 16 bits, batch 256: the device works at least {LEAST_BUSY:.0%} of an epoch"
    yield Claim(asked, f"{share:.1%}", share >= LEAST_BUSY)
    times = busy["resnet18, 16-mixed"]["records_per_s"] / busy["resnet18, 32-true"]["records_per_s"]
    asked = f"ResNet1d-18, batch 256: 16 bits are at least {LEAST_TIMES:g} times as fast as 32"
    yield Claim(asked, f"{times:.2f} times", times >= LEAST_TIMES)
    waiting = {name: {**figures["waits"], **figures["waiting_calls"]} for name, figures in busy.items()}
    yield _no_waits("in an epoch the host never waits for the device", waiting)


def _of_compiled(compiled: Found) -> Iterator[Claim]:
    again = {way: figures["compilations_by_other_lengths"] for way, figures in compiled.items()}
    measured = ", ".join(f"{way} {n}" for way, n in again.items())
    yield Claim("other lengths of reports compile nothing anew", measured, not any(again.values()))


def _of_rows(rows: Found) -> Iterator[Claim]:
    waiting = {name: figures["waits"] for name, figures in rows.items()}
    yield _no_waits("in a step of any row the host never waits for the device", waiting)


def _of_memory(too_large: list[str]) -> Iterator[Claim]:
    asked = "memory is enough for every question, and for a step of every row at size=base"
    yield Claim(asked, f"not for {', '.join(too_large)}" if too_large else "enough", not too_large)


def _no_waits(asked: str, waiting: dict[str, dict[str, int]]) -> Claim:
    """Line that names who waits, and for what."""
    named = [f"{name} ({', '.join(places)})" for name, places in waiting.items() if places]
    return Claim(asked, "; ".join(named) or f"none of {len(waiting)} waits", not named)


_JUDGES: dict[str, Callable[[Any], Iterator[Claim]]] = {
    "busy": _of_busy,
    "compiled": _of_compiled,
    "rows": _of_rows,
    "too_large": _of_memory,
}
