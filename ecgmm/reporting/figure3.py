"""Draw Figure 3, the study of the consistency weight λ: ecgmm figure3 outputs/lambda_sweep.

Beside the paper's AUROC it shows what λ does to the gate and to the two projections that it draws together.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from omegaconf import OmegaConf

from ecgmm.errors import UserError
from ecgmm.plots.bands import draw_band, logarithmic_axis, logarithmic_values, mark_chosen
from ecgmm.plots.look import PAGE_WIDTH_IN
from ecgmm.plots.palette import OKABE_ITO, LineStyle
from ecgmm.reporting import findings
from ecgmm.reporting.drawing import Drawing, command, provenance
from ecgmm.reporting.grouping import common_choices, row_key
from ecgmm.reporting.studies import Values, band_words, check_study, in_best_epoch, per_setting
from ecgmm.runs.run import Run

AXIS = "method.lambda_cons"
CHOSEN = 0.1  # Table 1 of the paper
EXPERIMENT = "lambda_sweep"
_SWEEP = f"python -m ecgmm.train +experiment={EXPERIMENT}"
_ECG, _TEXT, _NEUTRAL = LineStyle(OKABE_ITO[0], "-"), LineStyle(OKABE_ITO[1], "--"), LineStyle(OKABE_ITO[6], "-")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return command(build, __doc__, arguments)


def build(runs: list[Run]) -> Drawing:
    """Draw AUROC, gate, consistency, and size, rank and gap of the projections against λ.

    Raises:
        UserError: If the runs are no study of λ of one method.
    """
    study = [run for run in runs if OmegaConf.select(run.config, AXIS) is not None]
    check_study(study, AXIS, _SWEEP)
    common = common_choices(study, AXIS)
    labels = sorted({row_key(run, common).label for run in study})
    if len(labels) > 1:
        raise UserError(f"the runs are of {', '.join(labels)} and Figure 3 shows one method; give the folder of one")
    caption = (
        f"Figure 3. {labels[0]} against the weight λ of the consistency loss; dashed line: the paper's choice,"
        f" λ = {CHOSEN:g}; λ = 0 is fusion without it. (a) Macro AUROC on the test split."
        " (b) Gate α of the test records with a report: mean, and 10th and 90th percentile of records (mean over"
        " seeds). (c) Consistency loss in training, logarithmic. (d) Mean length, logarithmic, and (e) effective"
        " rank of the projections on validation. (f) Gap: consistency loss over the mean squared lengths, 0 for full"
        " agreement and about 1 for independent vectors; projections that merely shrink lower (c) and (d) but not (f)."
        " (c) to (f) are of the epoch that was tested, the one with the best validation AUROC."
        f" {band_words(study)} {provenance(study)}"
    )
    auroc = per_setting(study, AXIS, lambda run: float(run.metrics["test/auroc_macro"]))
    return Drawing("figure3", _draw(study), caption, findings.of_study(auroc, "λ ="))


def _draw(runs: Sequence[Run]) -> Figure:
    figure = Figure(figsize=(PAGE_WIDTH_IN, 4.3), layout="constrained")
    panels = figure.subplots(2, 3).ravel()
    auroc, gate, consistency, length, rank, gap = panels
    draw_band(auroc, per_setting(runs, AXIS, lambda run: float(run.metrics["test/auroc_macro"])), _NEUTRAL, "")
    _draw_gate(gate, runs)
    for axes, column in ((consistency, "train/loss_cons"), (gap, "val/projection_gap")):
        draw_band(axes, _history(runs, column), _NEUTRAL, "")
    for axes, what in ((length, "norm"), (rank, "rank")):
        draw_band(axes, _history(runs, f"val/ecg_projection_{what}"), _ECG, "waveform")
        draw_band(axes, _history(runs, f"val/text_projection_{what}"), _TEXT, "report", "s")
        axes.legend()
    for axes in (consistency, length):
        logarithmic_values(axes)
    for axes in (rank, gap):
        axes.set_ylim(0, 1.15 * axes.get_ylim()[1])
    names = ("Macro AUROC (test)", "Gate α", "Consistency loss", "Length of projection", "Effective rank", "Gap")
    settings = list(per_setting(runs, AXIS, lambda run: 0.0))
    for letter, axes, name in zip("abcdef", panels, names, strict=True):
        logarithmic_axis(axes, settings, [f"{value:g}" for value in settings])
        axes.tick_params(axis="x", labelsize=6.5)
        mark_chosen(axes, CHOSEN)
        axes.set_title(f"({letter}) {name}", loc="left")
    for axes in panels[3:]:
        axes.set_xlabel("Consistency weight λ")
    return figure


def _draw_gate(axes: Axes, runs: Sequence[Run]) -> None:
    """The mean with its band, and where the middle four fifths of records lie."""
    draw_band(axes, per_setting(runs, AXIS, lambda run: float(np.mean(_gates(run)))), _NEUTRAL, "")
    for percent in (10, 90):
        spread = per_setting(runs, AXIS, partial(_percentile, percent))
        means = [float(np.mean(of_seeds)) for of_seeds in spread.values()]
        axes.plot(list(spread), means, color=_NEUTRAL.color, linestyle=":", linewidth=1)
        first = next(place for place, value in enumerate(spread) if value > 0)  # small λ leave the most room
        place = (list(spread)[first], means[first])
        axes.annotate(f"{percent}th percentile", place, (0, 4), textcoords="offset points", fontsize=7)
    axes.set_ylim(0, 1)


def _percentile(percent: int, run: Run) -> float:
    return float(np.percentile(_gates(run), percent))


def _gates(run: Run) -> NDArray[np.floating]:
    """Of records with a report; without one α is 1 whatever was learned."""
    return run.test.filter("has_report")["gate"].to_numpy()


def _history(runs: Sequence[Run], column: str) -> Values:
    return per_setting(runs, AXIS, lambda run: in_best_epoch(run, column))
