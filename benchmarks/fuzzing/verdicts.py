"""One case of the fuzzing, and what came of it."""

import contextlib
import io
import resource
import signal
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import numpy as np

from ecgmm.data.preparation.preparation import prepare_store
from ecgmm.data.sources.source import DataConfig
from ecgmm.data.store.store import Store

PATIENCE_S = 60
"""A preparation of some hundred short records that takes longer hangs."""
MOST_BYTES = 4 << 30
"""No record takes more memory than this, whatever its header announces."""


class Case(NamedTuple):
    """One mutation of one record or row; its random numbers depend on nothing else.

    Attributes:
        kind: Name of the mutation, as in ``header.flip_bit``.
        seed: Seed of the whole run.
        number: Number of the case among those of its kind.
    """

    kind: str
    seed: int
    number: int

    def generator(self) -> np.random.Generator:
        """The case's own random numbers."""
        return np.random.default_rng([self.seed, self.number, *self.kind.encode()])

    def command(self) -> str:
        """Command that runs this case alone."""
        return f"python -m benchmarks.fuzz --seed {self.seed} --kind {self.kind} --case {self.number}"


class Outcome(StrEnum):
    """What became of a case; its value is the heading in the table."""

    AS_WRITTEN = "as written"  # the record as it was before the mutation
    AS_READ = "as read elsewhere"  # another value, and the other reader reads the same
    DROPPED = "dropped"
    REFUSED = "table refused"  # the whole preparation ended in one sentence
    FAILED = "failed"


class Verdict(NamedTuple):
    """What became of a case.

    Attributes:
        case: The case.
        outcome: See ``Outcome``.
        detail: Reason of a drop, sentence of a refusal, or what failed.
        elsewhere: Whether the other reader (wfdb, Python's csv) reads the mutated file.
    """

    case: Case
    outcome: Outcome
    detail: str
    elsewhere: bool


def prepare_quietly(config: DataConfig) -> Store:
    """Prepare and open a store; raises TimeoutError where it hangs, MemoryError where it takes too much."""
    with contextlib.redirect_stdout(io.StringIO()), time_limit(), memory_limit():
        return Store.open(prepare_store(config))


@contextlib.contextmanager
def memory_limit() -> Iterator[None]:
    """Let this process take ``MOST_BYTES`` of address space more than it has."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MOST_BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@contextlib.contextmanager
def time_limit() -> Iterator[None]:
    """Raise TimeoutError where this process is not ready after ``PATIENCE_S``."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"not ready after {PATIENCE_S} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(PATIENCE_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
