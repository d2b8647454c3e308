"""Gaps of groups with their intervals, one row a group, several methods side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from ecgmm.evaluation.comparison import Difference
from ecgmm.plots.look import PAGE_WIDTH_IN, literal
from ecgmm.plots.palette import GREY, OKABE_ITO

_ROW_IN, _LINE_IN, _HEAD_IN = 0.19, 0.12, 0.75


@dataclass(frozen=True)
class GapRow:
    """One group.

    Attributes:
        label: Its name.
        gaps: By method; a method without a test of it lacks it.
        marked: Methods whose gap stays after correction.
    """

    label: str
    gaps: Mapping[str, Difference]
    marked: frozenset[str]


def draw_gaps(rows: Sequence[GapRow], methods: Sequence[str], x_label: str) -> Figure:
    """Draw gaps with their 95 % intervals around a line at 0; filled where a gap stays after correction.

    Args:
        rows: From top to bottom.
        methods: One panel each.
        x_label: What the gap is of.
    """
    titles = {method: literal(method).replace(", ", ",\n") for method in methods}
    head_in = _HEAD_IN + _LINE_IN * max(title.count("\n") for title in titles.values())
    figure = Figure(figsize=(PAGE_WIDTH_IN, head_in + _ROW_IN * len(rows)), layout="constrained")
    panels = figure.subplots(1, len(methods), squeeze=False, sharex=True, sharey=True)[0]
    for axes, method, color in zip(panels, methods, OKABE_ITO, strict=False):
        axes.axvline(0, color=GREY, linewidth=0.8)
        for height, row in enumerate(rows):
            if method not in row.gaps:
                continue
            one, is_marked = row.gaps[method], method in row.marked
            axes.hlines(height, one.low, one.high, color=color, linewidth=1.6 if is_marked else 1.0)
            axes.plot([one.value], [height], "o", color=color, markerfacecolor=color if is_marked else "white")
        axes.set_title(titles[method], loc="left", fontsize=7.5)
        axes.grid(visible=False, axis="y")
    panels[0].set_yticks(range(len(rows)), [literal(row.label) for row in rows], fontsize=6.5)
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    figure.supxlabel(x_label, fontsize=8)
    return figure
