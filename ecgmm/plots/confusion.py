"""Confusion matrix of a single-label task, and yes/no decisions of a multi-label one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike, NDArray

from ecgmm.plots.look import literal

_DARK = 0.55
"""Share from which text on the colour is white."""
_LONG_NAME = 8
DECISIONS = ("found", "missed", "false alarm", "rightly no")


def confusion_matrix(counts: ArrayLike, class_names: Sequence[str], title: str = "") -> Figure:
    """Draw records by true class (rows) and predicted class (columns), or yes/no decisions of each class.

    Colour is the share of the true class, so that rare classes show as clearly as frequent ones.

    Args:
        counts: As in metrics.json: ``[K, K]``, row = true class, of a single-label task; ``[K, 2, 2]`` of a multi-label
            one.
        class_names: K names.
        title: Put in front of "confusion matrix".
    """
    counts = np.asarray(counts)
    names = [literal(name) for name in class_names]
    single, n_classes = counts.ndim == 2, len(names)
    side = 1.6 + 0.55 * n_classes
    size = (side + 0.9, side) if single else (5.4, 1.2 + 0.3 * n_classes)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    image = draw_confusion(axes, counts, names, with_counts=True, font_pt=7)
    positive = counts.sum(axis=1) if single else counts[:, 1].sum(axis=1)
    axes.set_yticks(range(n_classes), [f"{name} ({n:,})" for name, n in zip(names, positive, strict=True)])
    axes.set_ylabel("True class (records)" if single else "Class (records with it)")
    if single:
        axes.set_xlabel("Predicted class")
    what = "confusion matrix" if single else "yes/no decisions"
    axes.set_title(f"{title}: {what}" if title else what.capitalize())
    label = "Share of the true class" if single else "Share of the records"
    figure.colorbar(image, ax=axes, label=label, shrink=0.8, format=PercentFormatter(xmax=1))
    return figure


def shares_of(counts: NDArray[np.integer]) -> NDArray[Any]:
    """Counts as shares of the records of one truth.

    Args:
        counts: ``[K, K]`` or ``[K, 2, 2]``, see ``confusion_counts``.

    Returns:
        ``[K, K]``, or ``[K, 4]`` in the order of ``DECISIONS``: shares of the records with the class, and without it.
    """
    share = counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    return share if counts.ndim == 2 else _decisions(share)


def draw_confusion(
    axes: Axes, counts: NDArray[np.integer], names: Sequence[str], with_counts: bool, font_pt: float
) -> AxesImage:
    """Draw the cells with their percentages.

    Args:
        axes: Where to draw.
        counts: As in ``confusion_matrix``.
        names: Of the classes as they are shown.
        with_counts: Whether the number of records stands above the percentage.
        font_pt: Size of both; 0 writes neither.
    """
    share = shares_of(counts)
    records = counts if counts.ndim == 2 else _decisions(counts)
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="equal" if counts.ndim == 2 else "auto")
    for row, column in np.ndindex(*share.shape if font_pt else (0, 0)):
        color = "white" if share[row, column] > _DARK else "black"
        text = f"{share[row, column]:.0%}"
        text = f"{records[row, column]:,}\n{text}" if with_counts and counts.ndim == 2 else text
        text = f"{records[row, column]:,}  {text}" if with_counts and counts.ndim > 2 else text
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=font_pt)
    columns = names if counts.ndim == 2 else DECISIONS
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(names)), names)
    axes.grid(False)
    if counts.ndim == 2 and max(map(len, names)) >= _LONG_NAME:  # long names would run into each other
        axes.tick_params(axis="x", labelrotation=40)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    return image


def _decisions(cells: NDArray[Any]) -> NDArray[Any]:
    """``[K, 2, 2]`` as ``[K, 4]``: true positive, false negative, false positive, true negative."""
    return np.stack([cells[:, 1, 1], cells[:, 1, 0], cells[:, 0, 1], cells[:, 0, 0]], axis=1)
