"""The six abnormalities of CODE-15 %; an exam may have several or none.

Source: Ribeiro et al., Automatic diagnosis of the 12-lead ECG, Nature Communications 11, 1760 (2020).
"""

import polars as pl

from ecgmm.data.sources.labels.definition import Definition, Reader, ReadLabels
from ecgmm.data.sources.labels.label_set import LabelSettings
from ecgmm.data.sources.labels.rare_classes import without_rare_classes
from ecgmm.data.store.store import Store

CLASSES = ("1dAVb", "RBBB", "LBBB", "SB", "AF", "ST")


def read_columns(store: Store, settings: LabelSettings) -> ReadLabels:
    """Read the columns; an exam without a value in one of them is unlabelled."""
    evidence = store.evidence()
    is_known = pl.all_horizontal(pl.col(*CLASSES).is_not_null())
    frame = evidence.select("record", *(pl.when(is_known).then(pl.col(name).cast(pl.Float32)) for name in CLASSES))
    n_unknown = int(evidence.select((~is_known).sum()).item())
    labels = ReadLabels(frame, {"exams without a value in some column": n_unknown})
    return without_rare_classes(labels, store, settings.fewest_records, least=0)


LABELS = Definition(
    "code_15",
    readers=(
        Reader("annotation", "exams.csv, six columns; 1", read_columns, needs=CLASSES[0], settings=("fewest_records",)),
    ),
    masks=("superclass", "rhythm", "pacing"),
)
