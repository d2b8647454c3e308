"""The five diagnostic superclasses of PTB-XL, from whichever statement of the truth a source carries.

Source of the classes: Wagner et al., PTB-XL, Scientific Data 7, 154 (2020).
"""

from functools import partial

import polars as pl

from ecgmm.data.sources.labels.label_set import LabelSet
from ecgmm.data.sources.labels.reading import label_reports
from ecgmm.data.sources.labels.scp_codes import weights_of_classes
from ecgmm.text.statements import SUPERCLASSES, superclasses

CLASSES = SUPERCLASSES
FROM_ANNOTATION = LabelSet("superclass", CLASSES, "annotation", "PTB-XL scp_codes, any likelihood; 2", exhaustive=True)
FROM_SIMULATION = LabelSet("superclass", CLASSES, "simulation", "truth.csv; 1", exhaustive=True)
FROM_REPORT = LabelSet("superclass", CLASSES, "report", "ecgmm.text.statements rule table; 1", exhaustive=True)


def from_scp_codes(scp_codes: pl.Series, scp_statements: pl.DataFrame) -> pl.DataFrame:
    """Superclasses that the SCP codes of each record belong to, with the annotators' likelihood as value.

    Args:
        scp_codes: Text of a Python dictionary from code to likelihood, one a record.
        scp_statements: Code in the first column, superclass in ``diagnostic_class``, as ``read_scp_statements`` gives.

    Returns:
        The label columns. Null where a record has no diagnostic code, or its codes cannot be read.
    """
    classes = {code: name for code, name in scp_statements.select(pl.first(), "diagnostic_class").iter_rows() if name}
    return FROM_ANNOTATION.frame(weights_of_classes(scp_codes, classes))


def from_statements(statements: pl.Series, include_possible: bool) -> pl.DataFrame:
    """Superclasses that the rule table reads from reports, with their certainty as value.

    Args:
        statements: Lists of statements, one a record.
        include_possible: See ``ecgmm.text.statements.superclasses``.

    Returns:
        The label columns. Null where there is no report or the rules say nothing.
    """
    return label_reports(FROM_REPORT, statements, partial(superclasses, include_possible=include_possible))


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
