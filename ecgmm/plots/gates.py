"""Distribution of the waveform's weight alpha in groups of records."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from ecgmm.evaluation.metrics import positives
from ecgmm.plots.look import literal
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
    member = positives(labels, len(class_names))
    member = member & np.isfinite(gates)[:, None]
    n_columns = min(_COLUMNS, len(class_names))
    n_rows = ceil(len(class_names) / n_columns)
    figure = Figure(figsize=(0.6 + 2.2 * n_columns, 0.8 + 1.4 * n_rows), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False).ravel()
    for k, (axes, name) in enumerate(zip(panels, class_names, strict=False)):
        values = gates[member[:, k]]
        axes.set_title(f"{literal(name)}  ({len(values):,} records)")
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
                fontsize=7,
                color=OKABE_ITO[1],
            )
    for axes in panels[len(class_names) :]:
        axes.remove()
    panels[0].set_xlim(0, 1)
    figure.supxlabel("Gate α: weight of the waveform (0 = report only, 1 = waveform only)", fontsize=8)
    figure.supylabel("Share of the class's records", fontsize=8)
    figure.suptitle(f"{title}: gate by class" if title else "Gate by class")
    return figure


def draw_gate_ridges(axes: Axes, groups: Mapping[str, NDArray[np.floating]], n_records: Mapping[str, int]) -> None:
    """Draw one histogram of the gate a group, one under the other, with the median of each.

    Each is scaled to its own highest bin, so that shapes can be compared and areas cannot.

    Args:
        axes: Where to draw.
        groups: Gates ``[n]`` in [0, 1] by name of the group as it is shown (``literal`` makes one of a class name),
            from top to bottom; several seeds may be pooled.
        n_records: Records of each group, each counted once.
    """
    baselines = np.arange(len(groups))[::-1].astype(float)
    for baseline, values in zip(baselines, groups.values(), strict=True):
        axes.axhline(baseline, color=GREY, linewidth=0.5)
        if not len(values):
            continue
        heights = np.histogram(values, _BINS)[0].astype(float)
        axes.stairs(
            baseline + 0.72 * heights / heights.max(),
            _BINS,
            baseline=baseline,
            fill=True,
            color=OKABE_ITO[0],
            alpha=0.65,
        )
        median = float(np.median(values))
        axes.vlines(median, baseline, baseline + 0.76, color=OKABE_ITO[1], linewidth=1.6)
        axes.annotate(
            f"median {median:.2f}",
            (0.99, baseline + 0.97),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="top",
            fontsize=7,
            color=OKABE_ITO[1],
        )
    axes.set_yticks(baselines + 0.3, [f"{name}\n{n_records[name]:,}" for name in groups])
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.05, len(groups)), xticks=[0, 0.5, 1])
    axes.set_xticks([0.25, 0.75], minor=True)
