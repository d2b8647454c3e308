"""ECG paper: 1 unit of the axes is 1 mm, 25 mm are one second, 10 mm one millivolt."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from ecgmm.leads import LEADS
from ecgmm.plots.ecg_paper import AGAINST_COLOR, FOR_COLOR, MARK_COLOR, draw_sheet, sheet_size_mm, strips

RATE_HZ = 100


def sheet(signals_mv: NDArray[np.floating], rate_hz: float = RATE_HZ, marked: NDArray[np.bool_] | None = None) -> Axes:
    axes = Figure().add_axes((0, 0, 1, 1))
    draw_sheet(axes, signals_mv, rate_hz, np.zeros(signals_mv.shape, bool) if marked is None else marked, font_pt=5)
    return axes


def lines(axes: Axes, label: str, color: str = "black") -> list[Line2D]:
    return [line for line in axes.lines if line.get_label() == label and line.get_color() == color]


def data(line: Line2D) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    return np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)


def test_the_calibration_pulse_before_each_row_is_5_mm_long_and_10_mm_high() -> None:
    pulses = lines(sheet(np.zeros((12, 1000))), "calibration")
    assert len(pulses) == 4
    for pulse in pulses:
        x, y = data(pulse)
        assert np.ptp(x[y == y.max()]) == 5
        assert np.ptp(y) == 10


@pytest.mark.parametrize("rate_hz", [100, 500])
def test_one_second_is_25_mm_and_one_millivolt_10_mm_at_every_rate(rate_hz: int) -> None:
    signals = np.zeros((12, 10 * rate_hz))
    signals[:, rate_hz] = 1.0
    axes = sheet(signals, rate_hz)
    rhythm = lines(axes, "II")[1]
    x, y = data(rhythm)
    assert x[6 * rate_hz] - x[5 * rate_hz] == pytest.approx(25)
    assert y[rate_hz] - y[0] == pytest.approx(10)
    assert sheet_size_mm(10) == (260, 100) == (axes.get_xlim()[1], axes.get_ylim()[1])


def test_paper_has_lines_at_every_millimetre_and_heavier_ones_at_every_fifth() -> None:
    minor, _, major, _ = (line for line in sheet(np.zeros((12, 1000))).lines[:4])
    for line, step in ((minor, 1), (major, 5)):
        upright = np.unique(data(line)[0])
        np.testing.assert_allclose(np.diff(upright), step)
    assert major.get_linewidth() > minor.get_linewidth()


def test_columns_follow_one_another_and_the_rhythm_strip_has_every_sample() -> None:
    found = strips(1000)
    assert [strip.lead for strip in found] == [*LEADS, "II"]
    assert [(strip.lead, strip.row) for strip in found if strip.start == 250] == [("aVR", 0), ("aVL", 1), ("aVF", 2)]
    covered = sorted((strip.start, strip.stop) for strip in found[:-1])[::3]
    assert covered == [(0, 250), (250, 500), (500, 750), (750, 1000)]
    assert (found[-1].start, found[-1].stop, found[-1].row) == (0, 1000, 3)


def test_missing_samples_leave_gaps() -> None:
    signals = np.zeros((12, 1000))
    signals[1, 100:150] = np.nan
    for line in lines(sheet(signals), "II"):
        assert np.flatnonzero(np.isnan(data(line)[1])).tolist() == list(range(100, 150))
    assert not np.isnan(data(lines(sheet(signals), "III")[0])[1]).any()


def test_marked_samples_are_drawn_over_in_colour_and_no_others() -> None:
    marked = np.zeros((12, 1000), bool)
    marked[6, 600:620] = True
    axes = sheet(np.zeros((12, 1000)), marked=marked)
    [line] = lines(axes, "V1", MARK_COLOR)
    assert np.flatnonzero(~np.isnan(data(line)[1])).tolist() == list(range(99, 121)), "with the lines to the neighbours"
    assert lines(axes, "V2", MARK_COLOR) == []


@pytest.mark.parametrize("value_mv", [14.0, -14.0])
def test_a_marked_spike_that_leaves_the_sheet_is_written_at_its_edge(value_mv: float) -> None:
    signals = np.zeros((12, 1000))
    signals[11, 990] = value_mv
    texts = {text.get_text(): text for text in sheet(signals, marked=signals != 0).texts}
    note = texts[f"V6 {value_mv:.1f} mV"]
    assert 0 <= note.get_position()[1] <= 100
    assert note.get_horizontalalignment() == "right", "it would run off the sheet"
    assert len(texts) == 12 + 1, "each lead's name, II twice, and the note"


def test_a_band_behind_the_trace_has_the_colour_of_its_sign_and_the_opacity_of_its_strength() -> None:
    heat = np.zeros((12, 1000))
    heat[0, 50:60], heat[0, 100:110] = 1.0, -0.5
    axes = Figure().add_axes((0, 0, 1, 1))
    draw_sheet(axes, np.zeros((12, 1000)), RATE_HZ, np.zeros((12, 1000), bool), 5, heat)
    [band] = [one for one in axes.collections if len(one.get_colors())]  # type: ignore[attr-defined]  # lines
    colors = band.get_colors()  # type: ignore[attr-defined]  # a LineCollection
    assert {tuple(color) for color in colors if color[3] in (1.0, 0.5)} >= {
        to_rgba(FOR_COLOR),
        to_rgba(AGAINST_COLOR, 0.5),
    }
