"""Draw Figure 4, the study of the training set's size: ecgmm figure4 outputs/fraction_sweep."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from ecgmm.plots.bands import draw_band, logarithmic_axis
from ecgmm.plots.look import PAGE_WIDTH_IN, literal
from ecgmm.plots.palette import line_styles
from ecgmm.reporting import findings
from ecgmm.reporting.drawing import Drawing, command, provenance
from ecgmm.reporting.grouping import RowKey, common_choices, row_key
from ecgmm.reporting.studies import band_words, check_study, per_setting, setting
from ecgmm.reporting.table2_notes import LEAK_MARK
from ecgmm.reporting.table2_rows import REFERENCE_METHOD
from ecgmm.runs.run import Run

AXIS = "train_fraction"
EXPERIMENT = "fraction_sweep"
_SWEEP = f"python -m ecgmm.train +experiment={EXPERIMENT}"
_MARKERS = "osD^vPX"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return command(build, __doc__, arguments)


def build(runs: list[Run]) -> Drawing:
    """Draw macro AUROC against the part of the training patients, one line per method.

    Raises:
        UserError: If the runs are no study of the training set's size.
    """
    check_study(runs, AXIS, _SWEEP)
    caption = (
        "Figure 4. Macro AUROC on the test split against the part of the training patients that a method was trained"
        " on (logarithmic); above: their number, of one seed. Each smaller part is contained in every larger one of its"
        " seed. The number of epochs is the same for all, so that a smaller part also means fewer steps of the"
        f" optimiser. {band_words(runs)} {_held(runs)} {provenance(runs)}"
    )
    label, group = next(iter(_lines(runs).items()))
    auroc = per_setting(group, AXIS, lambda run: float(run.metrics["test/auroc_macro"]))
    return Drawing("figure4", _draw(runs), caption, f"{label}: {findings.of_study(auroc, 'the part')}")


def _held(runs: Sequence[Run]) -> str:
    """What differs between the seeds of a band."""
    drawn = {run.facts.fraction_seed is not None for run in runs}
    if drawn == {True}:
        return "Seeds differ in training and in the patients of a part; the test patients are the same."
    if drawn == {False}:
        return "Seeds differ in training alone: all have the same patients, in training and in test."
    return "Of some runs each seed has patients of its own, of others all have the same."


def _draw(runs: Sequence[Run]) -> Figure:
    figure = Figure(figsize=(PAGE_WIDTH_IN, 3.2), layout="constrained")
    axes = figure.subplots()
    lines = _lines(runs)
    for index, ((label, group), style) in enumerate(zip(lines.items(), line_styles(len(lines)), strict=True)):
        values = per_setting(group, AXIS, lambda run: float(run.metrics["test/auroc_macro"]))
        draw_band(axes, values, style, literal(label), _MARKERS[index % len(_MARKERS)])
    patients = {setting(run, AXIS): _training_patients(run) for run in runs}
    fractions = sorted(patients)
    logarithmic_axis(axes, fractions, [f"{100 * fraction:g}" for fraction in fractions])
    above = axes.secondary_xaxis("top")
    above.set_xticks(fractions, [f"{patients[fraction]:,}" for fraction in fractions], rotation=45, ha="left")
    above.tick_params(axis="x", which="minor", length=0)
    above.set_xlabel("Training patients")
    axes.set(xlabel="Part of the training patients (%)", ylabel="Macro AUROC (test)")
    axes.legend(loc="lower right")
    return figure


def _lines(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs by name of their line, our method first, then in order of the alphabet."""
    common, groups = common_choices(runs, AXIS), dict[RowKey, list[Run]]()
    for run in runs:
        groups.setdefault(row_key(run, common), []).append(run)
    keys = sorted(groups, key=lambda key: (key.method != REFERENCE_METHOD, key))
    return {key.label + LEAK_MARK * bool(groups[key][0].facts.leaky): groups[key] for key in keys}


def _training_patients(run: Run) -> int:
    return run.split("train").patients
