"""Draw decision curves, the net benefit of each class: ecgmm decision_curves outputs/table2."""

from collections.abc import Sequence

import numpy as np

from ecgmm.errors import UserError
from ecgmm.evaluation.net_benefit import ALL, MODEL
from ecgmm.plots.decisions import DecisionPanel, draw_decisions
from ecgmm.reporting.decision_sections import benefit
from ecgmm.reporting.decisions import THRESHOLDS, ClassDecisions, decisions
from ecgmm.reporting.drawing import Drawing, command, provenance
from ecgmm.reporting.subgroup_rows import rows_of
from ecgmm.runs.run import Run

_SHOWN, _MOST_CLASSES = 4, 12
_N_RESAMPLES = 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return command(build, __doc__, arguments)


def build(runs: list[Run]) -> Drawing:
    """Draw the curves of the first four methods, the paper's first, one panel for each of the most frequent classes.

    Raises:
        UserError: If the runs do not belong in one figure, or no class has records of both kinds.
    """
    rows = rows_of(runs, _SHOWN)
    return drawing(rows, decisions(rows, _N_RESAMPLES), _N_RESAMPLES)


def drawing(rows: dict[str, list[Run]], found: Sequence[ClassDecisions], n_resamples: int) -> Drawing:
    """The figure of what was measured.

    Args:
        rows: Runs by name of their row.
        found: As ``decisions`` returns them.
        n_resamples: Patient resamples behind it.

    Raises:
        UserError: If nothing was measured.
    """
    methods = list(rows)[:_SHOWN]
    names = list(dict.fromkeys(one.name for one in sorted(found, key=lambda one: -one.n_positive)))
    if not names:
        raise UserError(f"{next(iter(rows.values()))[0].directory} has no class with records of both kinds")
    of = {(one.method, one.name): one for one in found}
    panels = [_panel([of[method, name] for method in methods]) for name in names[:_MOST_CLASSES]]
    left_out = f" {len(names) - _MOST_CLASSES} rarer classes are not drawn." if len(names) > _MOST_CLASSES else ""
    caption = (
        "Decision curves on the test split: net benefit (cases found less false alarms, weighed by the odds of the"
        " probability from which on one would treat; Vickers and Elkin 2006) of each class against the rest, with"
        " probabilities after temperature. Treating everybody: grey, dashed; treating nobody: the line at 0. In"
        f" brackets the share of the class, the most that can be won. Band: 95 % interval of {methods[0]}"
        f" ({n_resamples:,} resamples of patients).{left_out}"
        f" {provenance([run for method in methods for run in rows[method]])}"
    )
    return Drawing("decision_curves", draw_decisions(panels, THRESHOLDS), caption, benefit(found).found)


def _panel(of_methods: Sequence[ClassDecisions]) -> DecisionPanel:
    first = of_methods[0]
    prevalence = first.n_positive / first.n_records

    def curve(one: ClassDecisions, what: str, bound: str = "value") -> np.ndarray:
        return np.array([getattr(one.values[f"{what}/{p:.2f}"], bound) for p in THRESHOLDS])

    return DecisionPanel(
        title=f"{first.name} ({prevalence:.1%})",
        prevalence=prevalence,
        treat_all=curve(first, ALL),
        lines={one.method: curve(one, MODEL) for one in of_methods},
        band=np.stack([curve(first, MODEL, bound) for bound in ("low", "high")]),
    )
