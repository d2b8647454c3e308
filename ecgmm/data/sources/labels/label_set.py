"""A label set: its classes in order, where its labels come from, and which statements give them away."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import polars as pl

from ecgmm.text.glossary import class_descriptions


@dataclass(frozen=True, kw_only=True)
class LabelSettings:
    """Settings that labels may hang on; each label set names those that it reads.

    Attributes:
        certainty: ``definite`` takes definite and probable findings of a report, ``include_possible`` also "possible",
            "consider" and "cannot rule out".
        icd_csv: ``records_w_diag_icd10.csv`` of MIMIC-IV-ECG-Ext-ICD.
        min_records: ``icd_multilabel`` keeps the codes that at least so many records of the tree have.
    """

    certainty: str = "definite"
    icd_csv: Path | None = None
    min_records: int = 2000


@dataclass(frozen=True)
class LabelSet:
    """Facts of a label set, kept with its labels.

    Attributes:
        name: Name, as in ``superclass``.
        classes: The classes, in order.
        source: ``report``, ``annotation``, ``icd`` or ``simulation``; labels from the report leak into models that
            read it.
        version: The rules that the labels were made with.
        masks: What ``text.policy=masked`` hides of a report, see ``ecgmm.text.policy.states_a_label``.
        exhaustive: Whether the truth about a record is one or more of the classes, so that a record with none of them
            is not described by the set; else "none of them" is an answer like any other.
        notes: Counts of what was met while the labels were made (codes that could not be read, records without entry).
    """

    name: str
    classes: tuple[str, ...]
    source: str
    version: str
    masks: tuple[str, ...] = ()
    exhaustive: bool = False
    notes: dict[str, int] = field(default_factory=dict, hash=False)

    @property
    def descriptions(self) -> dict[str, tuple[str, ...]]:
        """Each class in words, for prompts and pages; a class without an entry is described by its own name."""
        return {name: class_descriptions(name) for name in self.classes}

    def to_plain(self) -> dict[str, Any]:
        """Plain data for JSON, which ``from_plain`` takes back."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Label set from what ``to_plain`` gave."""
        return cls(**{**plain, "classes": tuple(plain["classes"]), "masks": tuple(plain["masks"])})


def weight_columns(classes: Sequence[str], weights: Iterable[Mapping[str, float] | None]) -> pl.DataFrame:
    """One float32 column per class, in [0, 1].

    Args:
        classes: Names of the columns.
        weights: Weight of each class in each record, 0 where it is not named; None where nothing is known of a record.

    Returns:
        One row per record; null in all columns where nothing is known.
    """
    nothing = (None,) * len(classes)
    rows = [nothing if known is None else [known.get(name, 0.0) for name in classes] for known in weights]
    return pl.DataFrame(rows, schema=dict.fromkeys(classes, pl.Float32), orient="row")
