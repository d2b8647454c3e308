"""Confusion matrix of a single-label task."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from ecgmm.plots.look import literal


def confusion_matrix(counts: ArrayLike, class_names: Sequence[str], title: str = "") -> Figure:
    """Draw records by true class (rows) and predicted class (columns).

    Colour is the share of the true class, so that rare classes show as clearly as frequent ones.

    Args:
        counts: ``[K, K]``, row = true class, as in metrics.json of a single-label task.
        class_names: K names.
        title: Put in front of "confusion matrix".
    """
    counts = np.asarray(counts)
    class_names = [literal(name) for name in class_names]
    n_classes = len(class_names)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.6 + 0.75 * n_classes
    figure = Figure(figsize=(side + 0.9, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        color = "white" if share[row, column] > 0.55 else "black"
        text = f"{count:,}\n{share[row, column]:.0%}"
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=9)
    axes.set_xticks(range(n_classes), class_names)
    if max(map(len, class_names)) >= 8:  # long names would run into each other
        axes.tick_params(axis="x", labelrotation=40)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    axes.set_yticks(
        range(n_classes), [f"{name} ({n:,})" for name, n in zip(class_names, counts.sum(axis=1), strict=True)]
    )
    axes.set_xlabel("Predicted class")
    axes.set_ylabel("True class (records)")
    axes.set_title(f"{title}: confusion matrix" if title else "Confusion matrix")
    figure.colorbar(image, ax=axes, label="Share of the true class", shrink=0.8, format=PercentFormatter(xmax=1))
    return figure
