"""All frequent discharge diagnoses and their ancestors, many per record."""

from ecgmm.data.sources.labels.definition import Definition, Reader, ReadLabels
from ecgmm.data.sources.labels.icd import CURE
from ecgmm.data.sources.labels.icd_codes import frequent_codes, with_ancestors
from ecgmm.data.sources.labels.icd_diagnoses import DIAGNOSES, decided_by, label_columns, read_diagnoses
from ecgmm.data.sources.labels.label_set import LabelSettings
from ecgmm.data.store.store import Store


def read_frequent(store: Store, settings: LabelSettings) -> ReadLabels:
    """Read the file that the settings name; the classes are the codes that enough records of the tree have."""
    assert settings.icd_csv is not None
    records = store.evidence()["record"]
    diagnoses = read_diagnoses(settings.icd_csv, records, settings.first_of_stay)
    codes = with_ancestors(diagnoses.codes)
    frequent = frequent_codes(codes, settings.min_records)
    notes = {**diagnoses.notes, "codes below data.icd.min_records": codes["code"].n_unique() - len(frequent)}
    columns = label_columns(diagnoses, codes, frequent)
    return ReadLabels(columns.select(records, *frequent), notes)


LABELS = Definition(
    "icd_multilabel",
    readers=(
        Reader(
            "icd",
            f"MIMIC-IV-ECG-Ext-ICD {DIAGNOSES}, frequent codes and their ancestors; 1",
            read_frequent,
            file="icd_csv",
            settings=("min_records",),
            own=decided_by,
            cure=CURE,
        ),
    ),
    masks=("superclass", "rhythm", "pacing"),  # discharge codes name conduction, infarct and fibrillation alike
)
