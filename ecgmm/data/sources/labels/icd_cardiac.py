"""Cardiac discharge diagnoses: each record has the first class, by priority, that any of its codes belongs to."""

from ecgmm.data.sources.labels.definition import Definition, Reader, ReadLabels
from ecgmm.data.sources.labels.icd import CURE
from ecgmm.data.sources.labels.icd_codes import CARDIAC, cardiac_groups
from ecgmm.data.sources.labels.icd_diagnoses import DIAGNOSES, decided_by, label_columns, read_diagnoses
from ecgmm.data.sources.labels.label_set import LabelSettings
from ecgmm.data.store.store import Store


def read_cardiac(store: Store, settings: LabelSettings) -> ReadLabels:
    """Read the file that the settings name."""
    assert settings.icd_csv is not None
    records = store.evidence()["record"]
    diagnoses = read_diagnoses(settings.icd_csv, records, settings.first_of_stay)
    columns = label_columns(diagnoses, cardiac_groups(diagnoses.codes), list(CARDIAC))
    return ReadLabels(columns.select(records, *CARDIAC), diagnoses.notes)


LABELS = Definition(
    "icd_cardiac",
    readers=(
        Reader(
            "icd",
            f"MIMIC-IV-ECG-Ext-ICD {DIAGNOSES}, first class by priority; 1",
            read_cardiac,
            file="icd_csv",
            own=decided_by,
            cure=CURE,
        ),
    ),
    masks=("superclass", "rhythm", "pacing"),  # discharge codes name conduction, infarct and fibrillation alike
    exhaustive=True,
)
