"""A guard that needs no GPU: it stops at every operation for which the host would wait for one."""

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

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


class NoWaiting(TorchDispatchMode):
    """Raises in place of an operation that makes the host wait for a GPU.

    What it sees is what the dispatcher sees: copies between devices, of which a CPU makes none, are not among it.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no annotation there

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.name()
        if name in WAITS:
            raise AssertionError(f"{name} makes the host wait: {WAITS[name]}")
        if name in INDEXING and any(isinstance(part, Tensor) and part.dtype == torch.bool for part in args[1]):
            raise AssertionError(f"{name} with a mask makes the host wait: the values decide the size")
        return func(*args, **(kwargs or {}))
