"""An explanation as figures: on clinical paper, as a map of leads and time, and the curves of its sanity checks."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ecgmm.explaining.explanation import Explanation
from ecgmm.explaining.sanity import N_SHARES, Curves
from ecgmm.leads import LEADS
from ecgmm.plots.ecg_paper import AGAINST_COLOR, FOR_COLOR, PULSE_ROOM_MM, draw_sheet, sheet_size_mm
from ecgmm.plots.look import PAGE_WIDTH_IN, literal, look
from ecgmm.plots.palette import GREY

SMOOTH_S = 0.04
"""Width of the moving mean under which values are drawn; files hold them as they are."""
FULL_SHARE = 0.995
"""Share of the values that are drawn weaker than full; the largest few would leave the others pale."""
_MAP_MM, _GAP_MM, _EDGE_MM, _RIGHT_MM = 55.0, 8.0, 12.0, 4.0
_MM_PER_IN = 25.4
_COLORS = LinearSegmentedColormap.from_list("attribution", [AGAINST_COLOR, "white", FOR_COLOR])


def sheet_figure(explanation: Explanation) -> Figure:
    """Draw the ECG on paper with what speaks for the class and against it, and the whole map below.

    A sheet shows a quarter of each lead; the map shows all of it, in the same time.

    Args:
        explanation: One with a waveform.
    """
    signals_mv, values = explanation.signals_mv, explanation.attribution.waveform
    assert signals_mv is not None
    assert values is not None
    heat = strength(values, explanation.rate_hz)
    sheet_width, height = sheet_size_mm(signals_mv.shape[1] / explanation.rate_hz)
    width = sheet_width + _RIGHT_MM
    total = height + _GAP_MM + _MAP_MM + _EDGE_MM
    with look():
        figure = Figure(figsize=(width / _MM_PER_IN, total / _MM_PER_IN))
        paper = figure.add_axes((0, 1 - height / total, sheet_width / width, height / total))
        draw_sheet(paper, signals_mv, explanation.rate_hz, np.zeros(signals_mv.shape, np.bool_), 7, heat)
        room = PULSE_ROOM_MM / width
        below = figure.add_axes((room, _EDGE_MM / total, sheet_width / width - room, _MAP_MM / total))
        _draw_map(below, heat, explanation)
    return figure


def strength(values: NDArray[np.floating], rate_hz: float) -> NDArray[np.float64]:
    """Values ``[12, T]`` smoothed and scaled to -1 to 1, as they are drawn; all 0 stays 0."""
    kernel = np.ones(max(1, round(SMOOTH_S * rate_hz)))
    smooth = np.stack([np.convolve(lead, kernel / len(kernel), mode="same") for lead in values.astype(np.float64)])
    full = np.quantile(np.abs(smooth), FULL_SHARE)
    scaled: NDArray[np.float64] = (smooth / full if full > 0 else smooth).clip(-1, 1)
    return scaled


def curves_figure(curves: tuple[Curves, ...], class_name: str) -> Figure:
    """Draw deletion and insertion by attribution against random orders, a row for each half."""
    share = np.linspace(0, 100, N_SHARES + 1)
    with look():
        figure = Figure(figsize=(PAGE_WIDTH_IN, 2.3 * len(curves)), layout="constrained")
        panels = figure.subplots(len(curves), 2, squeeze=False, sharey=True, sharex=True)
        for row, one in zip(panels, curves, strict=True):
            for axes, way in zip(row, ("deletion", "insertion"), strict=True):
                random = getattr(one, f"random_{way}")
                for order in random:
                    axes.plot(share, order, color=GREY, linewidth=0.4, alpha=0.6)
                axes.plot(share, random.mean(axis=0), color=GREY, linestyle="--", label="random orders, and their mean")
                axes.plot(share, getattr(one, way), color=FOR_COLOR, label="by attribution")
                axes.set(title=f"{way} of the {one.half}", ylim=(-0.02, 1.02), xlim=(0, 100))
            row[0].set_ylabel(f"probability of {literal(class_name)}")
        for axes, way in zip(panels[-1], ("deleted", "inserted"), strict=True):
            axes.set_xlabel(f"share of parts {way}, %")
        panels[0, 1].legend(loc="lower right")
    return figure


def _draw_map(axes: Axes, heat: NDArray[np.float64], explanation: Explanation) -> None:
    length_s = heat.shape[1] / explanation.rate_hz
    place = (0, length_s, len(LEADS), 0)
    axes.imshow(heat, cmap=_COLORS, vmin=-1, vmax=1, aspect="auto", interpolation="nearest", extent=place)
    axes.set(yticks=np.arange(len(LEADS)) + 0.5, xlabel="time, s")
    axes.set_yticklabels(LEADS)
    axes.tick_params(axis="y", length=0)
    axes.grid(False)
    name = literal(explanation.class_name)
    axes.set_title(f"all leads: for {name} orange, against {name} blue, the stronger the deeper", loc="left")
