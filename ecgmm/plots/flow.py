"""Flow of the participants: what was listed, what was left out at each step and why, and what each split uses."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecgmm.plots.boxes import LINE_MM, PAD_MM, SMALL_PT, Box, blank_page, draw_arrow, draw_box, write
from ecgmm.plots.look import PAGE_WIDTH_IN, literal
from ecgmm.plots.palette import GREY, OKABE_ITO

_WIDTH_MM, _GAP_MM, _EDGE_MM = PAGE_WIDTH_IN * 25.4, 6.0, 2.0
_HEAD_MM = 5.0
_LONGEST_LINE = 46  # characters that fit in a third of the width


@dataclass(frozen=True)
class Step:
    """A box of the flow.

    Attributes:
        title: What is counted, with its number.
        lines: More about it, in small type.
        left_out: What is not in it any more, by reason, with numbers.
    """

    title: str
    lines: Sequence[str] = ()
    left_out: Sequence[str] = ()

    @property
    def height_mm(self) -> float:
        """Of the box."""
        return _HEAD_MM + LINE_MM * len(self.lines) + 1.5


def flow(steps: Sequence[Step], splits: Sequence[Step]) -> Figure:
    """Draw steps one under the other, what each leaves out at its right, and under the last the splits side by side.

    Args:
        steps: Of all records.
        splits: What each split uses and leaves out.
    """
    tops, top = [], _EDGE_MM
    for step in steps:
        tops.append(top)
        top += max(step.height_mm, _left_out_mm(step)) + _GAP_MM
    tallest, below = (max(part(one) for one in splits) for part in (lambda one: one.height_mm, _left_out_mm))
    figure, axes = blank_page(PAGE_WIDTH_IN, top + tallest + (below + 3 if below else 0) + _EDGE_MM)
    column = (_WIDTH_MM - 2 * _EDGE_MM - _GAP_MM * (len(splits) - 1)) / len(splits)
    middle = (_WIDTH_MM - 2 * _EDGE_MM - 2 * _GAP_MM) / 3
    left = _EDGE_MM + middle + _GAP_MM
    boxes = [Box(left, at, middle, step.height_mm) for at, step in zip(tops, steps, strict=True)]
    for box, step in zip(boxes, steps, strict=True):
        _draw(axes, box, step, OKABE_ITO[0])
        if step.left_out:
            beside = Box(left + middle + _GAP_MM, box.top, middle, _left_out_mm(step))
            _draw(axes, beside, Step("left out", step.left_out), GREY, dashed=True)
            draw_arrow(axes, [(left + middle, box.top + 2.9), (beside.left, box.top + 2.9)], dashed=True)
    for one, after in pairwise(boxes):
        draw_arrow(axes, [(one.centre, one.bottom), (after.centre, after.top)])
    for number, split in enumerate(splits):
        box = Box(_EDGE_MM + number * (column + _GAP_MM), top, column, tallest)
        bend = top - _GAP_MM / 2
        centre = boxes[-1].centre
        draw_arrow(axes, [(centre, boxes[-1].bottom), (centre, bend), (box.centre, bend), (box.centre, top)])
        _draw(axes, box, split, OKABE_ITO[2])
        if split.left_out:
            lower = Box(box.left, box.bottom + 3, column, _left_out_mm(split))
            _draw(axes, lower, Step("left out", split.left_out), GREY, dashed=True)
    return figure


def _left_out_mm(step: Step) -> float:
    return Step("", step.left_out).height_mm if step.left_out else 0.0


def _draw(axes: Axes, box: Box, step: Step, color: str, dashed: bool = False) -> None:
    draw_box(axes, box, color, dashed)
    write(axes, box.left + PAD_MM, box.top + 2.9, literal(step.title))
    for number, line in enumerate(step.lines):
        text = line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"
        write(axes, box.left + PAD_MM, box.top + _HEAD_MM + LINE_MM * (number + 0.5), literal(text), size=SMALL_PT)
