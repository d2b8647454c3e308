"""One pass over each record while it is in the cache: lead order, statistics, measures of its quality, its digest.

Numpy would need a dozen passes with temporary arrays; these loops are compiled by numba and read int16 as it is. Every
sum is an integer and every figure belongs to one record, so that no result depends on where a block begins. A gap of
missing samples holds the last sample before it wherever neighbours are compared.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgmm.compiled import compiled
from ecgmm.leads import N_LEADS
from ecgmm.signal.digest import digest_records
from ecgmm.signal.kernels import scan_block

LAG_S = 0.01
"""Distance of the samples that are compared: the same time at any rate, and one sample at 100 Hz."""


class Scan(NamedTuple):
    """Measures of R records from one pass over their samples. Amplitudes are in steps of the store.

    Attributes:
        missing: int32 ``[R, 12]``, missing samples of each lead.
        low: int16 ``[R, 12]``, smallest sample that is there (32767 where none is).
        high: int16 ``[R, 12]``, largest sample that is there (-32768 where none is).
        flat: bool ``[R, 12]``, True for leads without any signal: constant, or missing throughout.
        count: int64 ``[R, 12]``, samples that are there; 0 for flat leads, as for the next two.
        total: int64 ``[R, 12]``, their sum, each limited to the largest amplitude allowed.
        squares: int64 ``[R, 12]``, the sum of their squares, limited likewise.
        in_runs: int32 ``[R, 12]``, samples that equal the lead's own largest or smallest value, as does the next; not
            counted are an extreme nearer to 0 than a quarter of the lead's range, and flat leads.
        wander: float32 ``[R, 12]``, largest less smallest mean of the seconds of the record.
        noise: float32 ``[R, 12]``, mean absolute second difference over ``LAG_S`` in the quietest eighth of each second
            (sixth at 100 Hz), averaged over the seconds.
        jump: int32 ``[R, 12]``, largest change within ``LAG_S``.
        law_error: float32 ``[R, 4]``, mean distance of II, aVR, aVL, aVF from I + III, -(I + II) / 2, (I - III) / 2,
            (II + III) / 2 (Einthoven, Goldberger).
        v6_correlation: float32 ``[R, 3]``, of the changes within ``LAG_S`` in aVR, aVL, aVF with those in V6, averaged
            over the seconds; 0 where a lead does not change.
        content: uint64 ``[R]``, digest of all samples.
    """

    missing: NDArray[np.int32]
    low: NDArray[np.int16]
    high: NDArray[np.int16]
    flat: NDArray[np.bool_]
    count: NDArray[np.int64]  # type: ignore[assignment]  # hides tuple.count, which nobody needs of a scan
    total: NDArray[np.int64]
    squares: NDArray[np.int64]
    in_runs: NDArray[np.int32]
    wander: NDArray[np.float32]
    noise: NDArray[np.float32]
    jump: NDArray[np.int32]
    law_error: NDArray[np.float32]
    v6_correlation: NDArray[np.float32]
    content: NDArray[np.uint64]

    def select(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "Scan":
        """The measures of some records, chosen by a mask or by numbers."""
        return Scan(**{name: part[rows] for name, part in self._asdict().items()})


def scan(block: NDArray[np.int16], limit_steps: int, rate_hz: float) -> Scan:
    """Measure each record of a block in one pass.

    Args:
        block: int16 ``[R, 12, T]``, contiguous, with ``types.MISSING_SAMPLE``. Records shorter than 0.2 s have no
            wander and no noise.
        limit_steps: Largest amplitude that enters ``total`` and ``squares``.
        rate_hz: Sampling rate in Hz.
    """
    n = len(block)
    wide, narrow, real = (n, N_LEADS), np.int32, np.float32
    seen = Scan(
        missing=np.empty(wide, narrow),
        low=np.empty(wide, np.int16),
        high=np.empty(wide, np.int16),
        flat=np.empty(wide, np.bool_),
        count=np.empty(wide, np.int64),
        total=np.empty(wide, np.int64),
        squares=np.empty(wide, np.int64),
        in_runs=np.empty(wide, narrow),
        wander=np.empty(wide, real),
        noise=np.empty(wide, real),
        jump=np.empty(wide, narrow),
        law_error=np.empty((n, 4), real),
        v6_correlation=np.empty((n, 3), real),
        content=digest_records(block),
    )
    chunk = 64 if rate_hz >= 400 else 32 if rate_hz >= 200 else 16  # 0.13 to 0.16 s: some lie between two beats
    lag = max(1, round(LAG_S * rate_hz))
    scan_block(block, limit_steps, lag, chunk, float(rate_hz), seen)
    return seen


def to_lead_major(stored: NDArray[np.int16], channels: tuple[int, ...], out: NDArray[np.int16]) -> None:
    """Put each lead in its place.

    Args:
        stored: int16 ``[R, T, 12]`` as it lies in the ``.dat`` files, contiguous.
        channels: Stored channel of each lead of ``leads.LEADS``.
        out: int16 ``[R, 12, T]``, contiguous, filled.
    """
    if stored.shape[1] % 4:
        for lead, channel in enumerate(channels):
            out[:, lead] = stored[:, :, channel]
    else:
        _transpose_words(stored.view(np.uint64), np.argsort(channels), out.view(np.uint64))


@compiled
def _transpose_words(stored: Any, lead_of_channel: Any, out: Any) -> None:
    """Transpose samples four by four inside 64-bit words.

    Args:
        stored: uint64 ``[R, T, 3]``: four channels a word.
        lead_of_channel: int64 ``[12]``.
        out: uint64 ``[R, 12, T / 4]``: four times a word.
    """
    low, high = np.uint64(0xFFFFFFFF), np.uint64(0xFFFFFFFF00000000)
    even, odd = np.uint64(0x0000FFFF0000FFFF), np.uint64(0xFFFF0000FFFF0000)
    two, one = np.uint64(32), np.uint64(16)
    for row in range(stored.shape[0]):
        for group in range(3):
            words = stored[row, :, group]
            lead_0, lead_1 = out[row, lead_of_channel[4 * group]], out[row, lead_of_channel[4 * group + 1]]
            lead_2, lead_3 = out[row, lead_of_channel[4 * group + 2]], out[row, lead_of_channel[4 * group + 3]]
            for four in range(out.shape[2]):
                a, b, c, d = words[4 * four], words[4 * four + 1], words[4 * four + 2], words[4 * four + 3]
                ac, bd = (a & low) | (c << two), (b & low) | (d << two)  # channels 0 and 1, times 0, 2 and 1, 3
                lead_0[four] = (ac & even) | ((bd & even) << one)
                lead_1[four] = ((ac & odd) >> one) | (bd & odd)
                ac, bd = (a >> two) | (c & high), (b >> two) | (d & high)  # channels 2 and 3
                lead_2[four] = (ac & even) | ((bd & even) << one)
                lead_3[four] = ((ac & odd) >> one) | (bd & odd)
