"""Draw the confusion matrix of every row: ecgmm confusion outputs/table2."""

from collections.abc import Sequence

import numpy as np

from ecgmm.plots.confusion import draw_confusion
from ecgmm.plots.look import literal
from ecgmm.reporting import findings
from ecgmm.reporting.drawing import Drawing, command, provenance
from ecgmm.reporting.row_panels import COLUMNS, panels_of, rows_of
from ecgmm.runs.run import Run

_MOST_WITH_NUMBERS = 8


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return command(build, __doc__, arguments)


def build(runs: list[Run]) -> Drawing:
    """Draw one panel a row, its seeds pooled.

    Raises:
        UserError: If the runs do not belong in one figure.
    """
    rows = rows_of(runs)
    names = [literal(name) for name in runs[0].classes]
    single = runs[0].task == "single_label"
    figure, places = panels_of(list(rows), 1.95 if single else 0.8 + max(1.0, 0.11 * len(names)))
    for number, (axes, group) in enumerate(zip(places, rows.values(), strict=True)):
        counts = np.sum([run.metrics.confusion_matrix for run in group], axis=0)
        draw_confusion(axes, counts, names, False, 5.5 if len(names) <= _MOST_WITH_NUMBERS else 0)
        axes.tick_params(axis="x", labelrotation=90, labelsize=5.5, length=0)
        for label in axes.get_xticklabels():
            label.set(ha="center", rotation_mode="default")
        axes.tick_params(axis="y", labelsize=5.5, length=0, labelleft=number % COLUMNS == 0)
    figure.supxlabel("Predicted class" if single else "Decision", fontsize=8)
    figure.supylabel("True class" if single else "Class", fontsize=8)
    what = (
        "share of the records of each true class (row) by predicted class, the one with the highest probability"
        if single
        else "share of the records with a class that are found and missed, and of those without it that are false"
        " alarms and rightly no, at the thresholds chosen on validation"
    )
    caption = f"Confusion on the test split in percent, seeds pooled: {what}; darker is more. {provenance(runs)}"
    return Drawing("confusion", figure, caption, findings.of_confusion(rows))
