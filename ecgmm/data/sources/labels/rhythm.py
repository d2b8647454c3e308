"""The rhythm, from PTB-XL's rhythm codes, machine statements or the simulated truth."""

from functools import partial

import polars as pl

from ecgmm.data.sources.labels.label_set import LabelSet
from ecgmm.data.sources.labels.reading import label_reports
from ecgmm.data.sources.labels.scp_codes import weights_of_classes
from ecgmm.text.rhythm import CLASS_OF_SCP, RHYTHMS, most_specific, rhythms

FROM_ANNOTATION = LabelSet(
    "rhythm", RHYTHMS, "annotation", "PTB-XL rhythm scp_codes, any likelihood; 1", exhaustive=True
)
FROM_REPORT = LabelSet("rhythm", RHYTHMS, "report", "ecgmm.text.statements rule table; 1", exhaustive=True)
FROM_SIMULATION = LabelSet(
    "rhythm", RHYTHMS[:-1], "simulation", "truth.csv; 1", exhaustive=True
)  # nothing else is simulated
CLASS_OF_TRUTH = {
    "sinus": "SR",
    "sinus_bradycardia": "SBRAD",
    "sinus_tachycardia": "STACH",
    "sinus_arrhythmia": "SARRH",
    "atrial_fibrillation": "AFIB",
    "atrial_flutter": "AFLT",
    "paced": "PACE",
}


def from_scp_codes(scp_codes: pl.Series) -> pl.DataFrame:
    """Rhythms that the SCP codes of each record name; null where none does (see ``superclass.from_scp_codes``)."""
    weights = weights_of_classes(scp_codes, CLASS_OF_SCP)
    none = dict.fromkeys(RHYTHMS, 0.0)
    return FROM_ANNOTATION.frame(None if known is None else most_specific(none | known) for known in weights)


def from_statements(statements: pl.Series, include_possible: bool) -> pl.DataFrame:
    """Rhythms that the rule table reads from reports; null where no statement is about the rhythm."""
    return label_reports(FROM_REPORT, statements, partial(rhythms, include_possible=include_possible))


def from_truth(records: pl.Series, truth: pl.DataFrame) -> pl.DataFrame:
    """Rhythms of simulated records (columns ``study_id`` and ``rhythm``); null where the truth does not list one."""
    of_study = dict(truth.select(pl.col("study_id").cast(pl.Int64, strict=False), "rhythm").iter_rows())
    known = (CLASS_OF_TRUTH.get(of_study.get(record, "")) for record in records)
    return FROM_SIMULATION.frame(None if name is None else {name: 1.0} for name in known)
