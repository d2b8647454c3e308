"""Table 2 as Markdown (also for a terminal of 120 columns), CSV and LaTeX with booktabs."""

import math
from collections.abc import Sequence
from typing import Any

import polars as pl

from ecgmm.evaluation.metrics import TABLE2_METRICS
from experiments.table2_notes import LEAK_MARK, header_lines, join, reading_notes, synthetic_line
from experiments.table2_rows import HEADLINE, REFERENCE_METHOD, Measured, Row, Table

_SHORT = ("AUROC", "AUPRC", "Acc.", "F1", "Prec.", "Recall", "Spec.", "MCC")
_LATEX_ESCAPES = {
    "\\": r"\textbackslash{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "–": "--",
    LEAK_MARK: r"$^{\dagger}$",
}


def to_markdown(table: Table) -> str:
    """Header, metrics beside the paper's, AUROC with differences, intervals of all metrics, what each row is."""
    measured = [(row.name, row.measured) for row in table.rows if row.measured]
    halves = [range(4), range(4, 8)]
    parts = [
        "# Table 2: measured here, and as printed in the paper",
        *([f"**{synthetic_line(table)}**"] if synthetic_line(table) else []),
        "\n".join(f"- {line}" for line in header_lines(table)),
        "## Metrics",
        _markdown_table(("Method", "Inputs", *_SHORT), [line for row in table.rows for line in _metric_lines(row)]),
        f"## AUROC, and {REFERENCE_METHOD} minus each row",
        _markdown_table(
            ("Method", "Fidelity", "Seeds", "AUROC ± sd", "95 %", "Difference [95 %]", "p"),
            [_difference_line(name, one) for name, one in measured],
        ),
        "## 95 % intervals",
        *[
            _markdown_table(
                ("Method", *(_SHORT[i] for i in half)),
                [(_marked(name, one), *(_interval(one, TABLE2_METRICS[i]) for i in half)) for name, one in measured],
            )
            for half in halves
        ],
        "## Rows",
        "\n".join(
            f"- {_marked(name, one)} ({one.facts['fidelity']}): {one.facts['reference']}" for name, one in measured
        ),
        "## How to read it",
        "\n".join(f"- {line}" for line in reading_notes(table)),
    ]
    return "\n\n".join(parts) + "\n"


def to_csv(table: Table) -> str:
    """One line a row, numbers unrounded, each metric with sd, interval and the paper's printed value."""
    return pl.DataFrame([_csv_line(table, row) for row in table.rows], infer_schema_length=None).write_csv()


def to_latex(table: Table) -> str:
    """One floating table; needs the booktabs package."""
    header = [line[0].upper() + line[1:] + "." for line in header_lines(table)]
    interval = f"Behind AUROC: 95 % interval of {table.n_resamples} patient resamples."
    caption = " ".join(["Measured here, and as printed in the paper.", synthetic_line(table), *header, interval])
    lines = [
        r"\begin{table*}",
        r"\centering\small",
        rf"\caption{{{_latex(caption)}}}",
        r"\begin{tabular}{lllr@{\ }l" + "r" * (len(_SHORT) - 1) + "}",
        r"\toprule",
        " & ".join(("Method", "Inputs", "Fidelity", r"\multicolumn{2}{l}{AUROC}", *_SHORT[1:])) + r" \\",
        r"\midrule",
    ]
    for row in table.rows:
        fidelity = row.measured.facts["fidelity"] if row.measured else ""
        interval = f"[{_interval(row.measured, HEADLINE, with_value=False)}]" if row.measured else ""
        (method, inputs, auroc, *others), *paper = _metric_lines(row)
        lines.append(_latex_line([method, inputs, fidelity, auroc, interval, *others]))
        for name, _, auroc, *others in paper:
            lines.append(_latex_line([name, "", "", auroc, "", *others], italic=True))
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table*}"]
    return "\n".join(lines) + "\n"


def _metric_lines(row: Row) -> list[tuple[str, ...]]:
    """Ours, then the paper's line under it where there is one."""
    if row.measured:
        values = [_number(row.measured.values[key].value) for key in TABLE2_METRICS]
        lines = [(_marked(row.name, row.measured), _inputs(row.measured), *values)]
    else:
        lines = [(row.name, "", "not yet", *[""] * (len(TABLE2_METRICS) - 1))]
    if row.printed:
        lines.append((f"paper: {row.paper_row}", "", *(row.printed[key] for key in TABLE2_METRICS)))
    return lines


def _difference_line(name: str, one: Measured) -> tuple[str, ...]:
    sd = one.sd[HEADLINE]
    value = _number(one.values[HEADLINE].value) + (f" ± {_number(sd)}" if sd is not None else "")
    gap = one.difference
    cells = ("", "") if gap is None else (f"{gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]", f"{gap.p_value:.3f}")
    interval = _interval(one, HEADLINE, with_value=False)
    return (_marked(name, one), one.facts["fidelity"], str(len(one.seeds)), value, interval, *cells)


def _csv_line(table: Table, row: Row) -> dict[str, Any]:
    facts = row.measured.facts if row.measured else {}
    line: dict[str, Any] = {
        "row": row.name,
        "method": facts.get("method", row.name),
        "paper_row": row.paper_row,
        "inputs_at_test": _inputs(row.measured) if row.measured else None,
        **{key: facts.get(key) for key in ("text_policy", "fidelity", "reference", "leaky")},
        "seeds": join(row.measured.seeds) if row.measured else None,
    }
    for key in TABLE2_METRICS:
        value = row.measured.values[key] if row.measured else None
        line |= {
            key: value and value.value,
            f"{key}_sd": row.measured and row.measured.sd[key],
            f"{key}_low": value and value.low,
            f"{key}_high": value and value.high,
            f"{key}_paper": float(row.printed[key]) if row.printed else None,
        }
    gap = row.measured and row.measured.difference
    for name in ("value", "low", "high", "p_value"):
        line[f"{HEADLINE}_difference_{name}"] = gap and getattr(gap, name)
    common = {key: table.facts[key] for key in ("recipe", "task")}
    data = {f"data_{key}": table.facts["data"][key] for key in ("name", "fingerprint", "synthetic")}
    labels = {f"labels_{key}": table.facts["labels"][key] for key in ("name", "source")}
    size = {"n_records": table.n_records, "n_patients": table.n_patients, "commit": join(table.commits)}
    return line | common | data | labels | size


def _markdown_table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Padded, so that it reads in a terminal as well; a pipe inside a cell would end it."""
    cells = [[cell.replace("|", "\\|") for cell in line] for line in (head, *lines)]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in cells]
    padded.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def _latex_line(cells: Sequence[str], italic: bool = False) -> str:
    texts = [_latex(cell) for cell in cells]
    return " & ".join(rf"\textit{{{text}}}" if italic and text else text for text in texts) + r" \\"


def _latex(text: str) -> str:
    return "".join(_LATEX_ESCAPES.get(character, character) for character in text)


def _interval(one: Measured, key: str, with_value: bool = True) -> str:
    value = one.values[key]
    bounds = f"{_number(value.low)}–{_number(value.high)}"
    return f"{_number(value.value)} ({bounds})" if with_value else bounds


def _inputs(one: Measured) -> str:
    return "+".join("ECG" if name == "ecg" else name for name in one.facts["inputs_at_test"]) or "none"


def _marked(name: str, one: Measured) -> str:
    return name + LEAK_MARK * bool(one.facts["leaky"])


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "n/a"
