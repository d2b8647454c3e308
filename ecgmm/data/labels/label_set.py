"""A label set: which classes there are, and where the statements about them come from."""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class LabelSet:
    """Classes and provenance of label columns.

    Attributes:
        name: Name, as in ``superclass``.
        classes: The classes, in order.
        source: ``report``, ``annotation`` or ``simulation``; labels from the report leak into models that read it.
        version: What the labels were made with.
    """

    name: str
    classes: tuple[str, ...]
    source: str
    version: str

    @property
    def columns(self) -> list[str]:
        """Names of the label columns, float32 in [0, 1]; null in all of them where nothing is known of a record."""
        return [f"label.{self.name}.{name}" for name in self.classes]

    def schema(self) -> dict[str, type[pl.Float32]]:
        """Column types of the labels."""
        return dict.fromkeys(self.columns, pl.Float32)
