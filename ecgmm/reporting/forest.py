"""Draw the rows of Table 2 with their intervals as a forest plot: ecgmm forest outputs/table2."""

from collections.abc import Sequence
from textwrap import fill

import numpy as np
from matplotlib.figure import Figure

from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.comparison import Difference
from ecgmm.evaluation.metrics import HEADLINE
from ecgmm.plots.intervals import Interval, draw_intervals, write_lines
from ecgmm.plots.look import PAGE_WIDTH_IN, literal
from ecgmm.plots.palette import GREY, OKABE_ITO
from ecgmm.reporting import findings
from ecgmm.reporting.drawing import Drawing, command, provenance
from ecgmm.reporting.table2 import RESAMPLES, table2
from ecgmm.reporting.table2_notes import LEAK_MARK, coverage_note
from ecgmm.reporting.table2_rows import Measured, Table
from ecgmm.runs.run import Run

_SAME, _WORSE, _BETTER, _LEAKY = "black", OKABE_ITO[1], OKABE_ITO[0], GREY
_NONE: Interval = (np.nan, np.nan, np.nan)
_LEVEL = 0.05
_LINE_IN, _TWO_LINES_IN = 0.21, 0.27
_LONGEST_LINE = 40  # characters of a name


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return command(build, __doc__, arguments)


def build(runs: list[Run]) -> Drawing:
    """Measure Table 2 of the runs and draw it.

    Raises:
        UserError: If the runs do not belong in one table.
    """
    return draw(table2(runs, RESAMPLES), runs)


def draw(table: Table, runs: Sequence[Run]) -> Drawing:
    """Draw the rows of a table that are measured, the first at the top.

    Args:
        table: What was measured.
        runs: Of which, for the caption.
    """
    rows = {row.key.label: row.measured for row in table.rows if row.measured}
    caption = (
        f"Macro AUROC of each row on the test split with its 95 % interval, and {table.reference} minus the row on the"
        " same patients: right of the dashed line the row is worse. Orange: worse, blue: better than"
        f" {table.reference} with p < {_LEVEL:g} after Holm's correction for all rows and metrics of the table; black:"
        f" not told from it{f'; grey and {LEAK_MARK}: measures a leak' if any(map(_is_leaky, rows.values())) else ''}."
        f" {coverage_note(table)} {table.n_resamples:,} resamples of test patients. {provenance(runs)}"
    )
    return Drawing("forest", _draw(rows, table.reference), caption, findings.of_table(table))


def _draw(rows: dict[str, Measured], compared_with: str) -> Figure:
    names = [fill(literal(name) + LEAK_MARK * _is_leaky(one), _LONGEST_LINE) for name, one in rows.items()]
    colors = [_color(one) for one in rows.values()]
    line_in = _TWO_LINES_IN if any("\n" in name for name in names) else _LINE_IN
    figure = Figure(figsize=(PAGE_WIDTH_IN, 0.9 + line_in * len(rows)), layout="constrained")
    scores, numbers, gaps, p_values = figure.subplots(1, 4, width_ratios=[2, 1.3, 2, 1.85], sharey=True)
    values = [_interval(one.values[HEADLINE]) for one in rows.values()]
    reference = next((one.values[HEADLINE].value for one in rows.values() if one.compared is None), None)
    draw_intervals(scores, values, colors, reference)
    scores.set_yticks(range(len(names)), names, fontsize=6, linespacing=0.9)
    scores.set_xlabel("Macro AUROC")
    write_lines(numbers, [_words(value, "") for value in values], colors)
    compared = [one.compared[HEADLINE] if one.compared else None for one in rows.values()]
    differences = [_interval(one.difference) if one else _NONE for one in compared]
    draw_intervals(gaps, differences, colors, 0.0)
    gaps.set_xlabel(f"{compared_with} minus row\n← row better    row worse →")
    gaps.tick_params(labelleft=False)
    texts = [f"{_words(_interval(one.difference), '+')}  {_p(one.p_holm)}" if one else "" for one in compared]
    write_lines(p_values, texts, colors)
    for axes, heading in ((numbers, "[95 %]"), (p_values, "[95 %], p after Holm")):
        axes.set_title(heading, loc="left", fontsize=6.5)
    return figure


def _is_leaky(one: Measured) -> bool:
    return one.facts.leaky


def _color(one: Measured) -> str:
    if _is_leaky(one):
        return _LEAKY
    gap = one.compared[HEADLINE] if one.compared else None
    if gap is None or not gap.p_holm < _LEVEL:
        return _SAME
    return _WORSE if gap.difference.value > 0 else _BETTER


def _interval(one: Estimate | Difference) -> Interval:
    return one.value, one.low, one.high


def _words(interval: Interval, sign: str) -> str:
    value, low, high = interval
    return f"{value:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def _p(p_value: float) -> str:
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}"
