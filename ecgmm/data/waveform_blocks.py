"""Blocks of waveforms on their way into the store: lead order, scale, rate, window. Integers wherever they suffice.

A block holds consecutive records of one layout. Shapes: R records, L leads (12), T samples.
"""

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.source import Window
from ecgmm.data.wfdb_format import Layout
from ecgmm.signal.resample import resample_block
from ecgmm.types import MISSING_SAMPLE


def to_lead_major(stored: NDArray[np.int16], channels: tuple[int, ...], out: NDArray[np.int16]) -> None:
    """Put each lead in its place.

    Args:
        stored: int16 ``[R, T, L]`` as it lies in the ``.dat`` files.
        channels: Stored channel of each lead of ``leads.LEADS``.
        out: int16 ``[R, L, T]``, filled.
    """
    for lead, channel in enumerate(channels):
        out[:, lead] = stored[:, :, channel]


def rescale(block: NDArray[np.int16], layout: Layout, uv_per_step: float) -> NDArray[np.int16]:
    """Bring the header's gain and baseline to the store's scale.

    Args:
        block: int16 ``[R, L, T]`` in the steps of the header.
        layout: The header's gains and baselines.
        uv_per_step: Microvolts per step of the store.

    Returns:
        int16 ``[R, L, T]``, rounded and clipped to +-32767; the block itself where header and store agree.
    """
    factor = 1000 / (np.array(layout.gains_per_mv) * uv_per_step)
    baseline = np.array(layout.baselines)
    if np.all(factor == 1) and not baseline.any():
        return block
    steps = (block.astype(np.float64) - baseline[:, None]) * factor[:, None]
    rescaled: NDArray[np.int16] = np.rint(steps).clip(-32767, 32767).astype(np.int16)
    rescaled[block == MISSING_SAMPLE] = MISSING_SAMPLE
    return rescaled


def to_store_steps(block: NDArray[np.int16], layout: Layout, rate_hz: float, uv_per_step: float) -> NDArray[np.int16]:
    """Bring a block to the store's scale and rate; int16 ``[R, L, T]`` in and out."""
    rescaled = rescale(block, layout, uv_per_step)
    return rescaled if layout.rate_hz == rate_hz else resample_block(rescaled, layout.rate_hz, rate_hz)


def n_store_samples(layout: Layout, rate_hz: float) -> int:
    """Samples of a record after ``to_store_steps``."""
    return int(np.ceil(layout.n_samples * rate_hz / layout.rate_hz))


def window_starts(n_samples: int, n_times: int, window: Window, rate_hz: float) -> list[int]:
    """First sample of each window of a record.

    Args:
        n_samples: Samples of the record.
        n_times: Samples of a window.
        window: Centre or sliding.
        rate_hz: Sampling rate in Hz.

    Returns:
        One start; several for sliding windows. Negative where the record is shorter and has to be padded before.
    """
    if window.mode == "center" or n_samples <= n_times:
        return [(n_samples - n_times) // 2]
    return list(range(0, n_samples - n_times + 1, max(1, round(window.stride_s * rate_hz))))


def cut_window(block: NDArray[np.int16], start: int, n_times: int) -> NDArray[np.int16]:
    """The part of a window that the block really holds, int16 ``[R, L, <= n_times]``."""
    return block[:, :, max(start, 0) : start + n_times]


def pad_window(part: NDArray[np.int16], start: int, n_times: int, pad: str) -> NDArray[np.int16]:
    """Bring what ``cut_window`` gave to the full window, int16 ``[R, L, n_times]``."""
    before = max(-start, 0)
    widths = ((0, 0), (0, 0), (before, n_times - before - part.shape[-1]))
    if not any(widths[2]):
        return part
    return np.pad(part, widths, mode="edge") if pad == "edge" else np.pad(part, widths)


def checksums_agree(block: NDArray[np.int16], layout: Layout, checksums: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Compare samples with the checksums of their headers.

    Args:
        block: int16 ``[R, L, T]`` as read, in lead order.
        layout: Tells which stored channel each lead was.
        checksums: int64 ``[R, 12]`` in stored channel order, modulo 65536.

    Returns:
        bool ``[R]``.
    """
    sums = block.sum(axis=-1, dtype=np.int16).astype(np.int64) % 65536  # 16 bits wrap around as the format wants it
    agree: NDArray[np.bool_] = (sums == checksums[:, list(layout.channels)]).all(axis=1)
    return agree
