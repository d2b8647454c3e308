"""A run that is not profiled answers Lightning's profiler calls with nothing, and lets errors through."""

import pytest

from ecgmm.training.trainers import Unprofiled


def test_parts_can_be_nested_and_errors_pass() -> None:
    profiler = Unprofiled()
    with pytest.raises(ValueError, match="as it was"), profiler.profile("outer"), profiler.profile("inner"):
        raise ValueError("as it was")
