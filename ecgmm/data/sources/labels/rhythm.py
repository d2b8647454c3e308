"""The rhythm, from PTB-XL's rhythm codes, the simulated truth or machine statements."""

import polars as pl

from ecgmm.data.sources.labels.definition import Definition, Reader
from ecgmm.data.sources.labels.reading import STATEMENTS, Weights, from_column, from_statements, rule_tables
from ecgmm.data.sources.labels.scp_codes import SCP_CODES, from_scp_codes, weights_of_classes
from ecgmm.text.rhythm import CLASS_OF_SCP, RHYTHMS, most_specific, rhythms

TRUE_RHYTHM = "true_rhythm"
"""Column of the evidence: the simulated rhythm of each record."""
CLASS_OF_TRUTH = {
    "sinus": "SR",
    "sinus_bradycardia": "SBRAD",
    "sinus_tachycardia": "STACH",
    "sinus_arrhythmia": "SARRH",
    "atrial_fibrillation": "AFIB",
    "atrial_flutter": "AFLT",
    "paced": "PACE",
}
SIMULATED = RHYTHMS[:-1]
"""Classes of the simulation, which has no other rhythm."""


def weights_of_codes(scp_codes: pl.Series) -> list[Weights]:
    """Rhythms that the SCP codes of each record name; None where none does (see ``superclass.weights_of_codes``)."""
    none = dict.fromkeys(RHYTHMS, 0.0)
    weights = weights_of_classes(scp_codes, CLASS_OF_SCP)
    return [None if known is None else most_specific(none | known) for known in weights]


def weights_of_truth(true_rhythms: pl.Series) -> list[Weights]:
    """Weight 1 of the simulated rhythm of each record; None where the truth does not list it."""
    return [{CLASS_OF_TRUTH[name]: 1.0} if name in CLASS_OF_TRUTH else None for name in true_rhythms]


LABELS = Definition(
    "rhythm",
    readers=(
        Reader(
            "annotation",
            "PTB-XL rhythm scp_codes, any likelihood; 1",
            from_scp_codes(RHYTHMS, lambda codes, _: weights_of_codes(codes)),
            needs=SCP_CODES,
        ),
        Reader("simulation", "truth.csv; 1", from_column(TRUE_RHYTHM, SIMULATED, weights_of_truth), needs=TRUE_RHYTHM),
        Reader(
            "report",
            "ecgmm.text.statements rule table; 1",
            from_statements(RHYTHMS, rhythms),
            needs=STATEMENTS,
            settings=("certainty",),
            tables=rule_tables,
        ),
    ),
    masks=("rhythm", "pacing"),
    exhaustive=True,
)
