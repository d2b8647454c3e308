"""Make the paper's Table 2 from finished run directories: ecgmm table2 outputs/table2 [more folders].

Prints Markdown and saves table2.md, table2.csv and table2.tex beside the runs. Nothing is trained.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ecgmm.console.terminal import say
from ecgmm.files import write_whole
from ecgmm.reporting.command import exit_code
from ecgmm.reporting.grouping import check_comparable
from ecgmm.reporting.on_evaluation import on_evaluation
from ecgmm.reporting.table2_csv import to_csv
from ecgmm.reporting.table2_formats import to_latex, to_markdown
from ecgmm.reporting.table2_rows import REFERENCE_METHOD, Table, build_table
from ecgmm.runs.run import Run, find_runs

BOOTSTRAP_SEED = 0
RESAMPLES = 5000


class Table2(Table):
    """Table 2 of some runs, to read or to write down."""

    def to_markdown(self) -> str:
        """All parts with their notes; reads in a terminal as well."""
        return to_markdown(self)

    _repr_markdown_ = to_markdown  # what a notebook shows

    def to_csv(self) -> str:
        """One line per row, numbers unrounded."""
        return to_csv(self)

    def to_latex(self) -> str:
        """Floating tables; needs the booktabs package."""
        return to_latex(self)

    def save(self, folder: Path) -> None:
        """Write ``table2.md``, ``table2.csv`` and ``table2.tex``."""
        folder.mkdir(parents=True, exist_ok=True)
        for suffix, text in {"md": self.to_markdown(), "csv": self.to_csv(), "tex": self.to_latex()}.items():
            write_whole(folder / f"table2.{suffix}", text.encode())


def table2(runs: Sequence[Run], n_resamples: int = RESAMPLES, reference: str = REFERENCE_METHOD) -> Table2:
    """Table 2 of finished runs.

    Args:
        runs: Such as ``find_runs`` returns.
        n_resamples: Patient resamples behind intervals and p-values.
        reference: Name of the row that all others are compared with.

    Raises:
        UserError: If the runs do not belong in one table, or it has no row of that name.
    """
    check_comparable(runs)
    return Table2(**vars(build_table(runs, n_resamples, BOOTSTRAP_SEED, reference)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    out = options.out or options.folders[0]
    return exit_code(lambda: draw(options.folders, out, options.resamples, options.evaluation, options.reference))


def draw(folders: list[Path], out: Path, n_resamples: int, evaluation: str | None, reference: str) -> None:
    """Collect runs, print the table and save it in three formats.

    Raises:
        UserError: If there are no finished runs, or runs that do not belong in one table.
    """
    runs, unfinished = find_runs(folders)
    if evaluation is not None:
        runs = on_evaluation(runs, evaluation)
    table = table2(runs, n_resamples, reference)
    table.save(out)
    say(*table.to_markdown().split("\n"))
    say(f"saved {out / 'table2'}.md, .csv and .tex from {len(runs)} runs")
    if unfinished:
        say(f"left out, not finished: {', '.join(map(str, unfinished))}", to_stderr=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ecgmm table2", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, help="folders that hold run directories, at any depth")
    parser.add_argument("--out", type=Path, help="where to save; by default the first folder")
    parser.add_argument(
        "--evaluation", help="score this evaluation of every run in place of its test split: a name in <run>/evaluation"
    )
    parser.add_argument(
        "--reference",
        default=REFERENCE_METHOD,
        metavar="ROW",
        help="name of the row that all others are compared with (default %(default)s)",
    )
    parser.add_argument(
        "--resamples", type=_positive, default=RESAMPLES, help=f"patient resamples (default {RESAMPLES})"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("give a number of at least 1")
    return number
