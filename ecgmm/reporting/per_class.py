"""Draw the AUROC of every class with its interval, for every row: ecgmm per_class outputs/table2."""

from collections.abc import Sequence
from math import ceil

from matplotlib.figure import Figure

from ecgmm.evaluation.replicates import replicated_estimates
from ecgmm.plots.intervals import Interval, draw_intervals
from ecgmm.plots.look import PAGE_WIDTH_IN, literal
from ecgmm.reporting import findings
from ecgmm.reporting.drawing import Drawing, command, provenance
from ecgmm.reporting.row_panels import rows_of
from ecgmm.runs.run import Run

_N_RESAMPLES, _BOOTSTRAP_SEED = 1000, 0
_COLUMNS = 5
_LINE_IN = 0.15


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return command(build, __doc__, arguments)


def build(runs: list[Run]) -> Drawing:
    """Draw one panel a class, a line a row.

    Raises:
        UserError: If the runs do not belong in one figure.
    """
    rows = rows_of(runs)
    n_positive = {row.name: row.n for row in runs[0].metrics.per_class}
    estimated = [
        replicated_estimates([run.scorer() for run in group], group[0].patients, _N_RESAMPLES, _BOOTSTRAP_SEED)
        for group in rows.values()
    ]
    n_columns = min(_COLUMNS, len(n_positive))
    n_lines = ceil(len(n_positive) / n_columns)
    height_in = (0.55 + _LINE_IN * len(rows)) * n_lines
    figure = Figure(figsize=(PAGE_WIDTH_IN, height_in), layout="constrained")
    panels = figure.subplots(n_lines, n_columns, sharey=True, squeeze=False).ravel()
    for axes, (name, n) in zip(panels, n_positive.items(), strict=False):
        found = [estimates.get(f"auroc/{name}") for estimates in estimated]
        lines: list[Interval] = [(one.value, one.low, one.high) if one else (float("nan"),) * 3 for one in found]
        draw_intervals(axes, lines, reference=0.5)
        axes.set_title(f"{literal(name)} ({n:,})", loc="left", fontsize=7)
        axes.set_yticks(range(len(rows)), [literal(row) for row in rows])
        axes.tick_params(labelsize=6)
    for axes in panels[len(n_positive) :]:
        axes.remove()
    figure.supxlabel("AUROC", fontsize=8)
    caption = (
        "AUROC of each class against the rest on the test split, mean over seeds, with 95 % intervals"
        f" ({_N_RESAMPLES:,} resamples of test patients; with several seeds over training again too); in brackets the"
        " class's test records. Dashed: a score that knows nothing. Panels have scales of their own; a class without"
        f" records of both kinds has no point. {provenance(runs)}"
    )
    return Drawing("per_class", figure, caption, findings.of_classes(rows))
