"""Table 2 as Markdown (also for a terminal of 155 columns) and LaTeX with booktabs."""

from collections.abc import Sequence

from ecgmm.evaluation.metrics import TABLE2_METRICS
from ecgmm.reporting import table2_sections as sections
from ecgmm.reporting.escaping import latex_text, markdown_text
from ecgmm.reporting.table2_notes import (
    coverage_note,
    header_lines,
    marks_note,
    reading_notes,
    references,
    synthetic_line,
)
from ecgmm.reporting.table2_rows import Table
from ecgmm.reporting.table2_sections import Section


def to_markdown(table: Table) -> str:
    """Header, metrics beside the paper's, differences, calibration, costs, all intervals, and how to read it."""
    texts = [
        "# Table 2: measured here, and as printed in the paper",
        *([f"**{synthetic_line(table)}**"] if synthetic_line(table) else []),
        markdown_list(header_lines(table)),
        *(f"## {part.title}\n\n{markdown_table(part)}" for part in sections.parts(table)),
        "## Rows\n\n" + markdown_list(references(table)),
        "## How to read it\n\n" + markdown_list(reading_notes(table)),
    ]
    return "\n\n".join(texts) + "\n"


def to_latex(table: Table) -> str:
    """Floating tables, the first one with the header in its caption; needs the booktabs package."""
    others = (sections.calibration(table), sections.report_gains(table), sections.costs(table))
    return "\n".join([_latex_metrics(table), *(latex_section(part) for part in others if part.lines)])


def _latex_metrics(table: Table) -> str:
    header = [line[0].upper() + line[1:] + "." for line in header_lines(table)]
    note = f"Behind AUROC: 95 % interval. {coverage_note(table)} {marks_note(table)}"
    caption = " ".join(["Measured here, and as printed in the paper.", synthetic_line(table), *header, note])
    head = " & ".join(("Method", "Inputs", r"\multicolumn{2}{l}{AUROC}", *list(TABLE2_METRICS.values())[1:])) + r" \\"
    best, lines = sections.best_numbers(table), []
    for row in table.rows:
        behind = f"[{sections.interval(row.measured)}]" if row.measured else ""
        (method, inputs, auroc, *others), *paper = sections.metric_lines(row, best)
        lines.append(_latex_line([method, inputs, auroc, behind, *others]))
        lines += [_latex_line([name, "", first, "", *rest], italic=True) for name, _, first, *rest in paper]
    return _latex_float(caption, r"llr@{\ }l" + "r" * (len(TABLE2_METRICS) - 1), head, lines)


def latex_section(part: Section) -> str:
    """A part as a floating table."""
    lines = [_latex_line(line) for line in part.lines]
    return _latex_float(part.title + ".", "l" * len(part.head), _latex_line(part.head), lines)


def _latex_float(caption: str, columns: str, head: str, lines: Sequence[str]) -> str:
    top = [
        r"\begin{table*}",
        r"\centering\small",
        rf"\caption{{{latex_text(caption)}}}",
        rf"\begin{{tabular}}{{{columns}}}",
    ]
    body = [r"\toprule", head, r"\midrule", *lines, r"\bottomrule", r"\end{tabular}", r"\end{table*}"]
    return "\n".join(top + body) + "\n"


def _latex_line(cells: Sequence[str], italic: bool = False) -> str:
    texts = [latex_text(cell) for cell in cells]
    return " & ".join(rf"\textit{{{text}}}" if italic and text else text for text in texts) + r" \\"


def markdown_table(part: Section) -> str:
    """Padded, so that it reads in a terminal as well; a pipe inside a cell would end it."""
    cells = [[markdown_text(cell) for cell in line] for line in (part.head, *part.lines)]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in cells]
    padded.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def markdown_list(lines: Sequence[str]) -> str:
    """Lines as a list."""
    return "\n".join(f"- {markdown_text(line)}" for line in lines)
