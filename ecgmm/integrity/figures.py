"""The figures of the report: histograms of columns, amplitudes by lead, records on ECG paper."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from numpy.typing import NDArray

from ecgmm.integrity.columns import Column
from ecgmm.integrity.leads import QUANTILES
from ecgmm.plots.ecg_paper import draw_sheet, sheet_size_mm
from ecgmm.plots.look import PAGE_WIDTH_IN, look
from ecgmm.plots.palette import OKABE_ITO
from ecgmm.types import MISSING_SAMPLE

LONGEST_SHEET_S = 10.0
"""Of longer rows the beginning is drawn."""

_MM_PER_IN = 25.4
_SHEET_FONT_PT = 8.0
_BANDS = ((0.001, 0.999, 1.2), (0.01, 0.99, 3.0), (0.25, 0.75, 7.0))  # from, to, width in points
_LINEAR_MV = 0.1  # between minus this and this the scale is linear, beyond it logarithmic
_AXIS = {
    "share": "Share of samples",
    "leads": "Leads",
    "mV": "mV (beyond the ends: in the outer bars)",
    "score": "Score",
}


def histogram(column: Column, counts: list[int]) -> Figure:
    """Draw how many rows have which value; few rows must not vanish beside very many, so the count is logarithmic."""
    with look():
        figure = Figure(figsize=(3.2, 1.9), layout="constrained")
        axes = figure.subplots()
        axes.stairs(counts, column.edges, fill=True, color=OKABE_ITO[0])
        axes.set_yscale("symlog", linthresh=1)  # logarithmic, with a place for 0
        axes.set(ylim=(0, 2 * max(1, *counts)), xlabel=_AXIS[column.unit], ylabel="Rows")
        axes.set(xscale="log" if column.unit == "mV" else "linear", xlim=(column.edges[0], column.edges[-1]))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    return figure


def amplitude_bands(quantiles_mv: dict[str, list[float] | None]) -> Figure:
    """Draw which band each lead's samples keep within."""
    with look():
        figure = Figure(figsize=(PAGE_WIDTH_IN, 2.6), layout="constrained")
        axes = figure.subplots()
        for place, values in enumerate(quantiles_mv.values()):
            if values is None:
                continue
            at = dict(zip(QUANTILES, values, strict=True))
            for low, high, width_pt in _BANDS:
                axes.vlines(place, at[low], at[high], color=OKABE_ITO[0], linewidth=width_pt, alpha=0.8)
            axes.plot(place, at[0.5], marker="_", color="white", markersize=7)
        axes.set_yscale("symlog", linthresh=_LINEAR_MV, linscale=1)
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.set(ylabel="mV", xlim=(-0.6, len(quantiles_mv) - 0.4))
        axes.set_xticks(range(len(quantiles_mv)), list(quantiles_mv))
        axes.grid(False, axis="x")
    return figure


def sheet(steps: NDArray[np.int16], manifest: dict[str, Any]) -> Figure:
    """Draw a row as stored, at the size of the paper; samples beyond ``data.limit_mv`` are marked.

    Args:
        steps: int16 ``[12, T]`` store steps.
        manifest: The store's.
    """
    rate_hz = manifest["rate_hz"]
    shown = steps[:, : round(LONGEST_SHEET_S * rate_hz)]
    signals_mv = np.where(shown == MISSING_SAMPLE, np.nan, shown * (manifest["uv_per_step"] / 1000))
    width_mm, height_mm = sheet_size_mm(shown.shape[1] / rate_hz)
    with look():
        figure = Figure(figsize=(width_mm / _MM_PER_IN, height_mm / _MM_PER_IN))
        marked = np.abs(signals_mv) > manifest["parameters"]["limit_mv"]
        draw_sheet(figure.add_axes((0, 0, 1, 1)), signals_mv, rate_hz, marked, _SHEET_FONT_PT)
    return figure
