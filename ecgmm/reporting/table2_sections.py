"""The parts of Table 2 as plain cells, the same for Markdown and LaTeX."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ecgmm.evaluation.comparison import Difference
from ecgmm.evaluation.metrics import HEADLINE, TABLE2_METRICS
from ecgmm.reporting.grouping import WITHOUT_REPORT
from ecgmm.reporting.table2_notes import LEAK_MARK
from ecgmm.reporting.table2_rows import LABEL_FREE, Measured, Row, Table

_NONE = "–"
_AT_ONCE = 4
"""Metrics with intervals that stand side by side on a page."""
_LEVELS = (0.05, 0.01)
"""Of p after Holm; each one that is undercut adds an arrow."""


@dataclass(frozen=True)
class Section:
    """One rectangular part of the table; bold cells are written as in Markdown.

    Attributes:
        title: Its heading.
        head: Names of the columns.
        lines: Cells of each row.
        found: One sentence that says what it shows; empty where none is made.
    """

    title: str
    head: Sequence[str]
    lines: Sequence[Sequence[str]]
    found: str = ""


def parts(table: Table) -> list[Section]:
    """All parts that have a line, in the order of a page."""
    keys = list(TABLE2_METRICS)
    few = [keys[first : first + _AT_ONCE] for first in range(0, len(keys), _AT_ONCE)]
    sections = (
        metrics(table),
        differences(table),
        calibration(table),
        report_gains(table),
        costs(table),
        *(intervals(table, some) for some in few),
        *(all_differences(table, some) for some in few),
    )
    return [section for section in sections if section.lines]


def metrics(table: Table) -> Section:
    """All metrics of each row, and under it what the paper prints for it."""
    best = best_numbers(table)
    lines = [line for row in table.rows for line in metric_lines(row, best)]
    return Section("Metrics", ("Method", "Inputs", *TABLE2_METRICS.values()), lines)


def differences(table: Table) -> Section:
    """AUROC with its spread and interval, and the paired difference to the reference."""
    head = ("Method", "Seeds", "AUROC ± sd", "95 %", "Difference [95 %]", "p", "p Holm")
    lines = []
    for row, one in _measured(table):
        gap = one.compared[HEADLINE] if one.compared else None
        cells = (*_difference(gap.difference), _p(gap.p_holm)) if gap else (_NONE, _NONE, _NONE)
        lines.append((_name(row), str(len(one.seeds)), _with_sd(one), interval(one), *cells))
    return Section(f"AUROC, and {table.reference} minus each row", head, lines)


def all_differences(table: Table, keys: Collection[str]) -> Section:
    """The reference minus each row for some of the metrics, with the marks of the metrics section."""
    lines = [
        (_name(row), *(_difference(one.compared[key].difference)[0] + _mark(one, key) for key in keys))
        for row, one in _measured(table)
        if one.compared
    ]
    heads = [TABLE2_METRICS[key] for key in keys]
    return Section(f"{table.reference} minus each row [95 %]: {', '.join(heads)}", ("Method", *heads), lines)


def calibration(table: Table) -> Section:
    """Calibration error and Brier score, and both after the temperature that was fitted on validation."""
    head = ("Method", "ECE (95 %)", "Brier (95 %)", "T", "ECE after T (95 %)", "Brier after T (95 %)")
    lines = [
        (
            _name(row),
            _with_interval(one, "ece"),
            _with_interval(one, "brier"),
            f"{one.temperature:.2f}",
            _with_interval(one, "ece_calibrated"),
            _with_interval(one, "brier_calibrated"),
        )
        for row, one in _measured(table)
    ]
    return Section("Calibration", head, lines)


def costs(table: Table) -> Section:
    """Fidelity and cost of each row, and the AUROC of its stages where it learns in two."""
    head = ("Method", "Fidelity", "Trainable", "s/epoch", "Zero-shot", "Linear probe", "Full data")
    lines = [
        (
            _name(row),
            one.facts.fidelity,
            _count(one.facts.n_trainable_parameters),
            _NONE if one.seconds_per_epoch is None else f"{one.seconds_per_epoch:,.2f}",
            *(_with_sd(row.label_free[name]) if name in row.label_free else _NONE for name in LABEL_FREE),
            _with_sd(one) if row.label_free else _NONE,
        )
        for row, one in _measured(table)
    ]
    return Section("Fidelity, cost, and AUROC from no label to all", head, lines)


def report_gains(table: Table) -> Section:
    """AUROC of each row with the report and without, where both were run."""
    head = ("Method", "Inputs", "With report", "Without", "With minus without [95 %]", "p")
    lines = [
        (
            _name(row),
            inputs(one),
            _number(one.values[HEADLINE].value),
            _number(one.values[HEADLINE].value - one.report_gain.value),
            *_difference(one.report_gain),
        )
        for row, one in _measured(table)
        if one.report_gain
    ]
    return Section("AUROC with the report and without it", head, lines)


def intervals(table: Table, keys: Collection[str]) -> Section:
    """95 % intervals of some of the metrics."""
    heads = [TABLE2_METRICS[key] for key in keys]
    lines = [(_name(row), *(_with_interval(one, key) for key in keys)) for row, one in _measured(table)]
    return Section(f"95 % intervals: {', '.join(heads)}", ("Method", *heads), lines)


def best_numbers(table: Table) -> dict[str, str]:
    """The highest value of each metric as printed; rows that measure a leak do not compete."""
    honest = [one.values for _, one in _measured(table) if not one.facts.leaky]
    return {key: _number(max((values[key].value for values in honest), default=math.nan)) for key in TABLE2_METRICS}


def metric_lines(row: Row, best: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Ours, with the best values bold and marks for significance, then the paper's line under it where there is one."""
    if row.measured:
        lines = [(_name(row), inputs(row.measured), *(_marked(row.measured, key, best[key]) for key in TABLE2_METRICS))]
    else:
        lines = [(_name(row), "", "not yet", *[""] * (len(TABLE2_METRICS) - 1))]
    if row.printed:
        lines.append((f"paper: {row.paper_row}", "", *(row.printed.get(key, _NONE) for key in TABLE2_METRICS)))
    return lines


