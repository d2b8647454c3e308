"""Subgroups as CSV: one line per method, group, side and metric, numbers unrounded."""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.comparison import Difference
from ecgmm.reporting.decisions import ClassDecisions
from ecgmm.reporting.escaping import csv_text
from ecgmm.reporting.subgroup_rows import Measured, Table


def to_csv(table: Table, classes: Sequence[ClassDecisions]) -> str:
    """All values, those of the rest, and the gaps; then the whole test split by class, as grouping ``class``."""
    lines = [line for one in table.measured for line in _lines(one, table)]
    lines += [line for one in classes for line in _of_class(one, table)]
    shown = [{key: csv_text(cell) if isinstance(cell, str) else cell for key, cell in line.items()} for line in lines]
    return pl.DataFrame(shown, infer_schema_length=None).write_csv()


def _lines(one: Measured, table: Table) -> Iterator[dict[str, Any]]:
    group = one.group
    records, patients = group.size or (None, None)
    shared = _shared(one.method, table) | {
        "grouping": group.grouping,
        "group": group.name,
        "against": group.against or None,
        "records": records,
        "patients": patients,
        "classes": " ".join(table.runs[one.method][0].classes[k] for k in group.classes),
    }
    for side, measured in (("group", one.values), ("rest", one.rest)):
        for key, found in measured.items():
            yield shared | _numbers(side, key, found)
    for key, gap in one.gaps.items():
        yield shared | _numbers("gap", key, gap.difference) | {"p": gap.difference.p_value, "p_holm": gap.p_holm}


def _of_class(one: ClassDecisions, table: Table) -> Iterator[dict[str, Any]]:
    group = {"grouping": "class", "group": one.name, "against": None, "records": one.n_positive, "patients": None}
    for key, found in one.values.items():
        yield _shared(one.method, table) | group | {"classes": one.name} | _numbers("group", key, found)


def _shared(method: str, table: Table) -> dict[str, Any]:
    runs = table.runs[method]
    return {"method": method, "seeds": " ".join(str(run.seed) for run in runs), "data": runs[0].facts.data.name}


def _numbers(side: str, key: str, one: Estimate | Difference) -> dict[str, Any]:
    numbers = {"value": one.value, "low": one.low, "high": one.high}
    return {"side": side, "metric": key, **numbers, "p": None, "p_holm": None}
