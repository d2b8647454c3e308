"""A label set: its classes in order, where its labels come from, and which statements give them away."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import polars as pl

from ecgmm.text.glossary import class_descriptions


@dataclass(frozen=True, kw_only=True)
class OwnLabels:
    """The settings ``labels`` of ``labels=table``: how the user's own table is understood.

    Attributes:
        id: Column that names the record; None takes the first of ``record``, ``study_id``, ``ecg_id`` and the like.
        column: Column of codes; None where each class has a column.
        class_map: CSV with the columns ``code`` and ``class``; None where codes are the classes.
        classes: The classes; None takes every column but that of the ids, every class of the map, or every code.
        keep: Those of them that are kept; None keeps all.
        exhaustive: See ``LabelSet``.
        source: Where the labels come from: ``annotation``, ``report``, ``icd``, ``other`` or ``unknown``.
        descriptions: CSV with the columns ``class``, ``description`` and ``mask``.
    """

    id: str | None = None
    column: str | None = None
    class_map: Path | None = None
    classes: tuple[str, ...] | None = None
    keep: tuple[str, ...] | None = None
    exhaustive: bool = False
    source: str = "unknown"
    descriptions: Path | None = None

    @classmethod
    def of(cls, labels: Mapping[str, Any]) -> Self:
        """From the setting ``labels``, which of other label sets holds none of them."""
        given: dict[str, Any] = {name: labels[name] for name in cls.__dataclass_fields__ if name in labels}
        for name in ("class_map", "descriptions"):
            if given.get(name) is not None:
                given[name] = Path(given[name]).expanduser()
        for name in ("classes", "keep"):
            if given.get(name) is not None:
                given[name] = tuple(given[name])
        return cls(**given)


@dataclass(frozen=True, kw_only=True)
class LabelSettings:
    """Settings that labels may hang on; each label set names those that it reads.

    Attributes:
        certainty: ``definite`` takes definite and probable findings of a report, ``include_possible`` also "possible",
            "consider" and "cannot rule out".
        icd_csv: ``records_w_diag_icd10.csv`` of MIMIC-IV-ECG-Ext-ICD.
        min_records: ``icd_multilabel`` keeps the codes that at least so many records of the tree have.
        first_of_stay: Whether of a stay only the first record has discharge diagnoses.
        labels_csv: The user's own labels.
        own: How they are understood.
        fewest_records: Classes that fewer records of the training split have are dropped, of label sets with the
            setting ``labels.min_records``.
    """

    certainty: str = "definite"
    icd_csv: Path | None = None
    min_records: int = 2000
    first_of_stay: bool = False
    labels_csv: Path | None = None
    own: OwnLabels = OwnLabels()
    fewest_records: int = 0


@dataclass(frozen=True)
class LabelSet:
    """Facts of a label set, kept with its labels.

    Attributes:
        name: Name, as in ``superclass``.
        classes: The classes, in order.
        source: ``report``, ``annotation``, ``icd`` or ``simulation``, and of the user's own labels also ``own_report``,
            ``other`` or ``unknown``; labels from the report leak into models that read it.
        version: The rules that the labels were made with.
        masks: What ``text.policy=masked`` hides of a report, see ``ecgmm.text.policy.states_a_label``.
        exhaustive: Whether the truth about a record is one or more of the classes, so that a record with none of them
            is not described by the set; else "none of them" is an answer like any other.
        notes: Counts of what was met while the labels were made (codes that could not be read, records without entry).
        phrases: The user's own words that ``text.policy=masked`` hides, see ``ecgmm.text.policy.holds_a_phrase``.
        described: The user's own descriptions of classes.
        negative: Answer beside the class of a set of one, where one class a record is chosen; None where there is none.
        least: Certainty from which a class counts as present; 0 for every certainty above it.
    """

    name: str
    classes: tuple[str, ...]
    source: str
    version: str
    masks: tuple[str, ...] = ()
    exhaustive: bool = False
    notes: dict[str, int] = field(default_factory=dict, hash=False)
    phrases: tuple[str, ...] = ()
    described: dict[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    negative: str | None = None
    least: float = 0.0

    @property
    def descriptions(self) -> dict[str, tuple[str, ...]]:
        """Each class in words, for prompts and pages; a class without an entry is described by its own name."""
        return {name: self.described.get(name) or class_descriptions(name) for name in self.classes}

    def answers(self, selection: str) -> tuple[str, ...]:
        """The classes that a task tells apart: those of the set, and of a set of one also its ``negative``.

        Args:
            selection: See ``ecgmm.data.batches.targets.make_targets``.
        """
        if selection == "all" or self.negative is None or len(self.classes) > 1:
            return self.classes
        return (self.negative, *self.classes)

    def to_plain(self) -> dict[str, Any]:
        """Plain data for JSON, which ``from_plain`` takes back."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Label set from what ``to_plain`` gave."""
        lists = {name: tuple(plain.get(name, ())) for name in ("classes", "masks", "phrases")}
        described = {name: tuple(texts) for name, texts in plain.get("described", {}).items()}
        return cls(**{**plain, **lists, "described": described})


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
