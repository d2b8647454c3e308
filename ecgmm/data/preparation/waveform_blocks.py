"""Blocks of waveforms on their way into the store: lead order, scale, rate, window. Integers wherever they suffice.

A block holds consecutive records of one layout. Shapes: R records, L leads (12), T samples. As read it is int16 or
int32, in the store int16.
"""

from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.sources.source import Window
from ecgmm.data.sources.waveform_reader import Layout, Steps
from ecgmm.signal.derived_leads import derive_leads
from ecgmm.types import MISSING_SAMPLE

LARGEST_STEP = 32767
"""Largest step of a store, either way; -32768 is a missing sample."""


def fits_store(block: Steps, layout: Layout, uv_per_step: float, spike_share: float = 0.0) -> NDArray[np.bool_]:
    """Whether ``rescale`` keeps every sample of a record (bool ``[R]``) or would have to clip some.

    Args:
        block: ``[R, L, T]`` in the steps of the layout.
        layout: Gains and baselines.
        uv_per_step: Microvolts per step of the store.
        spike_share: Share of each lead's samples that may be clipped.
    """
    if _is_in_store_steps(block, layout, uv_per_step):
        return np.ones(len(block), dtype=bool)
    factor, baseline = _scale(layout, uv_per_step)
    range_ = np.iinfo(block.dtype)
    there = block != range_.min
    ends = [np.where(there, block, other).astype(np.float64) for other in (range_.max, range_.min + 1)]
    extremes = np.stack([ends[0].min(axis=-1), ends[1].max(axis=-1)])
    steps = np.abs(np.rint((extremes - baseline) * factor))
    fits: NDArray[np.bool_] = ((steps <= LARGEST_STEP) | ~there.any(axis=-1)).all(axis=(0, 2))
    if spike_share and not fits.all():
        samples = np.abs(np.rint((block - baseline[:, None]) * factor[:, None]))
        beyond = (samples > LARGEST_STEP) & there
        fits = (beyond.mean(axis=-1) <= spike_share).all(axis=-1)
    return fits


def _scale(layout: Layout, uv_per_step: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Store steps per step of the layout, and the layout's step of 0 mV, of each lead."""
    return 1000 / (np.array(layout.gains_per_mv) * uv_per_step), np.array(layout.baselines, dtype=np.int64)


def _is_in_store_steps(block: Steps, layout: Layout, uv_per_step: float) -> TypeGuard[NDArray[np.int16]]:
    factor, baseline = _scale(layout, uv_per_step)
    return bool(block.dtype == np.int16 and np.all(factor == 1) and not baseline.any())


def rescale(block: Steps, layout: Layout, uv_per_step: float) -> NDArray[np.int16]:
    """Bring the gain and baseline of a recording to the store's scale.

    Args:
        block: ``[R, L, T]`` in the steps of the layout, of records for which ``fits_store`` holds.
        layout: Gains and baselines.
        uv_per_step: Microvolts per step of the store.

    Returns:
        int16 ``[R, L, T]``, rounded; the block itself where layout and store agree.
    """
    if _is_in_store_steps(block, layout, uv_per_step):
        return block
    factor, baseline = _scale(layout, uv_per_step)
    steps = (block.astype(np.float64) - baseline[:, None]) * factor[:, None]
    rescaled: NDArray[np.int16] = np.rint(steps).clip(-LARGEST_STEP, LARGEST_STEP).astype(np.int16)
    rescaled[block == np.iinfo(block.dtype).min] = MISSING_SAMPLE
    return rescaled


def to_store_steps(block: Steps, layout: Layout, rate_hz: float, uv_per_step: float) -> NDArray[np.int16]:
    """Bring a block to the store's scale and rate, and derive leads that follow from others; int16 ``[R, L, T]``."""
    steps = rescale(block, layout, uv_per_step)
    if layout.rate_hz != rate_hz:
        from ecgmm.signal.resample import resample_block  # imports torch, which most preparations do without

        steps = resample_block(steps, layout.rate_hz, rate_hz)
    return derive_leads(steps, layout.recorded)  # last, so that they follow from the very steps of the store


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
