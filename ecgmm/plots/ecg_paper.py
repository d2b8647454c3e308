"""A twelve-lead ECG on clinical paper: three rows of four leads, a rhythm strip, a calibration pulse before each row.

Own code, because ecg_plot 0.3.0 has no public way to draw into a part of a page: it returns a figure of its own for
each record, with panels set apart, where a pair of sheets needs one page.

Source: AHA/ACC/HRS recommendations for the standardization of the electrocardiogram (2007): 25 mm/s, 10 mm/mV.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba_array
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from ecgmm.leads import LEADS
from ecgmm.plots.palette import OKABE_ITO

SPEED_MM_PER_S = 25.0
GAIN_MM_PER_MV = 10.0
PULSE_S, PULSE_MV = 0.2, 1.0
RHYTHM_LEAD = "II"
MARK_COLOR = OKABE_ITO[1]
TRACE_COLOR = "black"
FOR_COLOR, AGAINST_COLOR = OKABE_ITO[1], OKABE_ITO[0]
"""What speaks for a class and against it: orange and blue, which no common colour blindness confuses."""

PULSE_ROOM_MM = 10.0
"""Room before each row, with the pulse in its middle."""
_ROW_MM, _BELOW_MM = 25.0, 10.0  # height of a row, and how much of it lies below the row's zero line
_N_LEAD_ROWS, _N_COLUMNS = 3, 4
_GRID = ((1, "#fbdede", 0.15), (5, "#f0a3a3", 0.35))  # distance in mm, colour, width in points
_TRACE_PT, _MARK_PT, _HEAT_PT = 0.5, 1.0, 4.5
_HALO = [withStroke(linewidth=1.5, foreground="white")]  # traces may run through the names


@dataclass(frozen=True)
class Strip:
    """A stretch of one lead on the sheet.

    Attributes:
        lead: Name of the lead.
        row: Row on the sheet, 0 at the top.
        start: First sample.
        stop: Sample behind the last one.
    """

    lead: str
    row: int
    start: int
    stop: int


def sheet_size_mm(duration_s: float) -> tuple[float, float]:
    """Width and height of a record's sheet at full size."""
    return PULSE_ROOM_MM + SPEED_MM_PER_S * duration_s, _ROW_MM * (_N_LEAD_ROWS + 1)


def strips(n_times: int) -> list[Strip]:
    """Strips of a sheet: columns follow one another in time, as a cart prints them; the rhythm strip is the whole."""
    borders = [round(n_times * column / _N_COLUMNS) for column in range(_N_COLUMNS + 1)]
    sheet = []
    for index, lead in enumerate(LEADS):
        column, row = divmod(index, _N_LEAD_ROWS)
        sheet.append(Strip(lead, row, borders[column], borders[column + 1]))
    return [*sheet, Strip(RHYTHM_LEAD, _N_LEAD_ROWS, 0, n_times)]


def draw_sheet(
    axes: Axes,
    signals_mv: NDArray[np.floating],
    rate_hz: float,
    marked: NDArray[np.bool_],
    font_pt: float,
    heat: NDArray[np.floating] | None = None,
) -> None:
    """Draw a record; one unit of the axes is 1 mm of paper at full size.

    What leaves the sheet is cut off there; of the marked samples that do, each strip's largest is written at the edge.

    Args:
        axes: Empty axes with the proportions of ``sheet_size_mm``.
        signals_mv: ``[12, T]`` in mV, in the order of ``leads.LEADS``; NaN leaves a gap.
        rate_hz: Sampling rate.
        marked: ``[12, T]``, samples to draw in ``MARK_COLOR``, with the lines to their neighbours.
        font_pt: Size of the lead names.
        heat: ``[12, T]`` from -1 to 1, drawn as a band of that strength behind each trace, above 0 in ``FOR_COLOR`` and
            below in ``AGAINST_COLOR``.
    """
    width, height = sheet_size_mm(signals_mv.shape[1] / rate_hz)
    _draw_paper(axes, width, height)
    for strip in strips(signals_mv.shape[1]):
        index, part = LEADS.index(strip.lead), slice(strip.start, strip.stop)
        x = PULSE_ROOM_MM + SPEED_MM_PER_S * np.arange(strip.start, strip.stop) / rate_hz
        y = _zero_mm(strip.row) + GAIN_MM_PER_MV * signals_mv[index, part]
        if heat is not None:
            _draw_heat(axes, x, y, heat[index, part])
        axes.plot(x, y, color=TRACE_COLOR, linewidth=_TRACE_PT, label=strip.lead)
        _write_name(axes, strip, x[0], font_pt)
        if marked[index, part].any():
            near = np.convolve(marked[index, part], [1, 1, 1], mode="same") > 0  # a single sample would be no line
            chosen = np.where(near, y, np.nan)
            axes.plot(x, chosen, color=MARK_COLOR, linewidth=_MARK_PT, label=strip.lead)
            _write_cut_off(axes, strip, x, chosen, font_pt)
    for row in range(_N_LEAD_ROWS + 1):
        _draw_pulse(axes, row)


