"""Draw the course of training of every row: ecgmm training_curves outputs/table2."""

from collections.abc import Sequence

from ecgmm.errors import UserError
from ecgmm.plots.training import draw_training
from ecgmm.reporting import findings
from ecgmm.reporting.drawing import Drawing, command, provenance
from ecgmm.reporting.row_panels import pairs_of, rows_of
from ecgmm.runs.history import HISTORY
from ecgmm.runs.run import Run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return command(build, __doc__, arguments)


def build(runs: list[Run]) -> Drawing:
    """Draw one pair of panels a row, a line a seed.

    Raises:
        UserError: If the runs do not belong in one figure, or none was trained in epochs.
    """
    trained = [run for run in runs if (run.directory / HISTORY).exists()]
    if not trained:
        raise UserError("none of the runs has a history.csv; train a method that learns in epochs")
    rows = rows_of(trained)
    figure, places = pairs_of(list(rows), 1.7, (1.4, 1))
    for (scores, losses), group in zip(places, rows.values(), strict=True):
        draw_training(scores, losses, [run.history for run in group])
        losses.tick_params(labelsize=6)
        scores.tick_params(labelsize=6)
    figure.supxlabel("Epoch", fontsize=8)
    figure.supylabel("Loss; above: AUROC", fontsize=8)
    caption = (
        "Training of each row, a line a seed. Above: macro AUROC on validation after each epoch; the dot marks the"
        " epoch whose weights were tested, the first with the best one. Below: mean training loss of each epoch. Every"
        " panel has a scale of its own: losses of different methods are of different things. Epochs of pre-training,"
        f" where there are any, stand first and have no AUROC. {provenance(trained)}"
    )
    return Drawing("training_curves", figure, caption, findings.of_training(rows))
