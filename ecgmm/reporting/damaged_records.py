"""Records that stand for a store in figure 2: a clean one, and one of each kind of damage that its test split has.

The same store always gives the same records. Of equals, the first one of the store counts.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.store.store import Store
from ecgmm.errors import UserError
from ecgmm.leads import LEADS
from ecgmm.plots.ecg_paper import strips

MOST_SEARCHED = 2000
"""Undamaged test records, from the first on, whose waveforms are looked at: all of MIMIC-IV-ECG would take minutes."""
_BLOCK = 500


@dataclass(frozen=True)
class Example:
    """A record to draw.

    Attributes:
        row: Its row in the store.
        title: What it shows, without any id.
    """

    row: int
    title: str


@dataclass(frozen=True)
class _Measured:
    """Of each record and lead ``[n, 12]``, in mV: largest absolute sample of all and of those drawn, drift, roughness.

    Baseline drift is the range of the means over one second. Roughness is the median distance of a sample from the
    middle of its neighbours, in the second where that is largest: muscle noise raises it, a QRS complex is too short.
    """

    peak: NDArray[np.float32]
    shown_peak: NDArray[np.float32]
    drift: NDArray[np.float32]
    roughness: NDArray[np.float32]


def choose_examples(store: Store, limit_mv: float) -> list[Example]:
    """Choose from the test split; undamaged records have nothing missing, no flat lead and nothing beyond the limit.

    - clean: of the tenth of the undamaged records with least drift, the one whose roughest lead is least rough;
    - missing samples: the largest share of missing samples that is at most one half;
    - flat lead: the fewest flat leads, at least one, and nothing missing;
    - baseline drift: the undamaged record with the most drift in any lead;
    - spike: the largest sample beyond the limit, nothing missing and no flat lead, in the part of a lead that the sheet
      shows.

    Raises:
        UserError: If the split has none of them.
    """
    test = store.records.with_row_index("row").filter((pl.col("split") == "test") & pl.col("has_waveform"))
    whole = test.filter((pl.col("missing_share") == 0) & (pl.col("flat_leads") == 0))["row"].to_numpy()
    measured = _measure(store, whole[:MOST_SEARCHED]) if len(whole) else None
    examples = [
        *(_clean(whole, measured, limit_mv) if measured else []),
        *_missing(test),
        *_flat(test, store),
        *(_drift(whole, measured, limit_mv) if measured else []),
        *(_spike(whole, measured, limit_mv) if measured else []),
    ]
    if not examples:
        raise UserError(f"{store.path} has no test record with a waveform to show; prepare it from more records")
    return examples


def _within(measured: _Measured, limit_mv: float) -> NDArray[np.intp]:
    return np.flatnonzero(measured.peak.max(axis=1) <= limit_mv)


def _clean(whole: NDArray[np.integer], measured: _Measured, limit_mv: float) -> list[Example]:
    within = _within(measured, limit_mv)
    if not len(within):
        return []
    drifts = measured.drift[within].max(axis=1)
    calm = within[drifts <= np.quantile(drifts, 0.1)]
    return [Example(int(whole[calm[measured.roughness[calm].max(axis=1).argmin()]]), "Clean")]


def _drift(whole: NDArray[np.integer], measured: _Measured, limit_mv: float) -> list[Example]:
    within = _within(measured, limit_mv)
    if not len(within):
        return []
    most = within[measured.drift[within].max(axis=1).argmax()]
    return [Example(int(whole[most]), f"Baseline drift: {_largest(measured.drift[most])}")]


def _spike(whole: NDArray[np.integer], measured: _Measured, limit_mv: float) -> list[Example]:
    largest = int(measured.shown_peak.max(axis=1).argmax())
    if measured.shown_peak[largest].max() <= limit_mv:
        return []
    return [Example(int(whole[largest]), f"Spike: {_largest(measured.shown_peak[largest])}")]


def _measure(store: Store, rows: NDArray[np.integer]) -> _Measured:
    rate_hz, mv_per_step = int(store.manifest["rate_hz"]), np.float32(store.manifest["uv_per_step"] / 1000)
    blocks = []
    for start in range(0, len(rows), _BLOCK):
        signals = store.waveforms[rows[start : start + _BLOCK]] * mv_per_step
        means = _by_second(signals, rate_hz).mean(axis=3)
        distances = np.abs(signals[:, :, 1:-1] - (signals[:, :, :-2] + signals[:, :, 2:]) / 2)
        roughness = np.median(_by_second(distances, rate_hz), axis=3).max(axis=2)
        sizes = np.abs(signals)
        blocks.append((sizes.max(axis=2), _shown_peak(sizes), np.ptp(means, axis=2), roughness))
    return _Measured(*(np.concatenate(values) for values in zip(*blocks, strict=True)))


def _shown_peak(sizes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Largest of the samples ``[n, 12, T]`` that the sheet shows of each lead, ``[n, 12]``."""
    peaks = np.zeros(sizes.shape[:2], np.float32)
    for strip in strips(sizes.shape[2]):
        index = LEADS.index(strip.lead)
        peaks[:, index] = np.maximum(peaks[:, index], sizes[:, index, strip.start : strip.stop].max(axis=1))
    return peaks


def _by_second(signals: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """Cut ``[n, 12, T]`` into whole seconds, ``[n, 12, seconds, rate_hz]``."""
    whole = signals[:, :, : signals.shape[2] // rate_hz * rate_hz]
    return whole.reshape(*signals.shape[:2], -1, rate_hz)


def _largest(values_mv: NDArray[np.float32]) -> str:
    return f"{values_mv.max():.1f} mV in lead {LEADS[int(values_mv.argmax())]}"


def _missing(test: pl.DataFrame) -> list[Example]:
    gappy = test.filter(pl.col("missing_share").is_between(0, 0.5, closed="right"))
    gappy = gappy.sort("missing_share", descending=True, maintain_order=True).head(1)
    return [
        Example(row, f"Missing samples: {100 * share:.1f} % of the record")
        for row, share in gappy.select("row", "missing_share").iter_rows()
    ]


def _flat(test: pl.DataFrame, store: Store) -> list[Example]:
    flat = test.filter((pl.col("flat_leads") > 0) & (pl.col("missing_share") == 0))
    flat = flat.sort("flat_leads", maintain_order=True).head(1)
    return [Example(row, f"Flat lead: {_flat_names(store.waveforms[row])}") for row in flat["row"]]


def _flat_names(steps: NDArray[np.int16]) -> str:
    return ", ".join(lead for lead, signal in zip(LEADS, steps, strict=True) if signal.min() == signal.max())
