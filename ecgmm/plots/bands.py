"""Lines over the settings of a study, with 95 % bands over seeds."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from ecgmm.evaluation.seeds import t_interval
from ecgmm.plots.palette import GREY, LineStyle

_ZERO_SHARE = 0.5
"""Decades between 0 and the first positive value of a logarithmic axis that begins at 0."""
_MANY = 1000
"""Highest over lowest value from which ticks between the decades would crowd."""


def draw_band(
    axes: Axes, values: Mapping[float, Sequence[float]], style: LineStyle, label: str, marker: str = "o"
) -> None:
    """Draw the mean over seeds, its 95 % t interval as a band, and every seed as a faint dot.

    A value at 0 is not joined to the others: a logarithmic axis has no way from there to them. A setting with one
    seed has no band.

    Args:
        axes: Where to draw.
        values: One number per seed for each setting (x).
        style: Colour and dash.
        label: For the legend.
        marker: Shape of the means, so that lines differ in more than colour.
    """
    settings = sorted(values)
    intervals = {x: t_interval(values[x]) for x in settings}
    for part in ([x for x in settings if x == 0], [x for x in settings if x != 0]):
        means, low, high = (np.array([getattr(intervals[x], name) for x in part]) for name in ("value", "low", "high"))
        axes.plot(part, means, color=style.color, linestyle=style.dash, marker=marker, label=label)
        if part == [0]:
            axes.vlines(part, low, high, color=style.color, alpha=0.35, linewidth=5)
        else:
            axes.fill_between(part, low, high, color=style.color, alpha=0.18, linewidth=0)
        label = "_" + label  # the second part is the same line
    dots = [(x, value) for x in settings for value in values[x]]
    axes.plot(*zip(*dots, strict=True), linestyle="", marker=".", markersize=3, color=style.color, alpha=0.5)


def logarithmic_axis(axes: Axes, settings: Sequence[float], labels: Sequence[str]) -> None:
    """Make x logarithmic with a tick at every setting; 0, if it is one, stands at the left behind a break.

    Args:
        axes: Whose x axis.
        settings: In rising order.
        labels: One a setting.
    """
    positive = [x for x in settings if x > 0]
    if positive == list(settings):
        axes.set_xscale("log")
        axes.set_xlim(settings[0] / 1.25, settings[-1] * 1.25)
    else:
        axes.set_xscale("symlog", linthresh=positive[0], linscale=_ZERO_SHARE)
        axes.set_xlim(-0.3 * positive[0], settings[-1] * 1.35)
        for shift in (0.45, 0.55):  # two strokes through the axis: what lies between is not to scale
            axes.plot(
                [shift * positive[0]],
                [0],
                transform=axes.get_xaxis_transform(),
                marker=[(-0.5, -1), (0.5, 1)],
                markersize=6,
                color="black",
                markeredgewidth=0.7,
                linestyle="",
                clip_on=False,
            )
    axes.set_xticks(settings, labels)
    axes.xaxis.set_minor_locator(NullLocator())


def logarithmic_values(axes: Axes) -> None:
    """Make y logarithmic with plain numbers: 1, 2 and 5 of each decade, or 1 where there are many decades."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < _MANY else (1,)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def mark_chosen(axes: Axes, setting: float) -> None:
    """A vertical line at the setting that was chosen."""
    axes.axvline(setting, color=GREY, linewidth=0.9, linestyle=(0, (4, 2)), zorder=0)