def interval(one: Measured, key: str = HEADLINE) -> str:
    """Bounds of a metric's 95 % interval."""
    value = one.values[key]
    return f"{_number(value.low)}–{_number(value.high)}"


def inputs(one: Measured) -> str:
    """Inputs of a row when it predicts; no text where the policy leaves every report empty."""
    seen = [name for name in one.facts.inputs_at_test if name != "text" or one.facts.text_policy != WITHOUT_REPORT]
    return "+".join("ECG" if name == "ecg" else name for name in seen) or "none"


def _measured(table: Table) -> list[tuple[Row, Measured]]:
    return [(row, row.measured) for row in table.rows if row.measured]


def _name(row: Row) -> str:
    return row.key.label + LEAK_MARK * bool(row.measured and row.measured.facts.leaky)


def _marked(one: Measured, key: str, best: str) -> str:
    number = _number(one.values[key].value)
    bold = number == best and not one.facts.leaky
    return (f"**{number}**" if bold else number) + _mark(one, key)


def _mark(one: Measured, key: str) -> str:
    """Arrows down where the row is worse than gated fusion, up where it is better, as many as levels undercut."""
    if one.compared is None:
        return ""
    compared = one.compared[key]
    return ("↓" if compared.difference.value > 0 else "↑") * sum(compared.p_holm < level for level in _LEVELS)


def _with_interval(one: Measured, key: str) -> str:
    return f"{_number(one.values[key].value)} ({interval(one, key)})"


def _with_sd(one: Measured) -> str:
    sd = one.sd[HEADLINE]
    return _number(one.values[HEADLINE].value) + (f" ± {_number(sd)}" if sd is not None else "")


def _difference(gap: Difference) -> tuple[str, str]:
    return f"{gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]", _p(gap.p_value)


def _p(p_value: float) -> str:
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _count(n: int) -> str:
    return f"{n:,}" if n < 10_000 else f"{n / 1e6:,.2f} M"


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "n/a"
