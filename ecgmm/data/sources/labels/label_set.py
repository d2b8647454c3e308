"""A label set: which classes there are, and where the statements about them come from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl


@dataclass(frozen=True)
class LabelSet:
    """Classes and provenance of label columns.

    Attributes:
        name: Name, as in ``superclass``.
        classes: The classes, in order.
        source: ``report``, ``annotation``, ``icd`` or ``simulation``; labels from the report leak into models that
            read it.
        version: What the labels were made with.
        notes: What was counted while they were made (codes that could not be read, records without an entry).
        exhaustive: Whether the truth about a record is one or more of the classes, so that a record with none of them
            is not described by the set; else "none of them" is an answer like any other.
    """

    name: str
    classes: tuple[str, ...]
    source: str
    version: str
    notes: dict[str, int] = field(default_factory=dict, hash=False)
    exhaustive: bool = False

    @property
    def columns(self) -> list[str]:
        """Names of the label columns, float32 in [0, 1]; null in all of them where nothing is known of a record."""
        return [f"label.{self.name}.{name}" for name in self.classes]

    def frame(self, weights: Iterable[Mapping[str, float] | None]) -> pl.DataFrame:
        """Label columns from the weight of each class in each record; None where nothing is known of a record."""
        nothing = (None,) * len(self.classes)
        rows = [nothing if known is None else [known.get(name, 0.0) for name in self.classes] for known in weights]
        return pl.DataFrame(rows, schema=dict.fromkeys(self.columns, pl.Float32), orient="row")


_EXHAUSTIVE = ("superclass", "rhythm", "icd_cardiac")


def is_exhaustive(name: str, described: Mapping[str, Any]) -> bool:
    """Whether a label set is exhaustive, from its description in a manifest; old ones do not say it of our own sets."""
    return bool(described.get("exhaustive", name in _EXHAUSTIVE))
