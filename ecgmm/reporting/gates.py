"""Draw where the gate leans, by class, signal quality and report: ecgmm gates outputs/table2."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ecgmm.errors import UserError
from ecgmm.plots.gates import draw_gate_ridges
from ecgmm.plots.look import PAGE_WIDTH_IN, literal
from ecgmm.reporting import findings
from ecgmm.reporting.drawing import Drawing, command, provenance
from ecgmm.reporting.grouping import check_comparable, common_choices, row_key
from ecgmm.runs.run import Run

_QUALITY = ("missing_share", "flat_leads")
_REPORT = pl.col("has_report")
_MISSING, _FLAT = pl.col("missing_share") > 0, pl.col("flat_leads") > 0
_BY_QUALITY = {
    "complete": _REPORT & ~_MISSING & ~_FLAT,
    "missing\nsamples": _REPORT & _MISSING,
    "flat leads": _REPORT & _FLAT,
}
_BY_REPORT = {"with report": _REPORT, "without": ~_REPORT}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return command(build, __doc__, arguments)


def build(runs: list[Run]) -> Drawing:
    """Draw the gate of the one setting among the runs that has learned one.

    Raises:
        UserError: If no run has, several settings have, or the runs do not say how good the signal was.
    """
    gated = [run for run in runs if _has_learned_gate(run)]
    if not gated:
        raise UserError("none of the runs has a gate that it learned; train one with python -m ecgmm.train")
    check_comparable(gated)
    common = common_choices(gated)
    gated = [run for run in gated if not row_key(run, common).variant] or gated  # of a study, the method as it is
    labels = sorted({row_key(run, common).label for run in gated})
    if len(labels) > 1:
        raise UserError(f"the runs are of {', '.join(labels)} and this figure shows one of them; give its folder")
    for run in gated:
        if not set(_QUALITY) <= set(run.test.columns):
            raise UserError(
                f"{run.directory} was made before predictions.parquet had {' and '.join(_QUALITY)};"
                " train it again with overwrite=true"
            )
    seeds = "one seed" if len(gated) == 1 else f"{len(gated)} seeds pooled"
    caption = (
        f"Gate α of {labels[0]}, the weight of the waveform (0 = report only, 1 = waveform only), in the test split by"
        " (a) class, (b) quality of the signal, a record with missing samples and flat leads being in both groups, and"
        " (c) whether there is a report; (a) and (b) show records with a report, since without one α is 1 by"
        f" construction. Each histogram ({seeds}) is scaled to its own highest bin; orange: its median. Under each name"
        f" stands its number of records. {provenance(gated)}"
    )
    return Drawing("gates", _draw(gated), caption, findings.of_gates(gated))


def _has_learned_gate(run: Run) -> bool:
    """Whether the gate differs among records that have a report; a fixed mean has one as well."""
    gates = run.test.filter(_REPORT)["gate"].drop_nulls()
    return gates.n_unique() > 1


def _draw(runs: Sequence[Run]) -> Figure:
    figure = Figure(figsize=(PAGE_WIDTH_IN, 3.4), layout="constrained")
    by_class = {literal(name): _REPORT & _is_of_class(runs[0], k) for k, name in enumerate(runs[0].classes)}
    panels = {"(a) Class": by_class, "(b) Signal": _BY_QUALITY, "(c) Report": _BY_REPORT}
    for axes, (title, groups) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        gates_of = {name: [run.test.filter(group)["gate"].to_numpy() for run in runs] for name, group in groups.items()}
        counts = {name: len(gates[0]) for name, gates in gates_of.items()}
        draw_gate_ridges(axes, {name: np.concatenate(gates) for name, gates in gates_of.items()}, counts)
        axes.set_title(title, loc="left")
        axes.set_xlabel("Gate α")
    return figure


def _is_of_class(run: Run, k: int) -> pl.Expr:
    if run.task == "single_label":
        return pl.col("label") == k
    return pl.col(f"label.{run.classes[k]}") >= 0.5
