"""The five diagnostic superclasses of PTB-XL, from whichever statement of the truth a source carries.

Source of the classes: Wagner et al., PTB-XL, Scientific Data 7, 154 (2020).
"""

import ast
from collections.abc import Mapping, Sequence

import polars as pl

from ecgmm.data.labels.label_set import LabelSet
from ecgmm.text.statements import superclasses

CLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
FROM_ANNOTATION = LabelSet("superclass", CLASSES, "annotation", "PTB-XL scp_codes, any likelihood")
FROM_SIMULATION = LabelSet("superclass", CLASSES, "simulation", "truth.csv")
FROM_REPORT = LabelSet("superclass", CLASSES, "report", "ecgmm.text.statements rule table")


def from_scp_codes(scp_codes: pl.Series, scp_statements: pl.DataFrame) -> pl.DataFrame:
    """Superclasses that the SCP codes of each record belong to.

    A code counts whatever its likelihood: 0 means present and not graded (PTB-XL's own description).

    Args:
        scp_codes: Text of a Python dictionary from code to likelihood, one a record.
        scp_statements: PTB-XL's table; code in its first column, superclass in ``diagnostic_class``.

    Returns:
        The label columns. Null where a record has no diagnostic code, or its codes cannot be read.
    """
    classes = {code: name for code, name in scp_statements.select(pl.first(), "diagnostic_class").iter_rows() if name}
    known = {text: _row({classes[code] for code in _codes(text) if code in classes}) for text in scp_codes.unique()}
    return _frame([known[text] for text in scp_codes])


def _codes(text: str | None) -> list[str]:
    try:
        return list(dict(ast.literal_eval(text or "{}")))
    except (ValueError, SyntaxError, TypeError):
        return []


def _row(present: set[str]) -> list[float | None]:
    return [float(name in present) for name in CLASSES] if present else [None] * len(CLASSES)


def from_statements(statements: pl.Series) -> pl.DataFrame:
    """Superclasses that the rule table reads from reports.

    Args:
        statements: Lists of statements, one a record.

    Returns:
        The label columns. Null where there is no report or the rules say nothing.
    """
    number = pl.Series("report", statements.list.join("\n").rank("dense") - 1)
    distinct = pl.DataFrame([number, statements.alias("statements")]).unique("report").sort("report")
    rows = [_graded(superclasses(report) if report else None) for report in distinct["statements"].to_list()]
    return _frame(rows)[number.cast(pl.Int64).to_list()]


def _graded(found: Mapping[str, float] | None) -> Sequence[float | None]:
    return [None] * len(CLASSES) if found is None else [found.get(name, 0.0) for name in CLASSES]


def from_truth(records: pl.Series, truth: pl.DataFrame) -> pl.DataFrame:
    """Superclasses of simulated records.

    Args:
        records: Record ids.
        truth: Text columns ``study_id`` and one of ``0`` and ``1`` a class.

    Returns:
        The label columns. Null where the truth does not list a record.
    """
    values = [pl.col(name).cast(pl.Float32, strict=False).alias(f"label.superclass.{name}") for name in CLASSES]
    table = truth.select(pl.col("study_id").cast(pl.Int64, strict=False), *values).unique("study_id", keep="first")
    return (
        pl.DataFrame({"study_id": records})
        .join(table, on="study_id", how="left", maintain_order="left")
        .drop("study_id")
    )


def _frame(rows: Sequence[Sequence[float | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=FROM_REPORT.schema(), orient="row")
