"""Definition of a label set: from which kinds of evidence its labels can be read, and how."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import polars as pl

from ecgmm.data.sources.labels.label_set import LabelSet, LabelSettings
from ecgmm.data.store.store import Store

GONE = "gone"
"""Stands for the digest of a file that is not there any more."""
HALF = 0.5
"""Probability from which a class of the user's own labels counts as present."""


class OwnFacts(NamedTuple):
    """What only the user knows of labels, see ``LabelSet``."""

    source: str
    exhaustive: bool
    phrases: tuple[str, ...]
    described: dict[str, tuple[str, ...]]


class ReadLabels(NamedTuple):
    """Labels as a reader gives them.

    Attributes:
        frame: ``record`` and one float32 column per class, in their order; one row per record, null in all classes of
            a record of which nothing is known.
        notes: See ``LabelSet``.
        own: What the user says of them; None where the definition says all.
    """

    frame: pl.DataFrame
    notes: dict[str, int]
    own: OwnFacts | None = None


def no_tables() -> dict[str, str]:
    """Digests of the tables of rules of a reader without any."""
    return {}


def nothing_own(_: LabelSettings) -> dict[str, Any]:
    """What decides labels of which the user says nothing."""
    return {}


@dataclass(frozen=True)
class Reader:
    """One way to read a label set from one kind of evidence.

    Attributes:
        source: See ``LabelSet``.
        version: Names the rules; another one makes another table, so raise its number whenever labels change.
        read: Reads the labels of the records of a store.
        needs: Column of ``evidence.parquet``, or of ``records.parquet``, that it reads.
        file: Setting that names a file to read instead, as in ``icd_csv``.
        settings: Other settings (fields of ``LabelSettings``) that change what is read.
        tables: Digests of the tables that hold the rules, by name.
        own: What the user's own settings and further files decide, as plain data.
        cure: What the user should do when ``file`` is gone.
    """

    source: str
    version: str
    read: Callable[[Store, LabelSettings], ReadLabels]
    needs: str = ""
    file: str = ""
    settings: tuple[str, ...] = ()
    tables: Callable[[], dict[str, str]] = no_tables
    own: Callable[[LabelSettings], dict[str, Any]] = nothing_own
    cure: str = ""

    def fits(self, store: Store, settings: LabelSettings) -> bool:
        """Whether the store, or the file that the settings name, holds what is read."""
        if self.file:
            return getattr(settings, self.file) is not None
        return self.needs in store.manifest["evidence"]["columns"] or self.needs in store.records.columns

    def decided_by(self, settings: LabelSettings) -> dict[str, Any]:
        """All that decides the labels besides the store and the content of the file, as plain data."""
        chosen = {name: getattr(settings, name) for name in self.settings}
        decided = {"source": self.source, "version": self.version, "settings": chosen, "tables": self.tables()}
        own = self.own(settings)
        return {**decided, "own": own} if own else decided


@dataclass(frozen=True)
class Definition:
    """A label set before it is read.

    Attributes:
        name: Name, as in ``superclass``: that of its module and of its file in ``conf/labels``.
        readers: Ways to read it; the first that fits the store is taken.
        masks: See ``LabelSet``.
        exhaustive: See ``LabelSet``.
    """

    name: str
    readers: tuple[Reader, ...]
    masks: tuple[str, ...]
    exhaustive: bool = False

    def described(self, reader: Reader, read: ReadLabels) -> LabelSet:
        """The label set as a reader gave it."""
        classes = tuple(name for name in read.frame.columns if name != "record")
        if read.own is None:
            return LabelSet(self.name, classes, reader.source, reader.version, self.masks, self.exhaustive, read.notes)
        source, exhaustive, phrases, described = read.own
        return LabelSet(
            self.name,
            classes,
            source,
            reader.version,
            self.masks,
            exhaustive,
            read.notes,
            phrases,
            described,
            negative=None if exhaustive else f"not_{classes[0]}" if classes else None,
            least=HALF,
        )
