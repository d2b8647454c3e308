"""A guard that needs no GPU: it stops at every operation for which the host would wait for one."""

from benchmarks.gpu.waits import Waits


class NoWaiting(Waits):
    """Raises in place of an operation that makes the host wait for a GPU; what it sees: ``benchmarks.gpu.waits``."""

    def found(self, name: str, why: str) -> None:
        raise AssertionError(f"{name} makes the host wait: {why}")
