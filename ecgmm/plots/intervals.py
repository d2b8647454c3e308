"""Points with their intervals, one under the other."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from ecgmm.plots.palette import GREY, OKABE_ITO

Interval = tuple[float, float, float]
"""Value, lower and upper bound; NaN where there is none."""


def draw_intervals(
    axes: Axes, intervals: Sequence[Interval], colors: Sequence[str] = (), reference: float | None = None
) -> None:
    """Draw a point and its interval in each line, the first one at the top.

    Args:
        axes: Where to draw; lines are at 0, 1, ... from the top.
        intervals: One a line; a line of NaN stays empty.
        colors: One a line; blue where none are given.
        reference: Value that a dashed vertical line marks.
    """
    for line, (value, low, high) in enumerate(intervals):
        color = colors[line] if colors else OKABE_ITO[0]
        axes.plot([low, high], [line, line], color=color, linewidth=1.3, solid_capstyle="butt")
        axes.plot([value], [line], color=color, marker="s", markersize=3.5, linestyle="")
    if reference is not None and np.isfinite(reference):
        axes.axvline(reference, color=GREY, linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
    axes.set_ylim(len(intervals) - 0.4, -0.6)
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)


def write_lines(axes: Axes, texts: Sequence[str], colors: Sequence[str] = ()) -> None:
    """Write a text in each line of a panel without a frame, to stand beside those of ``draw_intervals``."""
    for line, text in enumerate(texts):
        axes.text(0, line, text, va="center", fontsize=6.5, color=colors[line] if colors else "black")
    axes.set_ylim(len(texts) - 0.4, -0.6)
    axes.set_axis_off()
