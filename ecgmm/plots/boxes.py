"""Boxes, tables in boxes and arrows on a page that is measured in millimetres from its top left corner."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from ecgmm.plots.palette import GREY

_MM_PER_IN = 25.4
_LINE_PT, _ROUND_MM = 0.7, 1.2
LINE_MM = 3.3
"""Height of a line of small text."""
PAD_MM = 1.6
"""Room between the side of a box and its text."""
TEXT_PT, SMALL_PT = 7.0, 6.0


@dataclass(frozen=True)
class Box:
    """Place of a box, in mm."""

    left: float
    top: float
    width: float
    height: float

    @property
    def centre(self) -> float:
        """Of its width."""
        return self.left + self.width / 2

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height


def blank_page(width_in: float, height_mm: float) -> tuple[Figure, Axes]:
    """A figure with axes over all of it, in mm, the origin at the top left."""
    figure = Figure(figsize=(width_in, height_mm / _MM_PER_IN))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width_in * _MM_PER_IN), ylim=(height_mm, 0))
    axes.set_axis_off()
    return figure, axes


def draw_box(axes: Axes, box: Box, color: str, dashed: bool = False) -> None:
    """Draw a rounded box in a tint of its colour."""
    axes.add_patch(
        FancyBboxPatch(
            (box.left, box.top),
            box.width,
            box.height,
            boxstyle=f"round,pad=0,rounding_size={_ROUND_MM}",
            facecolor=(color, 0.10),
            edgecolor=color,
            linewidth=_LINE_PT,
            linestyle=(0, (4, 2)) if dashed else "-",
        )
    )


def draw_arrow(axes: Axes, points: Sequence[tuple[float, float]], dashed: bool = False) -> None:
    """Draw a line through the points with a head at its end."""
    style = (0, (4, 2)) if dashed else "-"
    axes.plot(*zip(*points, strict=True), color=GREY, linewidth=_LINE_PT, linestyle=style, solid_joinstyle="miter")
    axes.annotate(
        "",
        points[-1],
        points[-2],
        arrowprops={
            "arrowstyle": "-|>",
            "color": GREY,
            "linewidth": 0,
            "shrinkA": 0,
            "shrinkB": 0,
            "mutation_scale": 7,
        },
    )


def draw_text_box(
    axes: Axes,
    place: tuple[float, float, float],
    title: str,
    what: str,
    color: str,
    count: int | None = None,
    dashed: bool = False,
) -> Box:
    """Draw a box of two lines.

    Args:
        axes: Those of ``blank_page``.
        place: Left, top and width in mm.
        title: First line.
        what: Second line, in small type.
        color: Of the box.
        count: Number to write at the right of the title.
        dashed: Whether the box has a dashed edge.
    """
    box = Box(*place, height=10.0)
    draw_box(axes, box, color, dashed)
    write(axes, box.left + PAD_MM, box.top + 2.9, title)
    write(axes, box.left + PAD_MM, box.top + 7.1, what, size=SMALL_PT)
    if count is not None:
        write(axes, box.left + box.width - PAD_MM, box.top + 2.9, f"{count:,}", ha="right")
    return box


def write(
    axes: Axes, x: float, y: float, text: str, size: float = TEXT_PT, color: str = "black", ha: str = "left"
) -> None:
    """Write one line with its middle at the height y."""
    axes.text(x, y, text, fontsize=size, color=color, ha=ha, va="center_baseline")
