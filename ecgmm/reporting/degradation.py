"""Draw AUROC against the strength of each disturbance: ecgmm degradation outputs/robustness."""

from collections.abc import Sequence

import numpy as np

from ecgmm.errors import UserError
from ecgmm.evaluation.metrics import HEADLINE
from ecgmm.plots.small_panels import Panel, small_panels
from ecgmm.reporting.drawing import Drawing, command, provenance
from ecgmm.reporting.robustness_scores import Row, rows_of
from ecgmm.reporting.robustness_sections import grouped
from ecgmm.runs.run import Run
from ecgmm.settings.disturbances import KINDS

_FEWEST_RESAMPLES = 1  # the lines need none
_LOWEST = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return command(build, __doc__, arguments)


def build(runs: list[Run]) -> Drawing:
    """Draw one small panel a kind, one line a row of the table.

    Raises:
        UserError: If no run has met the suite of disturbances.
    """
    rows = rows_of(runs, None, _FEWEST_RESAMPLES, 0)
    conditions = [one for one in rows[0].conditions if all(one in row.conditions for row in rows)]
    if not conditions:
        raise UserError("no kind of disturbance was met by all runs; start python -m ecgmm.robustness run=FOLDER")
    panels = [_panel(kind, [strength for _, strength in of], rows) for kind, of in grouped(conditions).items()]
    lowest = min(value for panel in panels for values in panel.lines.values() for value in values)
    facts = rows[0].met[0].suite.facts
    caption = (
        "Finished runs under disturbances of their test inputs. Macro AUROC of clean inputs (first point) and at the"
        f" strengths of each kind, mean over seeds; store {facts.store}, split {facts.split}."
        f" {provenance([one.run for row in rows for one in row.met])}"
    )
    figure = small_panels(panels, "AUROC", (min(_LOWEST, lowest) - 0.02, 1.0))
    return Drawing("degradation", figure, caption)


def _panel(kind: str, strengths: Sequence[float], rows: Sequence[Row]) -> Panel:
    lines = {
        row.label: [
            float(np.mean(row.of(one).by_seed[HEADLINE]))
            for one in (("clean", 0.0), *((kind, strength) for strength in strengths))
        ]
        for row in rows
    }
    return Panel(kind, KINDS[kind].unit, ["clean", *(f"{strength:g}" for strength in strengths)], lines)
