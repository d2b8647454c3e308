"""The parts of Table 2 as plain cells, the same for Markdown and LaTeX."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ecgmm.evaluation.bootstrap import Difference
from ecgmm.evaluation.metrics import TABLE2_METRICS
from experiments.grouping import WITHOUT_REPORT
from experiments.table2_notes import LEAK_MARK
from experiments.table2_rows import HEADLINE, LABEL_FREE, REFERENCE_METHOD, Measured, Row, Table

SHORT = ("AUROC", "AUPRC", "Acc.", "F1", "Prec.", "Recall", "Spec.", "MCC")
_NONE = "–"


@dataclass(frozen=True)
class Section:
    """One rectangular part of the table."""

    title: str
    head: Sequence[str]
    lines: Sequence[Sequence[str]]


def metrics(table: Table) -> Section:
    """All metrics of each row, and under it what the paper prints for it."""
    lines = [line for row in table.rows for line in metric_lines(row)]
    return Section("Metrics", ("Method", "Inputs", *SHORT), lines)


def differences(table: Table) -> Section:
    """AUROC with its spread and interval, and the paired difference to gated fusion."""
    head = ("Method", "Seeds", "AUROC ± sd", "95 %", "Difference [95 %]", "p")
    lines = [
        (_name(row), str(len(one.seeds)), _with_sd(one), interval(one), *_difference(one.difference))
        for row, one in _measured(table)
    ]
    return Section(f"AUROC, and {REFERENCE_METHOD} minus each row", head, lines)


def costs(table: Table) -> Section:
    """Fidelity and cost of each row, and the AUROC of its stages where it learns in two."""
    head = ("Method", "Fidelity", "Trainable", "s/epoch", "Zero-shot", "Linear probe", "Full data")
    lines = [
        (
            _name(row),
            one.facts["fidelity"],
            _count(one.facts["n_trainable_parameters"]),
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


def intervals(table: Table, first: int, stop: int) -> Section:
    """95 % intervals of some of the metrics."""
    keys = TABLE2_METRICS[first:stop]
    lines = [
        (_name(row), *(f"{_number(one.values[key].value)} ({interval(one, key)})" for key in keys))
        for row, one in _measured(table)
    ]
    return Section(f"95 % intervals: {', '.join(SHORT[first:stop])}", ("Method", *SHORT[first:stop]), lines)


def metric_lines(row: Row) -> list[tuple[str, ...]]:
    """Ours, then the paper's line under it where there is one."""
    if row.measured:
        values = [_number(row.measured.values[key].value) for key in TABLE2_METRICS]
        lines = [(_name(row), inputs(row.measured), *values)]
    else:
        lines = [(_name(row), "", "not yet", *[""] * (len(TABLE2_METRICS) - 1))]
    if row.printed:
        lines.append((f"paper: {row.paper_row}", "", *(row.printed[key] for key in TABLE2_METRICS)))
    return lines


def interval(one: Measured, key: str = HEADLINE) -> str:
    """Bounds of a metric's 95 % interval."""
    value = one.values[key]
    return f"{_number(value.low)}–{_number(value.high)}"


def inputs(one: Measured) -> str:
    """What the row looks at when it predicts; no text where the policy leaves every report empty."""
    seen = [
        name for name in one.facts["inputs_at_test"] if name != "text" or one.facts["text_policy"] != WITHOUT_REPORT
    ]
    return "+".join("ECG" if name == "ecg" else name for name in seen) or "none"


def _measured(table: Table) -> list[tuple[Row, Measured]]:
    return [(row, row.measured) for row in table.rows if row.measured]


def _name(row: Row) -> str:
    return row.key.label + LEAK_MARK * bool(row.measured and row.measured.facts["leaky"])


def _with_sd(one: Measured) -> str:
    sd = one.sd[HEADLINE]
    return _number(one.values[HEADLINE].value) + (f" ± {_number(sd)}" if sd is not None else "")


def _difference(gap: Difference | None) -> tuple[str, str]:
    if gap is None:
        return _NONE, _NONE
    return f"{gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]", f"{gap.p_value:.3f}"


def _count(n: int) -> str:
    return f"{n:,}" if n < 10_000 else f"{n / 1e6:,.2f} M"


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "n/a"
