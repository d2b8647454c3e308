"""Put external validation beside the internal test: ecgmm external outputs/a outputs/b [more folders].

Reads what `python -m ecgmm.evaluate run=... store=... split=all` has saved in run directories. Prints Markdown and
saves external.md, external.csv and external.tex in the first folder. Nothing is trained or predicted.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ecgmm.console.terminal import say
from ecgmm.evaluation.metrics import TABLE2_METRICS
from ecgmm.files import write_whole
from ecgmm.reporting import external_sections as sections
from ecgmm.reporting.command import exit_code
from ecgmm.reporting.escaping import csv_text, markdown_text
from ecgmm.reporting.external_rows import CALIBRATION, Row, build_sets
from ecgmm.reporting.table2_formats import latex_section, markdown_list, markdown_table
from ecgmm.reporting.table2_sections import Section
from ecgmm.runs.metrics import Metric
from ecgmm.runs.run import Run, find_runs

RESAMPLES = 2000


@dataclass(frozen=True)
class External:
    """Tables of external validation, to read or to write down.

    Attributes:
        sets: Rows of each store and split.
        n_resamples: Patient resamples behind intervals.
    """

    sets: list[list[Row]]
    n_resamples: int

    def to_markdown(self) -> str:
        """All sets with their notes; reads in a terminal as well."""
        texts = ["# External validation"]
        for rows in self.sets:
            texts += [f"## {markdown_text(sections.title(rows))}", markdown_list(sections.facts(rows))]
            texts += [f"### {markdown_text(part.title)}\n\n{markdown_table(part)}" for part in sections.parts(rows)]
        return "\n\n".join([*texts, "## How to read it", markdown_list(sections.notes(self.n_resamples))]) + "\n"

    _repr_markdown_ = to_markdown  # what a notebook shows

    def to_csv(self) -> str:
        """One line per set, run, side and metric, numbers unrounded."""
        lines = [line for rows in self.sets for row in rows for line in _lines(row)]
        shown = [
            {key: csv_text(cell) if isinstance(cell, str) else cell for key, cell in line.items()} for line in lines
        ]
        return pl.DataFrame(shown, infer_schema_length=None).write_csv()

    def to_latex(self) -> str:
        """Floating tables; needs the booktabs package."""
        parts = [
            latex_section(Section(f"{sections.title(rows)}: {part.title}", part.head, part.lines))
            for rows in self.sets
            for part in sections.parts(rows)
        ]
        return "\n".join(parts)

    def save(self, folder: Path) -> None:
        """Write ``external.md``, ``external.csv`` and ``external.tex``."""
        folder.mkdir(parents=True, exist_ok=True)
        for suffix, text in {"md": self.to_markdown(), "csv": self.to_csv(), "tex": self.to_latex()}.items():
            write_whole(folder / f"external.{suffix}", text.encode())


def external(runs: Sequence[Run], n_resamples: int = RESAMPLES) -> External:
    """External validation of finished runs beside their internal tests.

    Args:
        runs: Such as ``find_runs`` returns.
        n_resamples: Patient resamples behind intervals.

    Raises:
        UserError: If no run was evaluated on another store, or evaluations cannot be compared.
    """
    return External(build_sets(runs, n_resamples), n_resamples)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ecgmm external", description=(__doc__ or "").splitlines()[0])
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
        UserError: As ``external``.
    """
    runs, _ = find_runs(folders)
    table = external(runs, n_resamples)
    table.save(out)
    say(*table.to_markdown().split("\n"))
    say(f"saved {out / 'external'}.md, .csv and .tex")


def _lines(row: Row) -> Iterator[dict[str, Any]]:
    about, facts = row.about, row.run.facts
    shared = {
        "store": about.store,
        "source": about.source,
        "split": about.split,
        "leads": " ".join(row.metrics.leads or []) or None,
        "run": row.run.directory.name,
        "adapted": " ".join(row.metrics.adaptation.steps) if row.metrics.adaptation else None,
        "method": facts.method,
        "trained_on": facts.data.name,
        "seed": facts.seed,
        "labels": facts.labels.name,
        "classes": " ".join(row.metrics.classes),
        "patients_checked": about.patients.checked,
    }
    for name, side in (("internal", row.internal), ("external", row.external)):
        size = {"n_records": side.n_records, "n_patients": side.n_patients}
        for key in (*TABLE2_METRICS, *CALIBRATION, *(f"auroc/{name}" for name in row.metrics.classes)):
            one = side.values[key]
            yield {**shared, "side": name, "metric": key, **_numbers(one.value, one.low, one.high), **size}
        for class_name, n in side.n_positive.items():
            share = _numbers(n / side.n_records)
            yield {**shared, "side": name, "metric": f"prevalence/{class_name}", **share, **size}
    for key, gap in row.differences.items():
        yield {**shared, "side": "internal - external", "metric": key, **_numbers(gap.value, gap.low, gap.high)}
    for key, (gap, p_holm) in (row.paired or {}).items():
        numbers = _numbers(gap.value, gap.low, gap.high, p_holm)
        yield {**shared, "side": "first run - this run", "metric": key, **numbers}
    if row.metrics.recalibration is not None:
        new = row.metrics.recalibration
        for name, measured in (("external, before", new.before), ("external, fitted anew", new.after)):
            size = {"n_records": measured.n_records, "n_patients": measured.n_patients}
            for key in (*TABLE2_METRICS, *CALIBRATION):
                found: Metric = measured[f"{about.split}/{key}"]
                yield {**shared, "side": name, "metric": key, **_numbers(found.value, found.low, found.high), **size}


def _numbers(
    value: float | None, low: float | None = None, high: float | None = None, p_holm: float | None = None
) -> dict[str, Any]:
    empty = {"n_records": None, "n_patients": None}
    return {"value": value, "low": low, "high": high, "p_holm": p_holm, **empty}
