"""Reliability diagram: confidence against share correct, and how many predictions stand behind each point."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ecgmm.evaluation.calibration import EDGES, ReliabilityCurve
from ecgmm.plots.palette import GREY, OKABE_ITO

BEFORE_COLOR, AFTER_COLOR = OKABE_ITO[0], OKABE_ITO[1]
LEAST_COUNT = 10
"""Of fewer predictions the share correct is mostly chance, and its point would draw the eye."""


def draw_reliability(
    curves: Axes, counts: Axes, before: ReliabilityCurve, after: ReliabilityCurve, n_seeds: int = 1
) -> None:
    """Draw the probabilities as they are and after temperature; on the diagonal they mean what they say.

    Args:
        curves: Gets the two lines; bins of fewer predictions than ``LEAST_COUNT`` have no point.
        counts: Gets the number of predictions in each bin, under the lines.
        before: As they are.
        after: After temperature.
        n_seeds: Number of runs whose predictions the curves count; the number shown is that of one run.
    """
    curves.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (1, 2)))
    for curve, color, dash, marker in ((before, BEFORE_COLOR, "-", "o"), (after, AFTER_COLOR, "--", "s")):
        there = curve.count >= LEAST_COUNT
        curves.plot(
            curve.confidence[there],
            curve.correct[there],
            color=color,
            linestyle=dash,
            linewidth=1,
            marker=marker,
            markersize=2.5,
        )
        counts.stairs(curve.count / n_seeds, EDGES, color=color, linestyle=dash, linewidth=0.9)
    curves.set(xlim=(0, 1), ylim=(0, 1.02), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    counts.set_ylim(0, 1.1 * max(np.max(before.count), np.max(after.count)) / n_seeds)
    counts.yaxis.set_major_locator(MaxNLocator(2, integer=True))
