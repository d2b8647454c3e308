"""Operations that make the host wait for the device, found on any device by what the dispatcher is asked for."""

from collections import Counter
from typing import Any

from torch import Tensor
from torch import bool as torch_bool
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


def why_it_waits(name: str, args: Any) -> str | None:
    """Reason why an operation makes the host wait for a GPU; None where it does not.

    Args:
        name: As the dispatcher knows it, such as ``aten::nonzero``.
        args: Its arguments.
    """
    if name in INDEXING and any(isinstance(part, Tensor) and part.dtype == torch_bool for part in args[1]):
        return "with a mask: the values decide the size"
    return WAITS.get(name)


class Waits(TorchDispatchMode):
    """Counts the operations for which the host would wait for a GPU, by name.

    It sees what the dispatcher sees: copies between devices, of which a CPU makes none, are not among it, and neither
    is what no operation is asked for (``Tensor.tolist`` of a CPU).
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no annotation there
        self.counted: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.name()
        if why_it_waits(name, args):
            self.counted[name.removeprefix("aten::")] += 1
        return func(*args, **(kwargs or {}))
