"""Subgroups as CSV: one line per method, group, side and metric, numbers unrounded."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from ecgmm.reporting.escaping import csv_text
from ecgmm.reporting.subgroup_rows import Measured, Table


def to_csv(table: Table) -> str:
    """All values, those of the rest, and the gaps."""
    lines = [line for one in table.measured for line in _lines(one, table)]
    shown = [{key: csv_text(cell) if isinstance(cell, str) else cell for key, cell in line.items()} for line in lines]
    return pl.DataFrame(shown, infer_schema_length=None).write_csv()


def _lines(one: Measured, table: Table) -> Iterator[dict[str, Any]]:
    runs, group = table.runs[one.method], one.group
    records, patients = group.size or (None, None)
    shared = {
        "method": one.method,
        "seeds": " ".join(str(run.seed) for run in runs),
        "data": runs[0].facts.data.name,
        "grouping": group.grouping,
        "group": group.name,
        "against": group.against or None,
        "records": records,
        "patients": patients,
        "classes": " ".join(runs[0].classes[k] for k in group.classes),
    }
    empty = {"p": None, "p_holm": None}
    for side, measured in (("group", one.values), ("rest", one.rest)):
        for key, found in measured.items():
            numbers = {"value": found.value, "low": found.low, "high": found.high}
            yield {**shared, "side": side, "metric": key, **numbers, **empty}
    for key, gap in one.gaps.items():
        value = gap.difference
        numbers = {"value": value.value, "low": value.low, "high": value.high}
        yield {**shared, "side": "gap", "metric": key, **numbers, "p": value.p_value, "p_holm": gap.p_holm}
