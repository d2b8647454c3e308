"""Tabulate and draw AUROC against the share of labelled patients: ecgmm few_labels outputs/few_labels [more folders].

Reads runs of `python -m ecgmm.train +experiment=few_labels`, or others that differ in label_fraction, train_fraction
or init. Prints Markdown and saves few_labels.md, few_labels.csv and the figure (few_labels.pdf, .png, .txt) in the
first folder.
"""

import argparse
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ecgmm.console.terminal import say
from ecgmm.evaluation.metrics import HEADLINE
from ecgmm.evaluation.replicates import Replicates, replicate, replicated_difference_of, replicated_estimate
from ecgmm.plots.bands import draw_band, logarithmic_axis
from ecgmm.plots.look import literal, look
from ecgmm.plots.palette import line_styles
from ecgmm.reporting.command import exit_code
from ecgmm.reporting.drawing import Drawing, provenance, save
from ecgmm.reporting.grouping import NO_PAIRS, check_comparable, choices_of, common_choices
from ecgmm.reporting.result_file import ResultTable, interval, row_name
from ecgmm.reporting.row_panels import panels_of
from ecgmm.reporting.studies import band_words
from ecgmm.reporting.training_settings import different_settings
from ecgmm.runs.run import Run, find_runs

AXES = ("label_fraction", "train_fraction", "init.run")
RESAMPLES = 1000
_SEED = 0
_MARKERS = "osD^vPX"
TUNED, PROBE, ZERO_SHOT = "fine-tuning", "linear probe", "zero-shot, no label"
_LEARNT = {"": TUNED, "linear_probe": PROBE, "zero_shot": ZERO_SHOT}
_CONTROLS = {
    "": "from scratch",
    "linear_probe": "linear probe of a random encoder",
    "zero_shot": "zero-shot of a random encoder",
}
"""What the same encoder makes of the same labels without anything learnt before, by readout."""


class Way(NamedTuple):
    """A row: how a method came to its answers.

    Attributes:
        method: Its name.
        how: What of pre-training and labels it used.
        before: Share of the pairs, or the run whose weights it began with; empty for all pairs of its own.
        settings: Settings of training that most runs have not.
    """

    method: str
    how: str
    before: str = ""
    settings: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Name of the row."""
        return ", ".join(filter(None, [self.method, self.how, self.before, *self.settings]))


Cells = Mapping[tuple[Way, float], Replicates]
"""AUROC of all seeds by row and share of labelled patients."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ecgmm few_labels", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, help="folders that hold run directories, at any depth")
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help=f"of patients (default {RESAMPLES:,})")
    options = parser.parse_args(arguments)
    return exit_code(lambda: draw(options.folders, options.resamples))


def draw(folders: Sequence[Path], n_resamples: int = RESAMPLES) -> None:
    """Collect, print and save.

    Args:
        folders: Hold run directories; files are written into the first.
        n_resamples: Patient resamples behind intervals.

    Raises:
        UserError: If the runs do not belong in one table.
    """
    runs, _ = find_runs(list(folders))
    check_comparable(runs, *AXES)
    groups = by_way(runs)
    patients = runs[0].patients
    cells = {
        cell: replicate([run.scorer() for run in group], patients, n_resamples, _SEED, keys=[HEADLINE])
        for cell, group in groups.items()
    }
    table(runs, cells, n_resamples).save(folders[0], "few_labels")
    with look():
        say(*save(figure(runs, groups), folders[0]))


def by_way(runs: Sequence[Run]) -> dict[tuple[Way, float], list[Run]]:
    """Runs and their readouts by row and share of labelled patients, in order of their seeds.

    The readout of both towers is left out: it sees the report.
    """
    common, groups = common_choices(runs, *AXES), dict[tuple[Way, float], list[Run]]()
    sources = {run.facts.init.name for run in runs if run.facts.init is not None}
    for run in sorted(runs, key=lambda run: (run.method, run.seed)):
        for one in (run, *run.readouts):
            names = _LEARNT if has_learnt(run) else _CONTROLS
            if one.readout in names:
                way = Way(run.method, names[one.readout], _before(run, sources), different_settings(run, common))
                groups.setdefault((way, labelled_share(run)), []).append(one)
    return groups


def has_learnt(run: Run) -> bool:
    """Whether a run knew anything before it saw labels: pairs, or the weights of another run."""
    init = run.facts.init
    of_pairs = run.facts.two_stages and run.facts.stages == "two" and choices_of(run)["stages"] != NO_PAIRS
    return of_pairs or init is not None


def labelled_share(run: Run) -> float:
    """Part of the training patients whose labels a run saw."""
    return run.facts.train_fraction if run.facts.label_fraction is None else run.facts.label_fraction


