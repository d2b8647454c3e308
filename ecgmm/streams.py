"""Independent streams of random numbers: one for each purpose, run, epoch and process."""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream is drawn for. Numbers stay as they are: another number is another stream."""

    ORDER = 1
    TRAINING = 2
    SHARED = 3
    CORRUPTION = 4
    DISTURBANCE = 10
    LABEL_NOISE = 11


def stream_seed(purpose: Purpose, *keys: int) -> int:
    """Seed of the stream that a purpose has under some numbers.

    Sums such as ``seed + epoch`` give epoch 1 of seed 42 the stream of epoch 0 of seed 43, so that two runs are not
    replicates of one another. ``numpy.random.SeedSequence`` mixes the numbers instead.

    Args:
        purpose: What is drawn; always with the same number of keys.
        keys: The run's seed first, each at least 0.

    Returns:
        An integer below 2 ** 32: the generator of a CPU sees no more of it.
    """
    return int(np.random.SeedSequence((int(purpose), *keys)).generate_state(1)[0])
