"""Decision curves: net benefit over the probability from which on one would treat, one panel a class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ecgmm.plots.look import PAGE_WIDTH_IN, literal
from ecgmm.plots.palette import GREY, line_styles

_COLUMNS, _ROW_IN, _LEGEND_IN = 3, 1.9, 0.5
_BELOW = 0.25  # of the prevalence: what lies deeper is no news


@dataclass(frozen=True)
class DecisionPanel:
    """Curves of one class.

    Attributes:
        title: Its name and prevalence.
        prevalence: Share of the records.
        treat_all: Net benefit of treating everybody ``[P]``.
        lines: Net benefit by method ``[P]``.
        band: Bounds of the first method ``[2, P]``.
    """

    title: str
    prevalence: float
    treat_all: NDArray[np.float64]
    lines: Mapping[str, NDArray[np.float64]]
    band: NDArray[np.float64]


def draw_decisions(panels: Sequence[DecisionPanel], thresholds: Sequence[float]) -> Figure:
    """Draw panels in rows of three; each has its own scale, since the most that can be won is the prevalence.

    Args:
        panels: The same methods in each.
        thresholds: ``[P]``.
    """
    n_columns = min(_COLUMNS, len(panels))
    n_rows = ceil(len(panels) / n_columns)
    figure = Figure(figsize=(PAGE_WIDTH_IN, _ROW_IN * n_rows + _LEGEND_IN), layout="constrained")
    places = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True)
    methods = list(panels[0].lines)
    for axes, panel in zip(places.flat, panels, strict=False):
        axes.plot(thresholds, panel.treat_all, color=GREY, linewidth=0.9, linestyle=(0, (4, 2)), label="treat all")
        axes.axhline(0, color="black", linewidth=0.7, label="treat none")
        for index, (method, style) in enumerate(zip(methods, line_styles(len(methods)), strict=True)):
            look = {"color": style.color, "linestyle": style.dash, "linewidth": 1.1}
            if index == 0:
                axes.fill_between(thresholds, *panel.band, color=style.color, alpha=0.15, linewidth=0)
            axes.plot(thresholds, panel.lines[method], label=literal(method), **look)
        axes.set_title(literal(panel.title), loc="left", fontsize=7.5)
        axes.set_ylim(-_BELOW * panel.prevalence, 1.1 * panel.prevalence)
        axes.tick_params(labelbottom=True)
    for axes in list(places.flat)[len(panels) :]:
        axes.remove()
    figure.supxlabel("Probability from which on one would treat", fontsize=8)
    figure.supylabel("Net benefit (cases a record)", fontsize=8)
    handles, labels = places.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 4), fontsize=7)
    return figure
