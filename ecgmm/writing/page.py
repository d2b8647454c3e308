"""Tables of written reports, and a page that shows some beside the real ones and stays on the machine."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ecgmm.console.terminal import say
from ecgmm.evaluation.written_findings import Reading, read, stated_names
from ecgmm.files import write_whole
from ecgmm.plots.page import templates
from ecgmm.reporting.command import save_and_say
from ecgmm.writing.records import Report
from ecgmm.writing.table import WrittenReports

NAME = "written_reports"
_TEMPLATE = "page.html.jinja"


class Line(NamedTuple):
    """A statement with its verdict: right, hedged, contradicted, hallucinated, missing, found or neutral."""

    text: str
    verdict: str


class Shown(NamedTuple):
    """A record on the page: its own report, and those of systems by name, with what none of their statements says."""

    record: int
    reports: list[tuple[str, list[Line]]]


def save(written: WrittenReports, folder: Path, n_shown: int) -> None:
    """Write Markdown, CSV and the page, which holds text of reports, for its owner's eyes alone; print the first.

    Args:
        written: What was measured.
        folder: Where to.
        n_shown: Records on the page.
    """
    save_and_say(folder, NAME, written.to_markdown(), written.to_csv())
    page = folder / f"{NAME}.html"
    write_whole(page, _page(written, n_shown).encode(), private=True)
    say(f"saved {folder / NAME}.md and .csv", f"{page} holds text of reports: it stays on this machine")


def _page(written: WrittenReports, n_shown: int) -> str:
    return (
        templates(Path(__file__).parent, {})
        .get_template(_TEMPLATE)
        .render(
            about=written.about(),
            sections=written.sections()[:3],
            notes=written.notes(),
            shown=_shown(written, n_shown),
        )
    )


def _shown(written: WrittenReports, n_shown: int) -> list[Shown]:
    """Records evenly over the split in order of its rows, none of them chosen by how well it went."""
    comparison = written.comparison
    n = len(comparison.records.rows)
    chosen = np.unique(np.linspace(0, n - 1, min(n_shown, n)).round().astype(int)).tolist()
    systems = [one for one in comparison.systems if one.seeds]
    shown = []
    for index in chosen:
        reference = comparison.records.reports[index]
        reports = [(f"{one.name}, seed {one.seeds[0]}", one.reports[0][index]) for one in systems]
        by_first = reports[0][1]
        lines = [("The report of the record", marked_reference(reference, by_first))]
        lines += [(name, marked(report, reference)) for name, report in reports]
        shown.append(Shown(int(comparison.records.record[index]), lines))
    return shown


def marked(report: Report, reference: Report) -> list[Line]:
    """Statements that were written, each with the worst verdict of the findings that it states, against a reference."""
    real = read(reference)
    return [Line(statement, _verdict(statement, real)) for statement in report]


def _verdict(statement: str, real: Reading) -> str:
    names = stated_names(statement)
    if names & real.denied:
        return "contradicted"
    if names - real.mentioned:
        return "hallucinated"
    if names - real.stated:
        return "hedged"
    return "right" if names else "neutral"


def marked_reference(reference: Report, report: Report) -> list[Line]:
    """Statements of a reference: found or missing in a written report, or neutral where they state no finding."""
    said = read(report).stated
    lines = []
    for statement in reference:
        names = stated_names(statement)
        lines.append(Line(statement, "neutral" if not names else "found" if names <= said else "missing"))
    return lines
