"""The 26 scored classes of the PhysioNet/CinC challenge of 2021, from SNOMED CT codes.

Source: ``dx_mapping_scored.csv`` and ``weights.csv`` of https://github.com/physionetchallenges/evaluation-2021; its
equivalent codes are one class. Names are its abbreviations.
"""

from collections import Counter

from ecgmm.data.sources.labels.definition import Definition, Reader, ReadLabels
from ecgmm.data.sources.labels.label_set import LabelSettings, weight_columns
from ecgmm.data.sources.labels.rare_classes import without_rare_classes
from ecgmm.data.store.store import Store

RECORD_NAME, SNOMED_CODES = "record_name", "snomed_codes"
"""Columns of the evidence: the record's own name, and its codes between commas."""
CODES: dict[str, tuple[str, ...]] = {
    "AF": ("164889003",),
    "AFL": ("164890007",),
    "BBB": ("6374002",),
    "Brady": ("426627000",),
    "LBBB": ("164909002", "733534002"),
    "RBBB": ("59118001", "713427006"),
    "IAVB": ("270492004",),
    "IRBBB": ("713426002",),
    "LAD": ("39732003",),
    "LAnFB": ("445118002",),
    "LPR": ("164947007",),
    "LQRSV": ("251146004",),
    "LQT": ("111975006",),
    "NSIVCB": ("698252002",),
    "NSR": ("426783006",),
    "PAC": ("284470004", "63593006"),
    "PR": ("10370003",),
    "PRWP": ("365413008",),
    "PVC": ("427172004", "17338001"),
    "QAb": ("164917005",),
    "RAD": ("47665007",),
    "SA": ("427393009",),
    "SB": ("426177001",),
    "STach": ("427084000",),
    "TAb": ("164934002",),
    "TInv": ("59931005",),
}
CLASSES = tuple(CODES)
_CLASS_OF = {code: name for name, codes in CODES.items() for code in codes}


def read_codes(store: Store, settings: LabelSettings) -> ReadLabels:
    """Read the classes of each record; one without any code is unlabelled, one without a scored code has no class."""
    evidence = store.evidence()
    codes = [None if text is None else text.split(",") for text in evidence[SNOMED_CODES]]
    weights = [None if own is None else {_CLASS_OF[code]: 1.0 for code in own if code in _CLASS_OF} for own in codes]
    counts = Counter(code for own in codes if own for code in own)
    notes = {
        "records without any code": codes.count(None),
        "codes that are not scored": sum(number for code, number in counts.items() if code not in _CLASS_OF),
    }
    labels = ReadLabels(weight_columns(CLASSES, weights).select(evidence["record"], *CLASSES), notes)
    return without_rare_classes(labels, store, settings.fewest_records, least=0)


LABELS = Definition(
    "cinc_2021",
    readers=(
        Reader(
            "annotation",
            "SNOMED CT codes, 26 scored classes; 1",
            read_codes,
            needs=SNOMED_CODES,
            settings=("fewest_records",),
        ),
    ),
    masks=("superclass", "rhythm", "pacing"),
)
