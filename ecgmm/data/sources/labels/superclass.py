"""The five diagnostic superclasses of PTB-XL, from whichever evidence of the truth a store holds.

Source of the classes: Wagner et al., PTB-XL, Scientific Data 7, 154 (2020).
"""

from collections.abc import Mapping

import polars as pl

from ecgmm.data.sources.labels.definition import Definition, Reader
from ecgmm.data.sources.labels.reading import STATEMENTS, Weights, from_column, from_statements, rule_tables
from ecgmm.data.sources.labels.scp_codes import DIAGNOSTIC_CLASS, SCP_CODES, from_scp_codes, weights_of_classes
from ecgmm.text.statements import SUPERCLASSES, superclasses

CLASSES = SUPERCLASSES
TRUE_SUPERCLASSES = "true_superclasses"
"""Column of the evidence: the simulated superclasses of each record."""


def weights_of_codes(scp_codes: pl.Series, diagnostic_class: Mapping[str, str | None]) -> list[dict[str, float] | None]:
    """Superclasses that the SCP codes of each record belong to, with the annotators' likelihood as weight.

    Args:
        scp_codes: Text of a Python dictionary from code to likelihood, one per record.
        diagnostic_class: Superclass of each code, None where it belongs to none.

    Returns:
        None for a record without a diagnostic code, or whose codes cannot be read.
    """
    return weights_of_classes(scp_codes, {code: name for code, name in diagnostic_class.items() if name})


def weights_of_truth(true_superclasses: pl.Series) -> list[Weights]:
    """Weight 1 of each simulated superclass of a record; None where the truth does not list it."""
    return [None if names is None else dict.fromkeys(names, 1.0) for names in true_superclasses.to_list()]


LABELS = Definition(
    "superclass",
    readers=(
        Reader(
            "annotation",
            "PTB-XL scp_codes, any likelihood; 2",
            from_scp_codes(CLASSES, lambda codes, evidence: weights_of_codes(codes, evidence[DIAGNOSTIC_CLASS])),
            needs=SCP_CODES,
        ),
        Reader(
            "simulation",
            "truth.csv; 1",
            from_column(TRUE_SUPERCLASSES, CLASSES, weights_of_truth),
            needs=TRUE_SUPERCLASSES,
        ),
        Reader(
            "report",
            "ecgmm.text.statements rule table; 1",
            from_statements(CLASSES, superclasses),
            needs=STATEMENTS,
            settings=("certainty",),
            tables=rule_tables,
        ),
    ),
    masks=("superclass",),
    exhaustive=True,
)
