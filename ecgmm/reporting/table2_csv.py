"""Table 2 as CSV: one line per row, numbers unrounded."""

from dataclasses import asdict
from typing import Any

import polars as pl

from ecgmm.evaluation.comparison import Difference
from ecgmm.evaluation.metrics import HEADLINE, TABLE2_METRICS
from ecgmm.reporting.escaping import csv_text
from ecgmm.reporting.table2_notes import join
from ecgmm.reporting.table2_rows import CALIBRATION, LABEL_FREE, Measured, Row, Table
from ecgmm.reporting.table2_sections import inputs

_FACTS = ("text_policy", "stages", "fidelity", "reference", "leaky", "n_parameters", "n_trainable_parameters")


def to_csv(table: Table) -> str:
    """Each metric with sd, interval, the paper's printed value and the difference, calibration, costs, shared facts."""
    shared = _shared(table)
    lines = [_line(row) | shared for row in table.rows]
    shown = [{key: csv_text(cell) if isinstance(cell, str) else cell for key, cell in line.items()} for line in lines]
    return pl.DataFrame(shown, infer_schema_length=None).write_csv()


def _line(row: Row) -> dict[str, Any]:
    one = row.measured
    line: dict[str, Any] = {
        "row": row.key.label,
        "method": row.key.method,
        "readout": row.key.readout or None,
        "paper_row": row.paper_row,
        "inputs_at_test": inputs(one) if one else None,
        **{key: getattr(one.facts, key) if one else None for key in _FACTS},
        "seconds_per_epoch": one and one.seconds_per_epoch,
        "seeds": join(one.seeds) if one else None,
    }
    paper = row.printed or {}
    for key in TABLE2_METRICS:
        line |= _values(key, one, key) | {f"{key}_paper": float(paper[key]) if key in paper else None}
        compared = one.compared[key] if one and one.compared else None
        line |= _numbers(f"{key}_difference", compared.difference if compared else None)
        line[f"{key}_difference_p_holm"] = compared.p_holm if compared else None
    for key in CALIBRATION:
        line |= _values(key, one, key)
    line["temperature"] = one and one.temperature
    line |= _numbers(f"{HEADLINE}_report_gain", one.report_gain if one else None)
    for name in LABEL_FREE:
        line |= _values(f"{name}_{HEADLINE}", row.label_free.get(name), HEADLINE)
    return line


def _values(column: str, one: Measured | None, key: str) -> dict[str, float | None]:
    columns = (column, f"{column}_sd", f"{column}_low", f"{column}_high")
    if one is None:
        return dict.fromkeys(columns)
    value = one.values[key]
    return dict(zip(columns, (value.value, one.sd[key], value.low, value.high), strict=True))


def _numbers(column: str, gap: Difference | None) -> dict[str, float | None]:
    numbers = asdict(gap) if gap else dict.fromkeys(("value", "low", "high", "p_value"))
    return {f"{column}_{name}": number for name, number in numbers.items()}


def _shared(table: Table) -> dict[str, Any]:
    facts, data, labels = table.facts, table.facts.data, table.facts.labels
    return {
        "recipe": facts.recipe,
        "size": facts.size,
        "task": facts.task,
        "train_fraction": facts.train_fraction,
        "data_name": data.name,
        "data_fingerprint": data.fingerprint,
        "data_synthetic": data.synthetic,
        "labels_name": labels.name,
        "labels_source": labels.source,
        "evaluation": table.evaluation or None,
        "compared_with": table.reference,
        "n_records": table.n_records,
        "n_patients": table.n_patients,
        "commit": join(table.commits),
    }
