"""Streams of random numbers: no two runs, epochs, processes or purposes share one."""

from functools import partial
from itertools import product

import numpy as np
import torch

from ecgmm.data.batches.loader import balanced, shuffled
from ecgmm.streams import Purpose, stream_seed


def test_no_two_streams_are_the_same() -> None:
    """Of 20 neighbouring seeds, 40 epochs and 3 processes each has a stream of its own."""
    keys = list(product((Purpose.TRAINING,), range(40, 60), range(40), range(3)))
    assert len({stream_seed(*key) for key in keys}) == len(keys)
    assert stream_seed(Purpose.ORDER, 42, 1) != stream_seed(Purpose.SHARED, 42, 1)


def test_a_stream_stays_what_it_is() -> None:
    """The numbers of numpy's SeedSequence, which a later numpy keeps too."""
    assert stream_seed(Purpose.ORDER, 42, 0) == int(np.random.SeedSequence([1, 42, 0]).generate_state(1)[0])


def test_no_epoch_of_a_seed_has_the_order_of_another_seed() -> None:
    """All epochs of neighbouring seeds, under both kinds of sampling."""
    uniform, even = partial(shuffled, 60), partial(balanced, np.arange(60) % 4)
    for order_of in (uniform, even):
        orders = [tuple(order_of(seed)(epoch)) for seed in range(42, 47) for epoch in range(12)]
        assert len(set(orders)) == len(orders)


def test_streams_begin_apart() -> None:
    """The first numbers of 2,000 streams spread evenly over the unit interval."""
    first = [
        torch.rand((), generator=torch.Generator().manual_seed(stream_seed(Purpose.TRAINING, 42, epoch, 0))).item()
        for epoch in range(2000)
    ]
    counts = np.histogram(first, bins=10, range=(0, 1))[0]
    assert ((counts - 200) ** 2 / 200).sum() < 27.9  # chi-square with 9 degrees of freedom, 0.1 %
