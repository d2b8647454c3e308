"""Make the paper's Table 3 from finished run directories: ecgmm table3 outputs/robustness [more folders].

Prints Markdown and saves table3.md, table3.csv and table3.html beside the runs. Nothing is trained or predicted: rows
1, 2 and 4 read what `python -m ecgmm.robustness` has saved, row 3 evaluations on another cart, row 5 runs with
disturbed labels.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ecgmm.console.terminal import say
from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.files import write_whole
from ecgmm.plots.page import templates
from ecgmm.reporting.command import exit_code
from ecgmm.reporting.escaping import csv_text
from ecgmm.reporting.robustness import RESAMPLES, SEED
from ecgmm.reporting.robustness_sections import NONE, estimate_text
from ecgmm.reporting.table2_formats import markdown_list, markdown_table
from ecgmm.reporting.table2_sections import Section
from ecgmm.reporting.table3_rows import Line, lines
from ecgmm.runs.run import Run, find_runs

_TITLE = "Table 3: limitations that the paper names, and what was built for each"


@dataclass(frozen=True)
class Table3:
    """Table 3, to read or to write down.

    Attributes:
        lines: The five rows.
        header: Data and runs that they are from.
    """

    lines: list[Line]
    header: list[str]

    @property
    def section(self) -> Section:
        """The rows as cells."""
        head = ("Limitation", "Built", "Measure", "Without", "With", "Difference [95 %]", "To a clinician")
        cells = [
            (
                line.limitation,
                line.built,
                line.measure or NONE,
                _shown(line.without),
                _shown(line.with_it),
                _shown(line.gap, signed=True),
                line.meaning,
            )
            for line in self.lines
        ]
        return Section(_TITLE, head, cells)

    def to_markdown(self) -> str:
        """Header and table."""
        return f"# {_TITLE}\n\n{markdown_list(self.header)}\n\n{markdown_table(self.section)}\n"

    _repr_markdown_ = to_markdown  # what a notebook shows

    def to_html(self) -> str:
        """One self-contained page."""
        page = templates(Path(__file__).parent, {}).get_template("robustness.html.jinja")
        return page.render(title=_TITLE, header=self.header, parts=[self.section])

    def to_csv(self) -> str:
        """One line a row, numbers unrounded."""
        cells: list[dict[str, Any]] = []
        for line in self.lines:
            texts = {name: csv_text(getattr(line, name)) for name in ("limitation", "direction", "built", "measure")}
            numbers = {"without": line.without, "with": line.with_it, "difference": line.gap}
            values = {
                f"{side}_{name}": value
                for side, one in numbers.items()
                for name, value in (asdict(one) if one else dict.fromkeys(("value", "low", "high"))).items()
            }
            cells.append({**texts, **values, "meaning": csv_text(line.meaning)})
        return pl.DataFrame(cells, infer_schema_length=None).write_csv()

    def save(self, folder: Path) -> None:
        """Write ``table3.md``, ``table3.csv`` and ``table3.html``."""
        folder.mkdir(parents=True, exist_ok=True)
        for suffix, text in {"md": self.to_markdown(), "csv": self.to_csv(), "html": self.to_html()}.items():
            write_whole(folder / f"table3.{suffix}", text.encode())


def table3(runs: Sequence[Run], n_resamples: int = RESAMPLES) -> Table3:
    """Table 3 of finished runs; a row whose runs are not there says so.

    Args:
        runs: Such as ``find_runs`` returns.
        n_resamples: Patient resamples behind intervals.

    Raises:
        DataError: If a file of a run is damaged.
    """
    facts, seeds = runs[0].facts, sorted({run.seed for run in runs})
    header = [
        f"runs: {len(runs)}, of {', '.join(sorted({run.method for run in runs}))}; recipe {facts.recipe}, size"
        f" {facts.size}, seeds {', '.join(map(str, seeds))}",
        f"intervals: 95 %, {n_resamples:,} patient resamples, over seeds as well where a row has several",
    ]
    if any(run.facts.data.synthetic for run in runs):
        header.insert(0, "SYNTHETIC data: it shows that the code works, not how a method does on patients")
    return Table3(lines(runs, n_resamples, SEED), header)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ecgmm table3", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, help="folders that hold run directories, at any depth")
    parser.add_argument("--out", type=Path, help="where to save; by default the first folder")
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help=f"patient resamples (default {RESAMPLES})")
    options = parser.parse_args(arguments)
    if options.resamples < 1:
        parser.error("--resamples must be at least 1")
    return exit_code(lambda: draw(options.folders, options.out or options.folders[0], options.resamples))


def draw(folders: list[Path], out: Path, n_resamples: int) -> None:
    """Collect, print and save.

    Raises:
        UserError: If there are no finished runs.
    """
    table = table3(find_runs(folders)[0], n_resamples)
    table.save(out)
    say(*table.to_markdown().split("\n"))
    say(f"saved {out / 'table3'}.md, .csv and .html")


def _shown(one: Estimate | None, signed: bool = False) -> str:
    return NONE if one is None else estimate_text(one, signed)
