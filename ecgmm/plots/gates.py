"""Where the gate leans: distribution of the waveform's weight alpha, one panel a class."""

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from ecgmm.plots.palette import GREY, OKABE_ITO

_BINS = np.linspace(0, 1, 41)
_COLUMNS = 3


def gate_histograms(
    gates: NDArray[np.floating], labels: NDArray[Any], class_names: Sequence[str], title: str = ""
) -> Figure:
    """Draw a histogram of the gate for the records of each class, on one scale.

    Args:
        gates: Weight alpha of the waveform ``[n]`` in [0, 1]; NaN (no gate) is left out.
        labels: Class numbers ``[n]``, or ``[n, K]`` in [0, 1] for multi-label (a record stands in each of its classes).
        class_names: K names.
        title: Put in front of the heading.
    """
    member = labels[:, None] == np.arange(len(class_names)) if labels.ndim == 1 else labels >= 0.5
    member = member & np.isfinite(gates)[:, None]
    n_columns = min(_COLUMNS, len(class_names))
    n_rows = ceil(len(class_names) / n_columns)
    figure = Figure(figsize=(1.2 + 3.0 * n_columns, 1.2 + 2.0 * n_rows), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False).ravel()
    for k, (axes, name) in enumerate(zip(panels, class_names, strict=False)):
        values = gates[member[:, k]]
        axes.set_title(f"{name}  ({len(values):,} records)", fontsize=10)
        axes.axvline(0.5, color=GREY, linewidth=0.8, linestyle=(0, (1, 2)))
        axes.tick_params(labelbottom=True)
        axes.yaxis.set_major_formatter(PercentFormatter(xmax=1))
        if len(values):
            axes.hist(values, bins=_BINS, weights=np.full(len(values), 1 / len(values)), color=OKABE_ITO[0])
            axes.axvline(np.median(values), color=OKABE_ITO[1], linewidth=1.8)
            axes.annotate(
                f"median {np.median(values):.2f}",
                (0.02, 0.97),
                xycoords="axes fraction",
                va="top",
                fontsize=8,
                color=OKABE_ITO[1],
            )
    for axes in panels[len(class_names) :]:
        axes.remove()
    panels[0].set_xlim(0, 1)
    figure.supxlabel("Gate α: weight of the waveform (0 = report only, 1 = waveform only)", fontsize=10)
    figure.supylabel("Share of the class's records", fontsize=10)
    figure.suptitle(f"{title}: gate by class" if title else "Gate by class")
    return figure
