"""A 64-bit digest of each record, to find recordings that are there twice.

Source: the inner sum is NH of Black et al., UMAC (1999), section 4, as XXH3 uses it, because vectors multiply 32 bits
by 32. Not for secrets, and equal digests are only a reason to compare the samples.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgmm.compiled import compiled


def digest_records(block: NDArray[np.int16]) -> NDArray[np.uint64]:
    """Digest all samples of each record.

    Args:
        block: int16 ``[R, 12, T]``, contiguous.

    Returns:
        uint64 ``[R]``, the same in every process and on every machine.
    """
    digests = np.empty(len(block), np.uint64)
    _digest_words(block.reshape(len(block), -1).view(np.uint64), _KEYS, digests)
    return digests


def _split_mix(count: int) -> Any:
    """SplitMix64 from 0, uint64 ``[count]``: constants without a pattern, the same for ever."""
    state, values, mask = 0, [], 2**64 - 1
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & mask
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
        values.append(mixed ^ (mixed >> 31))
    return np.array(values, np.uint64)


_KEYS = _split_mix(128)


@compiled
def _digest_words(words: Any, keys: Any, out: Any) -> None:
    """Digest each row of uint64 ``[R, N]``: products of keyed halves, blocks chained in order."""
    half, low = np.uint64(32), np.uint64(0xFFFFFFFF)
    for row in range(words.shape[0]):
        state = np.uint64(words.shape[1])
        for start in range(0, words.shape[1], 128):
            part = words[row, start : start + 128]
            block = np.uint64(0)
            for number in range(part.shape[0]):
                word = part[number]
                keyed = word ^ keys[number]
                block += (keyed & low) * (keyed >> half) + ((word << half) | (word >> half))
            state = (state ^ block) * np.uint64(0x9E3779B97F4A7C15)
            state ^= state >> half
        out[row] = state
