"""Draw calibration before and after temperature scaling: ecgmm reliability outputs/table2."""

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.calibration import ReliabilityCurve
from ecgmm.evaluation.metrics import joint_scorer
from ecgmm.evaluation.ranking import ratio
from ecgmm.evaluation.replicates import replicated_estimates
from ecgmm.plots.reliability import AFTER_COLOR, BEFORE_COLOR, LEAST_COUNT, draw_reliability
from ecgmm.reporting import findings
from ecgmm.reporting.drawing import Drawing, command, provenance
from ecgmm.reporting.row_panels import pairs_of, rows_of
from ecgmm.runs.run import Run

_N_RESAMPLES, _BOOTSTRAP_SEED = 1000, 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return command(build, __doc__, arguments)


def build(runs: list[Run]) -> Drawing:
    """Draw one reliability diagram per method.

    Raises:
        UserError: If the runs do not belong in one figure.
    """
    groups = rows_of(runs)
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
        " alone raises ECE: the lower bound allows for that, the value does not. Slope: each class's truth"
        " regressed on the logit of its probability, before temperature, mean over classes; below 1 the probabilities"
        f" are too extreme. {provenance(runs)}"
    )
    return Drawing("reliability", _draw(groups), caption, findings.of_calibration(groups))


def _draw(groups: dict[str, list[Run]]) -> Figure:
    figure, places = pairs_of(list(groups), 2.3, (3.2, 1), pad_pt=28)
    for (curves, counts), group in zip(places, groups.values(), strict=True):
        before, after = (_pooled(run.reliability(calibrated) for run in group) for calibrated in (False, True))
        draw_reliability(curves, counts, before, after, len(group))
        _write_errors(curves, group)
    figure.supxlabel("Confidence", fontsize=8)
    figure.supylabel("Share correct, and predictions", fontsize=8)
    return figure


def _write_errors(axes: Axes, group: Sequence[Run]) -> None:
    scorers = [joint_scorer([run.calibration_scorer(), run.cox_scorer()]) for run in group]
    estimated = replicated_estimates(scorers, group[0].patients, _N_RESAMPLES, _BOOTSTRAP_SEED)
    temperature = float(np.mean([run.temperature for run in group]))
    lines = (
        (f"ECE {_words(estimated['ece'])}", BEFORE_COLOR),
        (f"slope {_words(estimated['calibration_slope'])}", BEFORE_COLOR),
        (f"T {temperature:.2f}: {_words(estimated['ece_calibrated'])}", AFTER_COLOR),
    )
    for height, (text, color) in zip((1.25, 1.14, 1.03), lines, strict=True):
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
