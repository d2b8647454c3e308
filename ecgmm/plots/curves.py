"""ROC and precision-recall curves, one line per class."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from ecgmm.evaluation.metrics import positives, scored_classes
from ecgmm.plots.look import PAGE_WIDTH_IN, literal
from ecgmm.plots.palette import GREY, line_styles

_LEGEND_FITS_INSIDE = 8


def roc_and_pr_curves(
    labels: NDArray[Any], probabilities: NDArray[np.floating], class_names: Sequence[str], title: str = ""
) -> Figure:
    """Draw ROC (left) and precision-recall curves (right), each class against the rest.

    Classes without a positive or without a negative record have no curve and are left out.

    Args:
        labels: Class numbers ``[n]``, or ``[n, K]`` in [0, 1] for multi-label.
        probabilities: ``[n, K]``.
        class_names: K names.
        title: Put above both panels.
    """
    positive = positives(labels, len(class_names))
    drawn = [int(k) for k in np.flatnonzero(scored_classes(positive))]
    figure = Figure(figsize=(PAGE_WIDTH_IN, 3.9 if len(drawn) <= _LEGEND_FITS_INSIDE else 4.2), layout="constrained")
    roc, precision_recall = figure.subplots(1, 2)
    for k, style in zip(drawn, line_styles(len(drawn)), strict=True):
        truth, score = positive[:, k], probabilities[:, k]
        look = {"color": style.color, "linestyle": style.dash, "linewidth": 1.3}
        name = literal(class_names[k])
        areas = (
            f"{name}  {roc_auc_score(truth, score):.3f}",
            f"{name}  {average_precision_score(truth, score):.3f}  ({truth.mean():.0%})",
        )
        draw_curves(roc, precision_recall, truth, score, look, areas)
    draw_chance(roc)
    what = f"each class against the rest, {len(labels):,} records"
    _finish(roc, "ROC", "1 - specificity", "Sensitivity", "AUROC")
    _finish(precision_recall, "Precision-recall", "Recall (sensitivity)", "Precision", "Average precision (prevalence)")
    figure.suptitle(f"{title}: {what}" if title else what[0].upper() + what[1:])
    return figure


def draw_curves(
    roc: Axes,
    precision_recall: Axes,
    truth: NDArray[np.bool_],
    score: NDArray[np.floating],
    line: Mapping[str, Any],
    labels: tuple[str, str] = ("", ""),
) -> None:
    """Draw the two curves of one class.

    Args:
        roc: Gets sensitivity against 1 - specificity.
        precision_recall: Gets precision against recall.
        truth: Whether each record ``[n]`` has the class; both answers occur.
        score: Its probability ``[n]``.
        line: Look of the line, as matplotlib names it.
        labels: For the legends of the two.
    """
    false_positive_rate, true_positive_rate, _ = roc_curve(truth, score)
    roc.plot(false_positive_rate, true_positive_rate, label=labels[0], **line)
    precision, recall, _ = precision_recall_curve(truth, score, drop_intermediate=True)
    precision_recall.plot(recall, precision, drawstyle="steps-post", label=labels[1], **line)


def draw_chance(roc: Axes) -> None:
    """Draw the ROC curve of a score that knows nothing."""
    roc.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (1, 2)))


def _finish(axes: Axes, title: str, x_label: str, y_label: str, legend_title: str) -> None:
    axes.set(title=title, xlabel=x_label, ylabel=y_label, xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.grid(linewidth=0.4, alpha=0.5)
    n_lines = len(axes.get_legend_handles_labels()[1])
    inside = {"loc": "lower right" if title == "ROC" else "lower left"}
    beside = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
    place = inside if n_lines <= _LEGEND_FITS_INSIDE else beside
    axes.legend(title=legend_title, fontsize=6.5, title_fontsize=6.5, framealpha=0.85, **place)
