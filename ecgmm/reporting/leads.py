"""Tabulate and draw macro AUROC against the number of leads that rows get: ecgmm leads outputs/table2 [more folders].

Reads what finished runs made of the kind `fewer_leads` of the suite of disturbances, which
`python -m ecgmm.robustness run=outputs/table2 kinds=[fewer_leads]` lets all runs of a folder meet at once. Prints
Markdown and saves leads.md, leads.csv and the figure (leads.pdf, .png, .txt) in the first folder.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ecgmm.console.terminal import say
from ecgmm.errors import UserError
from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.metrics import HEADLINE
from ecgmm.evaluation.replicates import replicated_estimate
from ecgmm.leads import FEWER_LEADS, N_LEADS
from ecgmm.plots.look import literal, look
from ecgmm.plots.palette import line_styles
from ecgmm.reporting.command import exit_code
from ecgmm.reporting.drawing import Drawing, provenance, save
from ecgmm.reporting.result_file import ResultTable, interval, row_name
from ecgmm.reporting.robustness_scores import CLEAN_CONDITION, Condition, Row, rows_of
from ecgmm.reporting.row_panels import panels_of
from ecgmm.runs.run import find_runs

KIND = "fewer_leads"
RESAMPLES = 1000
_SEED = 0
_MARKERS, _LOWEST = "osD^vPX", 0.5
_SETS = {n_leads: " ".join(leads) for n_leads, leads in sorted(FEWER_LEADS.items())}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ecgmm leads", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, help="folders that hold run directories, at any depth")
    parser.add_argument("--suite", help="folder below robustness/ of the runs (default: that of most runs)")
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help=f"of patients (default {RESAMPLES:,})")
    options = parser.parse_args(arguments)
    return exit_code(lambda: draw(options.folders, options.suite, options.resamples))


def draw(folders: Sequence[Path], suite: str | None = None, n_resamples: int = RESAMPLES) -> None:
    """Collect, print and save.

    Args:
        folders: Hold run directories; files are written into the first.
        suite: Name of a suite of the runs; None takes the one that most of them have met.
        n_resamples: Patient resamples behind intervals.

    Raises:
        UserError: If no run that sees a waveform has met fewer leads.
    """
    rows = [row for row in rows_of(find_runs(list(folders))[0], suite, n_resamples, _SEED) if _is_shown(row)]
    if not rows:
        raise UserError(
            f"no run that sees a waveform has met fewer leads; start python -m ecgmm.robustness run={folders[0]}"
            f" kinds=[{KIND}]"
        )
    table(rows, n_resamples).save(folders[0], "leads")
    with look():
        say(*save(figure(rows), folders[0]))


def _is_shown(row: Row) -> bool:
    has_met = all((KIND, float(n_leads)) in row.conditions for n_leads in FEWER_LEADS)
    return "ecg" in row.inputs_at_test and has_met and not row.met[0].estimates_share


def by_leads(row: Row) -> dict[int, Estimate]:
    """Macro AUROC of a row by number of leads, the fewest first, with intervals over seeds and patients."""
    conditions: dict[int, Condition] = {n_leads: (KIND, float(n_leads)) for n_leads in sorted(FEWER_LEADS)}
    conditions[N_LEADS] = CLEAN_CONDITION
    return {n_leads: replicated_estimate(HEADLINE, row.of(one)) for n_leads, one in conditions.items()}


def table(rows: Sequence[Row], n_resamples: int) -> ResultTable:
    """One line a row, one column a set of leads."""
    facts, runs = rows[0].met[0].suite.facts, [one.run for row in rows for one in row.met]
    seeds = ", ".join(str(seed) for seed in sorted({run.seed for run in runs}))
    synthetic = "SYNTHETIC data. " if facts.synthetic else ""
    note = (
        f"{synthetic}Macro AUROC with fewer leads, the others missing: store {facts.store}, split {facts.split},"
        f" {facts.n_records:,} records; mean over seeds {seeds} with the 95 % interval over seeds and patients"
        f" ({n_resamples:,} resamples). Recipe {runs[0].facts.recipe}, size {runs[0].facts.size}."
    )
    cells = [[row_name(row.label), *map(interval, by_leads(row).values())] for row in rows]
    return ResultTable([note], ["leads at test", *_SETS.values(), f"all {N_LEADS}"], cells)


def figure(rows: Sequence[Row]) -> Drawing:
    """One panel a method, one line a way of training it."""
    methods = list(dict.fromkeys(row.method for row in rows))
    drawn, panels = panels_of(methods, 1.6)
    counts, lowest = [*_SETS, N_LEADS], min(one.value for row in rows for one in by_leads(row).values())
    variants = list(dict.fromkeys(_variant(row) for row in rows))
    styles = dict(zip(variants, line_styles(len(variants)), strict=True))
    for axes, method in zip(panels, methods, strict=True):
        for row in (row for row in rows if row.method == method):
            estimates = by_leads(row).values()
            style, marker = styles[_variant(row)], _MARKERS[variants.index(_variant(row)) % len(_MARKERS)]
            low, high = ([getattr(one, bound) for one in estimates] for bound in ("low", "high"))
            values = [one.value for one in estimates]
            line = axes.plot(range(len(counts)), values, color=style.color, linestyle=style.dash, linewidth=1.0)[0]
            line.set(marker=marker, markersize=2.5, label=literal(_variant(row)))
            axes.fill_between(range(len(counts)), low, high, color=style.color, alpha=0.18, linewidth=0)
        axes.set_xticks(range(len(counts)), [str(count) for count in counts], fontsize=6)
        axes.set_ylim(min(_LOWEST, lowest) - 0.02, 1.0)
    handles = {
        label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    drawn.legend(handles.values(), handles, loc="outside upper center", ncols=2, fontsize=6.5)
    drawn.supxlabel("Leads", fontsize=7)
    drawn.supylabel("Macro AUROC", fontsize=7)
    caption = (
        "Macro AUROC against the number of leads that a trained row gets, the others missing:"
        f" {'; '.join(f'{count}: {leads}' for count, leads in _SETS.items())}. Bands: 95 % over seeds and patients."
        f" {provenance([one.run for row in rows for one in row.met])}"
    )
    return Drawing("leads", drawn, caption)


def _variant(row: Row) -> str:
    """What tells a row from the others of its method."""
    return row.label.removeprefix(row.method).removeprefix(", ") or "as it comes"
