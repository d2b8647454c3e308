"""Draw ROC and precision-recall curves of every row: ecgmm roc outputs/table2."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ecgmm.errors import UserError
from ecgmm.evaluation.metrics import positives, scored_classes
from ecgmm.plots.curves import draw_chance, draw_curves
from ecgmm.plots.look import literal
from ecgmm.plots.palette import GREY, OKABE_ITO, LineStyle
from ecgmm.reporting import findings
from ecgmm.reporting.drawing import Drawing, command, provenance
from ecgmm.reporting.row_panels import pairs_of, rows_of
from ecgmm.runs.run import Run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return command(build, __doc__, arguments)


def build(runs: list[Run]) -> Drawing:
    """Draw one pair of panels a row, a line for each class and seed.

    Raises:
        UserError: If the runs do not belong in one figure, or no class has records with it and without it.
    """
    rows = rows_of(runs)
    classes = runs[0].classes
    labels, _ = runs[0].labels_and_probabilities
    scored = [int(k) for k in np.flatnonzero(scored_classes(positives(labels, len(classes))))]
    if not scored:
        raise UserError("no class of the test split has records with it and records without it; give runs on more data")
    colored = len(scored) <= len(OKABE_ITO)
    styles = {k: LineStyle(OKABE_ITO[place] if colored else GREY, "-") for place, k in enumerate(scored)}
    figure = _draw(rows, styles)
    if colored:
        handles = [Line2D([], [], color=style.color) for style in styles.values()]
        names = [literal(classes[k]) for k in styles]
        figure.legend(handles, names, loc="outside upper center", ncols=len(names))
    caption = (
        "ROC curve (above) and precision-recall curve (below) of each class against the rest on the test split, a line"
        f" a seed{'' if colored else f', all {len(scored)} classes in one colour'}; in the panels the macro means over"
        " classes, mean over seeds. On the dotted diagonal lies a score that knows nothing; its precision is the"
        f" class's share of the records. {provenance(runs)}"
    )
    return Drawing("roc", figure, caption, findings.of_ranking(rows))


def _draw(rows: dict[str, list[Run]], styles: dict[int, LineStyle]) -> Figure:
    figure, places = pairs_of(list(rows), 3.2, (1, 1))
    for (roc, precision_recall), group in zip(places, rows.values(), strict=True):
        draw_chance(roc)
        for run in group:
            labels, probabilities = run.labels_and_probabilities
            positive = positives(labels, len(run.classes))
            for k, style in styles.items():
                line = {"color": style.color, "linewidth": 0.7, "alpha": 0.85}
                draw_curves(roc, precision_recall, positive[:, k], probabilities[:, k], line)
        for axes, key, words in ((roc, "auroc_macro", "AUROC"), (precision_recall, "auprc_macro", "AUPRC")):
            value = float(np.mean([float(run.metrics[f"test/{key}"]) for run in group]))
            box = {"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 1}
            text = axes.text(0.97, 0.07, f"{words} {value:.3f}", ha="right", fontsize=6.5, bbox=box)
            text.set_transform(axes.transAxes)
            axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    figure.supxlabel("1 - specificity; below: recall", fontsize=8)
    figure.supylabel("Sensitivity; below: precision", fontsize=8)
    return figure
