"""Lines with bands, axes that begin at 0, ridges of the gate, reliability diagrams."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from ecgmm.evaluation.calibration import reliability_curve
from ecgmm.plots.bands import draw_band, logarithmic_axis, logarithmic_values
from ecgmm.plots.gates import draw_gate_ridges
from ecgmm.plots.palette import LineStyle
from ecgmm.plots.reliability import draw_reliability

STYLE = LineStyle("#000000", "-")


def test_zero_is_not_joined_to_the_rest_and_stands_to_its_left() -> None:
    axes = Figure().subplots()
    draw_band(axes, {0: [1, 2], 0.1: [2, 3], 1: [3, 4]}, STYLE, "line")
    logarithmic_axis(axes, [0, 0.1, 1], ["0", "0.1", "1"])
    zero, rest = axes.lines[:2]
    assert zero.get_xydata() == pytest.approx(np.array([[0, 1.5]]))
    assert rest.get_xydata() == pytest.approx(np.array([[0.1, 2.5], [1, 3.5]]))
    places = [axes.transData.transform((x, 1))[0] for x in (0, 0.1, 1)]
    assert places == sorted(places)
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0", "0.1", "1"]
    assert axes.get_legend_handles_labels()[1] == ["line"]


def test_one_seed_has_no_band() -> None:
    axes = Figure().subplots()
    draw_band(axes, {0.1: [0.8], 1: [0.9]}, STYLE, "line")
    assert not np.isfinite(axes.collections[0].get_datalim(axes.transData).width)


def test_values_on_a_logarithmic_axis_are_plain_numbers() -> None:
    figure = Figure()
    axes = figure.subplots()
    axes.plot([1, 2], [0.1, 30])
    logarithmic_values(axes)
    figure.draw_without_rendering()
    shown = [text.get_text() for text in axes.get_yticklabels()]
    assert {"0.1", "0.5", "2", "20"} <= set(shown)


def test_ridges_name_the_groups_and_leave_room_for_empty_ones() -> None:
    axes = Figure().subplots()
    values = {"all at one": np.ones(5), "nobody": np.array([]), "even": np.linspace(0, 1, 11)}
    draw_gate_ridges(axes, values, {name: len(found) for name, found in values.items()})
    assert [text.get_text() for text in axes.get_yticklabels()] == ["all at one\n5", "nobody\n0", "even\n11"]
    assert [text.get_text() for text in axes.texts] == ["median 1.00", "median 0.50"]


@pytest.mark.parametrize("n_seeds", [1, 4])
def test_bins_of_few_predictions_have_no_point_but_are_counted(n_seeds: int) -> None:
    """Twenty predictions at 0.9 and three at 0.6."""
    probabilities = np.array([[0.9, 0.1]] * 20 + [[0.6, 0.4]] * 3)
    labels = np.array([0] * 15 + [1] * 5 + [0] * 3)
    curve = reliability_curve(labels, probabilities, "single_label")
    curves, counts = Figure().subplots(2)
    draw_reliability(curves, counts, curve, curve, n_seeds)
    _, before, _ = curves.lines
    assert before.get_xydata() == pytest.approx(np.array([[0.9, 0.75]]))
    assert counts.patches[0].get_data().values.sum() == pytest.approx(23 / n_seeds)
