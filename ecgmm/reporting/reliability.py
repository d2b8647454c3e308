"""Draw calibration before and after temperature scaling: ecgmm reliability outputs/table2."""

from collections.abc import Iterable, Sequence
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.calibration import ReliabilityCurve
from ecgmm.evaluation.ranking import ratio
from ecgmm.evaluation.replicates import replicated_estimates
from ecgmm.plots.look import PAGE_WIDTH_IN, literal
from ecgmm.plots.reliability import AFTER_COLOR, BEFORE_COLOR, LEAST_COUNT, draw_reliability
from ecgmm.reporting.drawing import Drawing, command, provenance
from ecgmm.reporting.grouping import check_comparable, common_choices, group_runs
from ecgmm.reporting.table2_notes import LEAK_MARK
from ecgmm.reporting.table2_rows import REFERENCE_METHOD
from ecgmm.runs.run import Run

_COLUMNS = 4
_N_RESAMPLES, _BOOTSTRAP_SEED = 1000, 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return command(build, __doc__, arguments)


def build(runs: list[Run]) -> Drawing:
    """Draw one reliability diagram per method.

    Raises:
        UserError: If the runs do not belong in one figure.
    """
    check_comparable(runs)
    rows = {key: group for key, group in group_runs(runs, common_choices(runs)).items() if not key.readout}
    groups = {key.label: rows[key] for key in sorted(rows, key=lambda key: (key.method != REFERENCE_METHOD, key))}
    what = (
        "Confidence: highest probability of a record; share correct: of these records"
        if runs[0].task == "single_label"
        else "Confidence: probability of yes, all classes pooled; share correct: of decisions where yes is right"
    )
    caption = (
        f"Reliability on the test split before (blue, solid) and after (orange, dashed) temperature scaling. {what};"
        f" on the dotted diagonal they agree. Seeds are pooled; a bin of fewer than {LEAST_COUNT} predictions has no"
        " point. Below: predictions in each of the 15 bins, mean over seeds. Above: expected calibration error, of all"
        f" bins, with its 95 % interval ({_N_RESAMPLES:,} resamples of test patients; with several seeds over training"
        " again too), and"
        " the temperature T, fitted on validation, mean over seeds; above 1 the method was too sure of itself. Chance"
        f" alone raises ECE: the lower bound allows for that, the value does not. {provenance(runs)}"
    )
    return Drawing("reliability", _draw(groups), caption)


def _draw(groups: dict[str, list[Run]]) -> Figure:
    n_columns = min(_COLUMNS, len(groups))
    n_rows = ceil(len(groups) / n_columns)
    figure = Figure(figsize=(PAGE_WIDTH_IN * n_columns / _COLUMNS, 2.3 * n_rows + 0.2), layout="constrained")
    panels = figure.subplots(2 * n_rows, n_columns, squeeze=False, sharex=True, height_ratios=[3.2, 1] * n_rows)
    places = list(zip(panels[::2].ravel(), panels[1::2].ravel(), strict=True))
    for (curves, counts), (label, group) in zip(places, groups.items(), strict=False):
        before, after = (_pooled(run.reliability(calibrated) for run in group) for calibrated in (False, True))
        draw_reliability(curves, counts, before, after, len(group))
        curves.set_title(literal(label) + LEAK_MARK * bool(group[0].facts.leaky), loc="left", pad=20, fontsize=7.5)
        _write_errors(curves, group)
        counts.tick_params(labelbottom=True)
    for curves, counts in places[len(groups) :]:
        curves.remove()
        counts.remove()
    figure.supxlabel("Confidence", fontsize=8)
    figure.supylabel("Share correct, and predictions", fontsize=8)
    return figure


def _write_errors(axes: Axes, group: Sequence[Run]) -> None:
    scorers = [run.calibration_scorer() for run in group]
    estimated = replicated_estimates(scorers, group[0].patients, _N_RESAMPLES, _BOOTSTRAP_SEED)
    temperature = float(np.mean([run.temperature for run in group]))
    lines = (
        (f"ECE {_words(estimated['ece'])}", BEFORE_COLOR),
        (f"T {temperature:.2f}: {_words(estimated['ece_calibrated'])}", AFTER_COLOR),
    )
    for height, (text, color) in zip((1.14, 1.03), lines, strict=True):
        axes.text(0, height, text, color=color, fontsize=6.5, transform=axes.transAxes)


def _words(one: Estimate) -> str:
    return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"


def _pooled(curves: Iterable[ReliabilityCurve]) -> ReliabilityCurve:
    """One curve of several seeds: sums over seeds in each bin."""
    pooled = list(curves)
    counts = np.stack([curve.count for curve in pooled])
    total = counts.sum(axis=0)
    confidence, correct = (
        ratio((np.nan_to_num(np.stack([getattr(curve, name) for curve in pooled])) * counts).sum(axis=0), total, np.nan)
        for name in ("confidence", "correct")
    )
    return ReliabilityCurve(confidence, correct, total)