def _draw_paper(axes: Axes, width: float, height: float) -> None:
    axes.set(xlim=(0, width), ylim=(0, height), xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color=_GRID[1][1], linewidth=_GRID[1][2])
    for step, color, points in _GRID:
        upright, level = np.arange(0, width + 0.5, step), np.arange(0, height + 0.5, step)
        # One line with gaps for each direction: hundreds of lines would swell the files.
        axes.plot(np.repeat(upright, 3), np.tile([0, height, np.nan], len(upright)), color=color, linewidth=points)
        axes.plot(np.tile([0, width, np.nan], len(level)), np.repeat(level, 3), color=color, linewidth=points)


def _zero_mm(row: int) -> float:
    """Height of 0 mV on the sheet."""
    return _ROW_MM * (_N_LEAD_ROWS - row) + _BELOW_MM


def _draw_pulse(axes: Axes, row: int) -> None:
    length, up = PULSE_S * SPEED_MM_PER_S, PULSE_MV * GAIN_MM_PER_MV
    start = (PULSE_ROOM_MM - length) / 2
    x = np.array([0, start, start, start + length, start + length, PULSE_ROOM_MM])
    y = _zero_mm(row) + np.array([0, 0, up, up, 0, 0])
    axes.plot(x, y, color=TRACE_COLOR, linewidth=_TRACE_PT, label="calibration")


def _draw_heat(axes: Axes, x: NDArray[np.floating], y: NDArray[np.floating], heat: NDArray[np.floating]) -> None:
    """Draw a broad line whose opacity is the strength; a piece has that of its two ends."""
    between = (heat[:-1] + heat[1:]) / 2
    colors = to_rgba_array([FOR_COLOR if value > 0 else AGAINST_COLOR for value in between])
    colors[:, 3] = np.abs(between).clip(0, 1)
    points = np.stack([x, y], axis=1)
    seen = colors[:, 3] > 0.02  # what cannot be seen would swell the files
    pieces = np.stack([points[:-1], points[1:]], axis=1)[seen]
    axes.add_collection(
        LineCollection(list(pieces), colors=colors[seen], linewidths=_HEAT_PT, zorder=2, capstyle="butt", label="heat"),
        autolim=False,
    )


def _write_name(axes: Axes, strip: Strip, x: float, font_pt: float) -> None:
    place = (x + 1, _zero_mm(strip.row) + _ROW_MM - _BELOW_MM - 1)
    axes.text(*place, strip.lead, fontsize=font_pt, va="top", path_effects=_HALO)
    if strip.start > 0:  # where one lead ends and the next begins
        axes.plot([x, x], [_zero_mm(strip.row) - 3, _zero_mm(strip.row) + 3], color=TRACE_COLOR, linewidth=_TRACE_PT)


def _write_cut_off(axes: Axes, strip: Strip, x: NDArray[np.floating], y: NDArray[np.floating], font_pt: float) -> None:
    """Write the largest sample that leaves the sheet; each row has its own place, so that none meets another."""
    width, height = axes.get_xlim()[1], axes.get_ylim()[1]
    beyond = np.nan_to_num(np.abs(y - np.clip(y, 0, height)))
    if not beyond.any():
        return
    index = int(beyond.argmax())
    inward = 1 + 6 * strip.row
    place, vertical = (height - inward, "top") if y[index] > height else (inward, "bottom")
    shift, horizontal = (1, "left") if x[index] < 0.8 * width else (-1, "right")
    text = f"{strip.lead} {(y[index] - _zero_mm(strip.row)) / GAIN_MM_PER_MV:.1f} mV"
    axes.text(
        x[index] + shift,
        place,
        text,
        fontsize=font_pt,
        va=vertical,
        ha=horizontal,
        color=MARK_COLOR,
        path_effects=_HALO,
    )