def _before(run: Run, sources: Collection[str]) -> str:
    facts = run.facts
    if facts.init is not None:
        return "weights of another run" if len(sources) == 1 else f"weights of {facts.init.name}"
    if facts.label_fraction is None or facts.train_fraction == 1 or not has_learnt(run):
        return ""
    return f"{facts.train_fraction:.0%} of the pairs"


def table(runs: Sequence[Run], cells: Cells, n_resamples: int) -> ResultTable:
    """One line a row, one column a share of labelled patients, then what was gained over the control of each row."""
    facts, shares = runs[0].facts, sorted({share for _, share in cells})
    seeds = ", ".join(str(seed) for seed in sorted({run.seed for run in runs}))
    synthetic = "SYNTHETIC data. " if facts.data.synthetic else ""
    note = (
        f"{synthetic}Macro AUROC on the test split by share of the training patients whose labels are seen; mean over"
        f" seeds {seeds}, 95 % interval over seeds and patients ({n_resamples:,} resamples). Recipe {facts.recipe},"
        f" size {facts.size}."
    )
    order = [*_LEARNT.values(), *_CONTROLS.values()]
    ways = sorted({way for way, _ in cells}, key=lambda way: (way.method, way.settings, order.index(way.how), way))
    lines = [[row_name(way.label), *(_cell(cells.get((way, share))) for share in shares)] for way in ways]
    for way in ways:
        if (control := control_of(way, cells)) is not None:
            pairs = [(cells.get((way, share)), cells.get((control, share))) for share in shares]
            name = f"{row_name(way.label)} minus {control.how}"
            lines.append([name, *(_gain(one, other) for one, other in pairs)])
    return ResultTable([note], ["row", *(_column(runs, share) for share in shares)], lines)


def control_of(way: Way, cells: Cells) -> Way | None:
    """The row that a row's gain is measured against: the same method and readout with nothing learnt before."""
    readout = next((name for name, how in _LEARNT.items() if how == way.how), None)
    if readout is None:
        return None
    control = Way(way.method, _CONTROLS[readout], "", way.settings)
    return control if any(one == control for one, _ in cells) else None


def _column(runs: Sequence[Run], share: float) -> str:
    """Share of the patients, and how many they are, which differs between seeds that draw their own."""
    of_share = [run for run in runs if labelled_share(run) == share]
    counts = sorted({(run.facts.labelled or run.split("train")).patients for run in of_share})
    many = "–".join(f"{count:,}" for count in dict.fromkeys((counts[0], counts[-1])))
    return f"{100 * share:.3g} % ({many} patients)"


def _cell(replicates: Replicates | None) -> str:
    return "–" if replicates is None else interval(replicated_estimate(HEADLINE, replicates))


def _gain(one: Replicates | None, control: Replicates | None) -> str:
    if one is None or control is None:
        return "–"
    gain = replicated_difference_of(HEADLINE, one, control)
    return f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"


def figure(runs: Sequence[Run], groups: Mapping[tuple[Way, float], Sequence[Run]]) -> Drawing:
    """Macro AUROC against the share of labelled patients, one panel a method, one line a row."""
    methods = list(dict.fromkeys(way.method for way, _ in groups))
    drawn, panels = panels_of(methods, 2.0)
    for axes in panels[1:]:
        axes.sharey(panels[0])  # rows are compared by eye
    names = list(dict.fromkeys(_within_method(way) for way, _ in groups))
    styles = dict(zip(names, line_styles(len(names)), strict=True))
    shares = sorted({share for _, share in groups})
    for axes, method in zip(panels, methods, strict=True):
        for way in dict.fromkeys(way for way, _ in groups if way.method == method):
            values = {
                share: [float(run.metrics[f"test/{HEADLINE}"]) for run in group]
                for (one, share), group in groups.items()
                if one == way
            }
            name = _within_method(way)
            draw_band(axes, values, styles[name], literal(name), _MARKERS[names.index(name) % len(_MARKERS)])
        logarithmic_axis(axes, shares, [f"{100 * share:.3g}" for share in shares])
    handles = {
        label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    drawn.legend(handles.values(), handles, loc="outside upper center", ncols=2, fontsize=6.5)
    drawn.supxlabel("Training patients with labels (%)", fontsize=7)
    drawn.supylabel("Macro AUROC (test)", fontsize=7)
    caption = (
        "Macro AUROC against the share of the training patients whose labels are seen (logarithmic); every stage has"
        f" the same steps at every share. {band_words(runs)} {provenance(runs)}"
    )
    return Drawing("few_labels", drawn, caption)


def _within_method(way: Way) -> str:
    return way.label.removeprefix(f"{way.method}, ")
