"""What makes the host wait for the device: as CUDA says on a GPU, else by what the dispatcher is asked for."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

import torch
from torch import Tensor
from torch.autograd.profiler_util import FunctionEvent
from torch.utils._python_dispatch import TorchDispatchMode

from ecgmm import waiting
from ecgmm.training.lightning.profile_steps import WAITS as CALLS

WAITS = {
    "aten::_local_scalar_dense": "a number of the device as a number of Python: .item(), float(), bool()",
    "aten::nonzero": "a result whose size the values decide",
    "aten::masked_select": "a result whose size the values decide",
    "aten::_unique2": "a result whose size the values decide",
    "aten::unique_dim": "a result whose size the values decide",
    "aten::bincount": "a result whose size the values decide",
    "aten::repeat_interleave.Tensor": "a result whose size the values decide",
    "aten::lift_fresh": "a tensor of numbers of Python, which has to be copied to the device",
}
INDEXING = ("aten::index.Tensor", "aten::index_put", "aten::index_put_", "aten::_unsafe_index.Tensor")


def why_it_waits(name: str, args: Any) -> str | None:
    """Reason why an operation makes the host wait for a GPU; None where it does not.

    Args:
        name: As the dispatcher knows it, such as ``aten::nonzero``.
        args: Its arguments.
    """
    if name in INDEXING and any(isinstance(part, Tensor) and part.dtype == torch.bool for part in args[1]):
        return "with a mask: the values decide the size"
    if name == "aten::lift_fresh" and not args[0].numel():
        return None  # nothing to copy
    return WAITS.get(name)


class Waits(TorchDispatchMode):
    """Counts the operations for which the host would wait for a GPU, by name; a CPU takes the steps of a GPU meanwhile.

    It sees what the dispatcher sees: copies between devices, of which a CPU makes none, are not among it, and neither
    is what no operation is asked for (``Tensor.tolist`` of a CPU).
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no annotation there
        self.counted: Counter[str] = Counter()
        self._as_a_gpu = patch.object(waiting, "may_look", lambda values: False)

    def __enter__(self) -> Self:
        self._as_a_gpu.start()
        mode: Any = super()  # torch has no annotation there
        entered: Self = mode.__enter__()
        return entered

    def __exit__(self, *raised: Any) -> None:
        mode: Any = super()
        mode.__exit__(*raised)
        self._as_a_gpu.stop()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        why = why_it_waits(func.name(), args)
        if why is not None:
            self.found(func.name(), why)
        return func(*args, **(kwargs or {}))

    def found(self, name: str, why: str) -> None:
        """Take note of an operation that waits."""
        self.counted[name.removeprefix("aten::")] += 1


def waits_in(work: Callable[[], object], device: torch.device) -> dict[str, int]:
    """What the host waits for in a piece of work, and how often: places of the code on a GPU, else operations."""
    if device.type != "cuda":
        with Waits() as waits:
            work()
        return dict(waits.counted)
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            work()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    about = [one for one in warned if "called a synchronizing" in str(one.message)]
    return dict(Counter(f"{Path(one.filename).name}:{one.lineno}" for one in about))


def waiting_calls(events: Iterable[FunctionEvent], part: str) -> dict[str, int]:
    """Calls of CUDA that wait for the device within a named part of a profile, and how often.

    They also show what torch's own mode (``waits_in``) does not know. The clock's are outside.

    Args:
        events: Of a profile (``profile.events()``).
        part: Name of the part (``record_function``), which occurs once.
    """
    of_host = [event for event in events if event.device_type.name == "CPU"]
    [within] = [event.time_range for event in of_host if event.name == part]
    calls = [event for event in of_host if event.name in CALLS and within.start <= event.time_range.start < within.end]
    return dict(Counter(event.name for event in calls))
