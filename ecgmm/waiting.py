"""Whether code may look at values on its way: on a GPU the host would wait until all work before them is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def may_look(values: Tensor) -> bool:
    """Whether looking at values of a tensor costs no waiting, so that work which they show to be idle can be left out.

    Where it is False, all work is done, masked and in fixed shapes. Tests of waiting and ``benchmarks.gpu`` put False
    in its place, so that a CPU takes the steps that a GPU takes.
    """
    return not values.is_cuda
