"""Samples as each format of WFDB packs them, by the definitions of signal(5) of the WFDB Applications Guide."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def bits_of(values: NDArray[np.int64], n_bits: int) -> NDArray[np.int64]:
    bits: NDArray[np.int64] = values & (2**n_bits - 1)
    return bits


def pack_212(flat: NDArray[np.int64]) -> bytes:
    pairs = bits_of(np.append(flat, np.zeros(len(flat) % 2, np.int64)), 12).reshape(-1, 2)
    packed = np.stack([pairs[:, 0] & 255, (pairs[:, 0] >> 8) | (pairs[:, 1] >> 8 << 4), pairs[:, 1] & 255], axis=1)
    return packed.astype(np.uint8).tobytes()[: (3 * len(flat) + 1) // 2]


def pack_310(flat: NDArray[np.int64]) -> bytes:
    """Two samples in the upper 11 bits of each half of 32, the third in what they leave of the upper five."""
    a, b, c = _by_threes(flat)
    packed: bytes = np.stack([a << 1 | (c & 31) << 11, b << 1 | c >> 5 << 11], axis=1).astype("<u2").tobytes()
    return packed[: _n_bytes_of_threes(len(flat))]


def pack_311(flat: NDArray[np.int64]) -> bytes:
    a, b, c = _by_threes(flat)
    packed: bytes = (a | b << 10 | c << 20).astype("<u4").tobytes()
    return packed[: _n_bytes_of_threes(len(flat))]


def _by_threes(flat: NDArray[np.int64]) -> NDArray[np.int64]:
    threes: NDArray[np.int64] = bits_of(np.append(flat, np.zeros(-len(flat) % 3, np.int64)), 10).reshape(-1, 3).T
    return threes


def _n_bytes_of_threes(n: int) -> int:
    return 4 * (n // 3) + (0, 2, 4)[n % 3]


def pack_24(flat: NDArray[np.int64]) -> bytes:
    packed: bytes = flat.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    return packed


PACKED: dict[str, tuple[int, Callable[[NDArray[np.int64]], bytes]]] = {
    "16": (16, lambda flat: flat.astype("<i2").tobytes()),
    "24": (24, pack_24),
    "32": (32, lambda flat: flat.astype("<i4").tobytes()),
    "61": (16, lambda flat: flat.astype(">i2").tobytes()),
    "80": (8, lambda flat: (flat + 128).astype(np.uint8).tobytes()),
    "160": (16, lambda flat: (flat + 32768).astype("<u2").tobytes()),
    "212": (12, pack_212),
    "310": (10, pack_310),
    "311": (10, pack_311),
}
"""Bits of each format, and its packer of int64 ``[n]``."""
