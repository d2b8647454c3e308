"""Many small panels of lines over five steps, one legend for all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from ecgmm.plots.look import PAGE_WIDTH_IN, literal
from ecgmm.plots.palette import line_styles

_COLUMNS, _ROW_IN, _LEGEND_IN = 5, 1.25, 0.45
_LEGEND_CHARACTERS = 130  # that fit beside one another
_MARKERS = "osD^vPX"


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes:
        title: Above it.
        unit: Below it.
        ticks: Text of each step, the first that of nothing done.
        lines: Values at the steps, by name of the line; NaN where there is none.
    """

    title: str
    unit: str
    ticks: Sequence[str]
    lines: Mapping[str, Sequence[float]]


def small_panels(panels: Sequence[Panel], y_label: str, y_limits: tuple[float, float]) -> Figure:
    """Draw panels in rows of five, all on one scale.

    Args:
        panels: The same lines in each.
        y_label: What the values are.
        y_limits: Of all panels.
    """
    n_rows = -(-len(panels) // _COLUMNS)
    figure = Figure(figsize=(PAGE_WIDTH_IN, _ROW_IN * n_rows + _LEGEND_IN), layout="constrained")
    axes = figure.subplots(n_rows, _COLUMNS, squeeze=False, sharey=True)
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    styles = dict(zip(names, line_styles(len(names)), strict=True))
    for place, panel in zip(axes.flat, panels, strict=False):
        for index, (name, values) in enumerate(panel.lines.items()):
            style, marker = styles[name], _MARKERS[index % len(_MARKERS)]
            look = {"color": style.color, "linestyle": style.dash, "linewidth": 0.9, "markersize": 2}
            place.plot(range(len(values)), values, marker=marker, label=literal(name), **look)
        place.set_title(literal(panel.title.replace("_", " ")), fontsize=6.5)
        place.set_xticks(range(len(panel.ticks)), panel.ticks, fontsize=5)
        place.set_xlabel(literal(panel.unit), fontsize=5.5, labelpad=1)
        place.tick_params(axis="y", labelsize=5.5)
        place.set_ylim(*y_limits)
    for place in list(axes.flat)[len(panels) :]:
        place.set_axis_off()
    for row in axes:
        row[0].set_ylabel(y_label, fontsize=6)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    columns = max(1, min(len(names), _LEGEND_CHARACTERS // (max(map(len, labels)) + 6)))
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, fontsize=6.5)
    return figure
