"""Tabulate how a run does for women, the old, one device: ecgmm subgroups outputs/table2 [more folders].

Reads predictions of finished runs, and of their store what it knows of each record. Prints Markdown and saves
subgroups.md, subgroups.csv and the two figures. Nothing is trained or predicted.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ecgmm.console.terminal import say
from ecgmm.errors import UserError
from ecgmm.evaluation.metrics import HEADLINE
from ecgmm.files import write_whole
from ecgmm.plots.gaps import GapRow, draw_gaps
from ecgmm.plots.look import look
from ecgmm.reporting import decision_curves, decision_sections, subgroup_sections
from ecgmm.reporting.command import exit_code
from ecgmm.reporting.decisions import ClassDecisions, decisions
from ecgmm.reporting.drawing import Drawing, provenance, save
from ecgmm.reporting.escaping import markdown_text
from ecgmm.reporting.subgroup_columns import GROUPINGS, Limits
from ecgmm.reporting.subgroup_csv import to_csv
from ecgmm.reporting.subgroup_rows import RESAMPLES, Table, build_table, rows_of
from ecgmm.reporting.subgroup_words import is_significant, label_of, notes
from ecgmm.reporting.table2_formats import markdown_list, markdown_table
from ecgmm.reporting.table2_sections import Section
from ecgmm.runs.run import Run, find_runs
from ecgmm.runs.store_of_run import STORES

_SHOWN = 4
"""Methods that a page has room for."""


@dataclass(frozen=True)
class Subgroups:
    """Subgroups of some runs, to read, to draw or to write down."""

    table: Table
    decisions: list[ClassDecisions]

    def sections(self) -> list[Section]:
        """Tables, each with its sentence."""
        return [*subgroup_sections.parts(self.table), *decision_sections.parts(self.decisions)]

    def notes(self) -> list[str]:
        """How to read the tables."""
        return [*notes(self.table), *decision_sections.notes()]

    def drawings(self) -> list[Drawing]:
        """Gaps in AUROC by subgroup, where any group can be compared, and decision curves."""
        gaps = [draw_table(self.table)] if self.table.n_gaps else []
        return [*gaps, decision_curves.drawing(self.table.runs, self.decisions, self.table.n_resamples)]

    def to_markdown(self) -> str:
        """All tables with their notes; reads in a terminal as well."""
        runs = [run for group in self.table.runs.values() for run in group]
        texts = ["# For whom: subgroups of the test split", markdown_text(provenance(runs))]
        for part in self.sections():
            texts += [f"## {markdown_text(part.title)}", markdown_text(part.found), markdown_table(part)]
        return "\n\n".join([*texts, "## How to read it", markdown_list(self.notes())]) + "\n"

    _repr_markdown_ = to_markdown  # what a notebook shows

    def to_csv(self) -> str:
        """One line per method, group, side and metric, numbers unrounded."""
        return to_csv(self.table, self.decisions)


def subgroups(
    runs: Sequence[Run],
    stores: Path = STORES,
    by: Sequence[str] = tuple(GROUPINGS),
    limits: Limits | None = None,
    n_resamples: int = RESAMPLES,
    most: int | None = None,
) -> Subgroups:
    """Subgroups of finished runs.

    Args:
        runs: Such as ``find_runs`` returns.
        stores: Folder that holds their store.
        by: Groupings: sex, age, device, site, quality, report.
        limits: What a group must have to be shown.
        n_resamples: Patient resamples behind intervals and p-values.
        most: Methods to measure, the paper's first; None for all.

    Raises:
        UserError: If the runs do not belong in one table, or their store is not there.
    """
    rows = rows_of(runs, most)
    return Subgroups(build_table(rows, stores, by, limits, n_resamples), decisions(rows, n_resamples))


def build(runs: list[Run], stores: Path = STORES) -> Drawing:
    """Draw the gaps in AUROC of the first four methods, the paper's first.

    Raises:
        UserError: As ``subgroups``, or if no group can be compared.
    """
    return draw_table(build_table(rows_of(runs, _SHOWN), stores))


def sections(runs: Sequence[Run], stores: Path = STORES) -> list[Section]:
    """Tables of the first four methods, the paper's first, each with a sentence that says what it shows.

    Raises:
        UserError: As ``subgroups``.
    """
    return subgroups(runs, stores, most=_SHOWN).sections()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ecgmm subgroups", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, help="folders that hold run directories, at any depth")
    parser.add_argument(
        "--by", default=",".join(GROUPINGS), help=f"groupings, with commas between (default {','.join(GROUPINGS)})"
    )
    parser.add_argument("--smallest", type=int, default=20, help="least patients of a group that is shown (default 20)")
    parser.add_argument(
        "--cases", type=int, default=10, help="least patients with a class, and without, in a group (default 10)"
    )
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help=f"patient resamples (default {RESAMPLES})")
    parser.add_argument("--stores", type=Path, default=STORES, help="folder that holds stores (default stores/)")
    parser.add_argument("--out", type=Path, help="where to save; by default the first folder")
    options = parser.parse_args(arguments)
    for name, least in {"smallest": 2, "cases": 2, "resamples": 1}.items():
        if getattr(options, name) < least:
            parser.error(f"--{name} must be at least {least}")
    return exit_code(lambda: draw(options))


def draw(options: argparse.Namespace) -> None:
    """Collect, print and save.

    Raises:
        UserError: As ``subgroups``.
    """
    runs, unfinished = find_runs(options.folders)
    limits = Limits(options.smallest, options.cases)
    found = subgroups(runs, options.stores, options.by.split(","), limits, options.resamples)
    out = options.out or options.folders[0]
    out.mkdir(parents=True, exist_ok=True)
    text = found.to_markdown()
    write_whole(out / "subgroups.md", text.encode())
    write_whole(out / "subgroups.csv", found.to_csv().encode())
    with look():
        drawings = found.drawings()
    say(*text.split("\n"))
    say(f"saved {out / 'subgroups'}.md and .csv from {len(runs)} runs")
    for drawing in drawings:
        say(*save(drawing, out))
    if unfinished:
        say(f"left out, not finished: {len(unfinished)} runs", to_stderr=True)


def draw_table(table: Table) -> Drawing:
    """The figure: gaps in AUROC of the first four methods.

    Raises:
        UserError: If no group can be compared.
    """
    methods = list(table.runs)[:_SHOWN]
    rows: list[GapRow] = []
    labels = list(dict.fromkeys(label_of(one) for one in table.measured if HEADLINE in one.gaps))
    for label in labels:
        found = {one.method: one.gaps[HEADLINE] for one in table.measured if label_of(one) == label}
        marked = frozenset(method for method, gap in found.items() if is_significant(gap))
        rows.append(GapRow(label, {method: gap.difference for method, gap in found.items()}, marked))
    if not rows:
        raise UserError("no group of these records is large enough to be compared; give a run on more data")
    others = list(table.runs)[_SHOWN:]
    left_out = f" Not drawn: {', '.join(others)}." if others else ""
    caption = (
        "Gap in macro AUROC by subgroup of the test split: the group minus what it is compared with, over the same"
        f" classes, with its 95 % interval ({table.n_resamples:,} resamples of patients, not corrected). Filled: p"
        f" below 0.05 after Holm's correction for all {table.n_gaps} gaps of the table, in every metric. Left of 0 the"
        f" method is worse in the group.{left_out}"
        f" {provenance([run for group in table.runs.values() for run in group])}"
    )
    said = subgroup_sections.parts(table)[0].found
    return Drawing("subgroups", draw_gaps(rows, methods, "Gap in AUROC"), caption, said)
