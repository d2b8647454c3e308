"""Course of training: what is chosen by above, what is minimised below."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ecgmm.plots.palette import OKABE_ITO

CHOSEN_BY, MINIMISED = "val/auroc_macro", "train/loss_total"
_SCORE_COLOR, _LOSS_COLOR = OKABE_ITO[0], OKABE_ITO[1]


def best_epoch(history: pl.DataFrame) -> int | None:
    """Line of the epoch whose weights were tested, the first with the best validation AUROC; None where none has it."""
    if CHOSEN_BY not in history.columns or not history[CHOSEN_BY].is_finite().any():
        return None
    return int(np.nanargmax(history[CHOSEN_BY].to_numpy()))


def draw_training(scores: Axes, losses: Axes, histories: Sequence[pl.DataFrame]) -> None:
    """Draw validation AUROC and training loss of each epoch, a line a run; a dot marks the epoch that was tested.

    Args:
        scores: Gets the validation macro AUROC.
        losses: Gets the mean training loss, on a scale of its own.
        histories: ``history.csv`` of each run; epochs of pre-training stand before those with labels.
    """
    for history in histories:
        epochs = np.arange(1, history.height + 1)
        for axes, column, color in ((scores, CHOSEN_BY, _SCORE_COLOR), (losses, MINIMISED, _LOSS_COLOR)):
            if column in history.columns:
                values = history[column].cast(pl.Float64).to_numpy()
                axes.plot(epochs, values, color=color, linewidth=1, marker="." if len(epochs) < 2 else "", alpha=0.8)
        best = best_epoch(history)
        if best is not None:
            place = [epochs[best]], [history[CHOSEN_BY][best]]
            scores.plot(*place, marker="o", markersize=3.5, color=_SCORE_COLOR, linestyle="")
    losses.xaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
    for axes in (scores, losses):
        axes.yaxis.set_major_locator(MaxNLocator(3))
