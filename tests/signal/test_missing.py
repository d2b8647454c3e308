"""Missing-sample repair against numbers worked out by hand and against numpy's own interpolation."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from ecgmm.signal.missing import bridge_gaps, repair_missing
from ecgmm.types import MISSING_SAMPLE as M


def repaired(*steps: int) -> list[float]:
    return list(repair_missing(torch.tensor(steps, dtype=torch.int16)[None])[0].tolist())


def test_gap_inside_becomes_a_straight_line() -> None:
    assert repaired(10, M, M, M, 30, 5) == [10, 15, 20, 25, 30, 5]


def test_gaps_at_the_ends_repeat_the_nearest_sample() -> None:
    assert repaired(M, M, 7, 9, M) == [7, 7, 7, 9, 9]


def test_two_gaps_are_bridged_apart() -> None:
    assert repaired(0, M, 4, 4, M, -4) == [0, 2, 4, 4, 0, -4]


def test_single_sample_fills_its_lead_and_no_sample_gives_zero() -> None:
    assert repaired(M, -3, M) == [-3, -3, -3]
    assert repaired(M, M, M) == [0, 0, 0]


@given(st.lists(st.one_of(st.just(M), st.integers(-32767, 32767)), min_size=1, max_size=40))
def test_equals_numpy_interpolation(steps: list[int]) -> None:
    values = np.array(steps)
    present = np.flatnonzero(values != M)
    expected = np.interp(np.arange(len(values)), present, values[present]) if len(present) else np.zeros(len(values))
    np.testing.assert_allclose(repaired(*steps), expected, atol=0.01)


def test_leads_do_not_influence_each_other() -> None:
    """The CPU bridges only leads with a gap; the result is that of bridging all of them."""
    steps = torch.randint(-300, 300, (3, 12, 50), generator=torch.Generator().manual_seed(0)).to(torch.int16)
    steps[1, 4, 10:20] = M
    steps[2, :, :5] = M
    before = steps.clone()
    assert torch.equal(repair_missing(steps), bridge_gaps(steps.float(), steps == M))
    assert torch.equal(steps, before)
