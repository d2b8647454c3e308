"""Tables of a report: the runs that stand in each, and what it shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from ecgmm.errors import UserError
from ecgmm.reporting import figure3, figure4
from ecgmm.reporting.chapters import Chapter, Part, tables_of
from ecgmm.reporting.grouping import check_comparable
from ecgmm.reporting.report_contents import by_experiment, without_folders
from ecgmm.reporting.table2 import BOOTSTRAP_SEED
from ecgmm.reporting.table2_notes import header_lines, reading_notes, references
from ecgmm.reporting.table2_rows import Table, build_table
from ecgmm.reporting.table2_sections import parts
from ecgmm.runs.run import Run


@dataclass(frozen=True)
class TableOfRuns:
    """One table of comparable runs.

    Attributes:
        title: Names its experiments.
        runs: What it shows.
        table: What was measured.
    """

    title: str
    runs: list[Run]
    table: Table

    def chapter(self, name: str) -> Chapter:
        """All numbers: the metrics, and what else is measured in folds."""
        metrics, *others = parts(self.table)
        notes = [
            Part("Rows", lines=references(self.table), folded=True),
            Part("How to read it", lines=reading_notes(self.table), folded=True),
        ]
        shown = [Part("", lines=header_lines(self.table)), Part(metrics.title, metrics), *tables_of(others), *notes]
        return Chapter(name, f"{self.title}: all numbers", parts=shown)


def tables(runs: Sequence[Run], n_resamples: int) -> tuple[list[TableOfRuns], dict[str, str]]:
    """Measure as few tables as hold all experiments but the two sweeps, the one with most methods first.

    Returns:
        The tables, and the experiments whose runs make none with the reason.
    """
    sets, left_out = _together(runs)
    return [_measure(names, members, n_resamples) for names, members in sets], left_out


def _together(runs: Sequence[Run]) -> tuple[list[tuple[list[str], list[Run]]], dict[str, str]]:
    sets: list[tuple[list[str], list[Run]]] = []
    left_out = {}
    groups = {
        name: group
        for name, group in by_experiment(runs).items()
        if name not in (figure3.EXPERIMENT, figure4.EXPERIMENT)
    }
    for name, group in sorted(groups.items(), key=lambda item: -len({run.method for run in item[1]})):
        if refusal := _refusal(group):
            left_out[name] = refusal
            continue
        fitting = (one for one in sets if _refusal([*one[1], *group]) is None)
        names, members = next(fitting, ([], []))
        if not members:
            sets.append((names, members))
        names.append(name)
        members.extend(group)
    return sets, left_out


def _refusal(runs: Sequence[Run]) -> str | None:
    try:
        check_comparable(runs)
    except UserError as error:
        return without_folders(str(error))
    return None


def _measure(names: Sequence[str], runs: list[Run], n_resamples: int) -> TableOfRuns:
    table = build_table(runs, n_resamples, BOOTSTRAP_SEED)
    title = f"Table 2 and what was run beside it: {', '.join(names)}" if len(names) > 1 else f"Table of {names[0]}"
    return TableOfRuns("Table 2" if names == ["table2"] else title, runs, table)
