"""The suite of disturbances as tables: what each row of finished runs makes of each kind and strength."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl

from ecgmm.evaluation.replicates import replicated_estimate
from ecgmm.files import write_whole
from ecgmm.plots.page import templates
from ecgmm.reporting import robustness_sections as sections
from ecgmm.reporting.escaping import csv_text, markdown_text
from ecgmm.reporting.robustness_scores import MEASURED, Condition, Row, difference, rows_of
from ecgmm.reporting.table2_formats import markdown_list, markdown_table
from ecgmm.reporting.table2_sections import Section
from ecgmm.runs.robustness import SuiteFacts
from ecgmm.runs.run import Run
from ecgmm.settings.disturbances import CLEAN, KINDS, N_STRENGTHS

RESAMPLES = 500
SEED = 0
_TEMPLATE = "robustness.html.jinja"


@dataclass(frozen=True)
class Robustness:
    """The tables of a suite.

    Attributes:
        rows: Rows of the runs that have met it.
        n_resamples: Patient resamples behind intervals.
    """

    rows: list[Row]
    n_resamples: int

    @property
    def facts(self) -> SuiteFacts:
        """What was disturbed."""
        return self.rows[0].met[0].suite.facts

    @cached_property
    def conditions(self) -> list[Condition]:
        """Kinds and strengths that all rows have met."""
        first, *others = (row.conditions for row in self.rows)
        return [one for one in first if all(one in theirs for theirs in others)]

    @cached_property
    def parts(self) -> list[Section]:
        """All sections that have a line."""
        given = (self.rows, self.conditions)
        if not self.conditions:
            return []
        found = (
            sections.summary(*given),
            sections.by_kind(*given, strongest=False),
            sections.by_kind(*given, strongest=True),
            sections.changes(*given),
            sections.better_half(*given),
            sections.found(*given, (self.n_resamples, SEED)),
            sections.calibration_and_gate(*given),
        )
        return [part for part in found if part.lines]

    @property
    def header(self) -> list[str]:
        """What was disturbed, on which records, with which runs."""
        facts, run = self.facts, self.rows[0].met[0].run.facts
        seeds = sorted({one.run.seed for row in self.rows for one in row.met})
        lines = [
            f"records: store {facts.store}, split {facts.split}, {facts.n_records:,} rows; seed of the disturbances:"
            f" {facts.seed}",
            f"runs: trained on {run.data.name} ({run.data.fingerprint[:12]}), recipe {run.recipe}, size {run.size},"
            f" task {run.task}, seeds {', '.join(map(str, seeds))}",
            f"intervals: 95 %, {self.n_resamples:,} patient resamples, over seeds as well where a row has several",
        ]
        if facts.synthetic:
            lines.insert(0, "SYNTHETIC data: it shows that the code works, not how a method does on patients")
        for kind, reasons in facts.unmet.items():
            which = "" if len(reasons) == N_STRENGTHS else f" at {', '.join(reasons)}"
            lines.append(f"not met: {kind}{which}: {next(iter(reasons.values()))}")
        return lines

    def to_markdown(self) -> str:
        """All sections; reads in a terminal as well."""
        texts = ["# Finished runs under disturbances", markdown_list(self.header)]
        texts += [f"## {markdown_text(part.title)}\n\n{markdown_table(part)}" for part in self.parts]
        return "\n\n".join(texts) + "\n"

    _repr_markdown_ = to_markdown  # what a notebook shows

    def to_html(self) -> str:
        """One self-contained page of the same sections."""
        page = templates(Path(__file__).parent, {}).get_template(_TEMPLATE)
        return page.render(title="Finished runs under disturbances", header=self.header, parts=self.parts)

    def to_csv(self) -> str:
        """One line a row, kind, strength and metric: value, and change against the same runs undisturbed."""
        lines: list[dict[str, Any]] = []
        for row in self.rows:
            for condition in [(CLEAN, 0.0), *self.conditions]:
                lines += _lines(row, condition)
        return pl.DataFrame(lines, infer_schema_length=None).write_csv()

    def to_pairs_csv(self) -> str:
        """One line a kind, two rows and metric: the difference of their means over strengths."""
        lines: list[dict[str, Any]] = []
        for kind, of_kind in {CLEAN: [(CLEAN, 0.0)], **sections.grouped(self.conditions)}.items():
            for first, second in combinations(self.rows, 2):
                names = {"kind": kind, "first": csv_text(first.label), "second": csv_text(second.label)}
                one, other = first.mean(of_kind), second.mean(of_kind)
                lines += [{**names, "metric": key, **asdict(difference(one, other, key))} for key in MEASURED]
        return pl.DataFrame(lines, infer_schema_length=None).write_csv()

    def save(self, folder: Path) -> None:
        """Write ``robustness.md``, ``.csv`` and ``.html``, and ``robustness_pairs.csv``."""
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "robustness.md", self.to_markdown().encode())
        write_whole(folder / "robustness.html", self.to_html().encode())
        write_whole(folder / "robustness.csv", self.to_csv().encode())
        write_whole(folder / "robustness_pairs.csv", self.to_pairs_csv().encode())


def robustness(runs: Sequence[Run], n_resamples: int = RESAMPLES, suite: str | None = None) -> Robustness:
    """Tables of finished runs that have met the suite of disturbances.

    Args:
        runs: Such as ``find_runs`` returns.
        n_resamples: Patient resamples behind intervals.
        suite: Name of the folder below ``robustness/``; None takes the one that most runs have.

    Raises:
        UserError: If no run has met it, or runs do not belong in one table.
        DataError: If a file is damaged.
    """
    return Robustness(rows_of(runs, suite, n_resamples, SEED), n_resamples)


def _lines(row: Row, condition: Condition) -> list[dict[str, Any]]:
    kind, strength = condition
    scores = row.of(condition)
    known = KINDS.get(kind)
    names = {
        "row": csv_text(row.label),
        "seeds": len(row.met),
        "modality": known.modality if known else None,
        "kind": kind,
        "strength": strength if known else None,
        "unit": known.unit if known else None,
    }
    lines = []
    for key in MEASURED:
        value = asdict(replicated_estimate(key, scores))
        change = asdict(row.change([condition], key)) if known else {"value": None, "low": None, "high": None}
        lines.append({**names, "metric": key, **value, **{f"change_{name}": one for name, one in change.items()}})
    for key, values in (
        ("risk_coverage_area", [one.risk(condition) for one in row.met]),
        ("gate", [one.gate(condition) for one in row.met]),
    ):
        lines.append({**names, "metric": key, "value": sum(values) / len(values)})
    return lines
