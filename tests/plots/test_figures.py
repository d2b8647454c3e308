"""Figures: what is drawn, and that no global matplotlib state is touched."""

import io
import subprocess
import sys
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from ecgmm.plots import confusion_matrix, gate_histograms, roc_and_pr_curves
from ecgmm.plots.confusion import shares_of
from ecgmm.plots.flow import Step, flow
from ecgmm.plots.palette import OKABE_ITO, line_styles
from ecgmm.plots.training import best_epoch, draw_training

CLASSES = ["NORM", "MI", "CD"]


def predictions() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 60)  # nobody has CD
    return labels, rng.dirichlet(np.ones(3), size=60)


def texts(figure: Figure) -> str:
    """Every text in the figure, after it was rendered as a PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=40)
    assert buffer.getvalue().startswith(b"\x89PNG")
    return "\n".join(text.get_text() for text in figure.findobj(Text) if isinstance(text, Text))


def test_confusion_matrix_shows_counts_and_shares_of_the_true_class() -> None:
    shown = texts(confusion_matrix([[30, 10, 0], [0, 5, 5], [0, 0, 0]], CLASSES, "run a"))
    for words in ("30\n75%", "5\n50%", "NORM (40)", "CD (0)", "run a", "Predicted class"):
        assert words in shown


@pytest.mark.parametrize("multi_label", [False, True])
def test_curves_are_drawn_for_the_classes_that_are_there(multi_label: bool) -> None:
    labels, probabilities = predictions()
    figure = roc_and_pr_curves(np.eye(3)[labels] if multi_label else labels, probabilities, CLASSES)
    roc, precision_recall = figure.axes
    assert len(roc.lines) == 3  # two classes and the diagonal
    assert len(precision_recall.lines) == 2
    shown = texts(figure)
    assert "NORM  0." in shown
    assert "CD  0." not in shown
    assert "60 records" in shown


def test_gate_histograms_have_one_panel_a_class_and_add_up_to_one() -> None:
    labels, _ = predictions()
    gates = np.random.default_rng(1).random(60).astype(np.float32)
    gates[0] = np.nan
    figure = gate_histograms(gates, labels, CLASSES)
    assert len(figure.axes) == 3
    for axes, name in zip(figure.axes, CLASSES, strict=True):
        n = int((np.isfinite(gates) & (labels == CLASSES.index(name))).sum())
        assert axes.get_title() == f"{name}  ({n} records)"
        heights = sum(patch.get_height() for patch in axes.patches)  # type: ignore[attr-defined]  # all are bars
        assert heights == pytest.approx(1.0 if n else 0.0)
    assert "median" in texts(figure)


def test_colours_repeat_only_with_another_dash() -> None:
    styles = line_styles(3 * len(OKABE_ITO))
    assert len(set(styles)) == len(styles)
    assert [style.color for style in styles[: len(OKABE_ITO)]] == list(OKABE_ITO)


def test_figures_do_not_import_pyplot() -> None:
    """pyplot keeps every figure alive and may look for a display."""
    code = "import sys, ecgmm.plots; print('matplotlib.pyplot' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "False"


def test_decisions_of_many_labels_are_shares_of_those_with_the_class_and_of_those_without() -> None:
    counts = np.array([[[6, 2], [1, 3]], [[0, 0], [5, 5]]])  # true negative, false positive; false negative, positive
    assert shares_of(counts).tolist() == [[0.75, 0.25, 0.25, 0.75], [0.5, 0.5, 0, 0]]
    shown = texts(confusion_matrix(counts, ["A", "B"]))
    assert {"3  75%", "1  25%", "2  25%", "6  75%"} <= set(shown.split("\n"))


def test_the_tested_epoch_is_the_first_best_one_after_pre_training() -> None:
    scores = pl.Series([None, None, 0.7, 0.9, 0.9], dtype=pl.Float64)
    history = pl.DataFrame({"val/auroc_macro": scores, "train/loss_total": [5.0, 4.0, 3.0, 2.0, 1.0]})
    assert best_epoch(history) == 3
    assert best_epoch(history.head(2)) is None
    upper, lower = Figure().subplots(2, 1)
    draw_training(upper, lower, [history])
    curve, dot = upper.lines
    assert dot.get_xydata().tolist() == [[4, 0.9]]
    assert curve.get_xdata().tolist() == lower.lines[0].get_xdata().tolist() == [1, 2, 3, 4, 5]


def test_a_flow_writes_every_reason_within_its_page() -> None:
    steps = [Step("10 listed", left_out=["3: no waveform"]), Step("7 stored")]
    figure = flow(steps, [Step("Training: 4", ["a line"], ["1: several classes"]), Step("Test: 3", ["$x$" * 40])])
    axes = figure.axes[0]
    written = {text.get_text(): text for text in axes.texts}
    assert {"10 listed", "3: no waveform", "7 stored", "Training: 4", "1: several classes", "Test: 3"} <= set(written)
    (width, (bottom, top)) = axes.get_xlim()[1], axes.get_ylim()
    assert all(
        0 < text.get_position()[0] < width and top < text.get_position()[1] < bottom for text in written.values()
    )
