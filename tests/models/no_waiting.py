"""A guard that needs no GPU: it stops at every operation for which the host would wait for one."""

from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.gpu.waits import why_it_waits


class NoWaiting(TorchDispatchMode):
    """Raises in place of an operation that makes the host wait for a GPU; what it sees: ``benchmarks.gpu.waits``."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no annotation there

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        why = why_it_waits(func.name(), args)
        if why is not None:
            raise AssertionError(f"{func.name()} makes the host wait: {why}")
        return func(*args, **(kwargs or {}))
