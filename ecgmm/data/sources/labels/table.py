"""The user's own labels: ``data.labels_csv``, a table with one row a record."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ecgmm.data.sources.labels.definition import GONE, HALF, Definition, OwnFacts, Reader, ReadLabels
from ecgmm.data.sources.labels.label_set import LabelSettings
from ecgmm.data.sources.labels.own_cells import read_cells
from ecgmm.data.sources.labels.own_records import join_records
from ecgmm.data.sources.labels.own_words import read_words
from ecgmm.data.sources.labels.rare_classes import without_rare_classes
from ecgmm.data.sources.leakage import OWN_REPORT
from ecgmm.data.store.store import Store
from ecgmm.files import file_sha256

CURE = "set data.labels_csv to the table of your labels; a relative path begins in the folder of the command"
_FILES = ("class_map", "descriptions")


def read_own(store: Store, settings: LabelSettings) -> ReadLabels:
    """Read the table that the settings name.

    Raises:
        DataError: If it cannot be used, or none of its rows is of a record of the store.
    """
    assert settings.labels_csv is not None
    own = settings.own
    cells = read_cells(settings.labels_csv, own)
    labels = join_records(settings.labels_csv, cells, store)
    kept = without_rare_classes(labels, store, settings.fewest_records, HALF)
    classes = [name for name in kept.frame.columns if name != "record"]
    words = read_words(own.descriptions, cells.classes, classes)
    source = OWN_REPORT if own.source == "report" else own.source
    return kept._replace(own=OwnFacts(source, own.exhaustive, words.phrases, words.described))


def decided_by(settings: LabelSettings) -> dict[str, Any]:
    """The user's settings, with the content of the files in place of their paths."""
    own = settings.own
    return {**asdict(own), **{name: _digest(getattr(own, name)) for name in _FILES}}


def _digest(path: Path | None) -> str | None:
    return None if path is None else file_sha256(path) if path.exists() else GONE


LABELS = Definition(
    "table",
    readers=(
        Reader(
            "unknown",
            "the user's own table; 1",
            read_own,
            file="labels_csv",
            settings=("fewest_records",),
            own=decided_by,
            cure=CURE,
        ),
    ),
    masks=(),
)
