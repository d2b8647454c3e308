"""``robustness/`` of a run directory: predictions of disturbed inputs, one folder a store and split, one file a kind.

``suite.json`` says what was disturbed. ``clean.parquet`` and ``<kind>.parquet`` hold ``row`` of the store, the
``probability.<class>`` of the method, ``gate`` and ``inconsistency`` (null where the method has none) and
``has_report``; clean.parquet also the columns of the record and its labels, as ``predictions.parquet`` has them; the
others also ``strength``, ``changed`` (whether anything of the record was) and ``other_class`` (of a foreign report,
whether its record has other classes; else null). For the owner's eyes alone, as ``predictions.parquet``.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import Field

from ecgmm.errors import DataError, printable
from ecgmm.evaluation.metrics import TaskKind
from ecgmm.files import inside, whole_file, write_json
from ecgmm.runs.facts import MOST_BYTES
from ecgmm.runs.predictions import label_names, probability_names
from ecgmm.runs.reading import Classes, Count, Name, Schema, json_of, read_file
from ecgmm.settings.disturbances import CLEAN, KINDS, ROBUSTNESS

SUITE = "suite.json"
CURE = "remove it and start python -m ecgmm.robustness again"
_MOST_TABLE_BYTES = 1 << 30
_DIGEST = "suite"


class SuiteFacts(Schema):
    """``suite.json``.

    Attributes:
        store: Name of the store's folder.
        fingerprint: Of the store.
        source: Kind of the source of its records.
        synthetic: Whether they were simulated.
        split: The split, or ``all``.
        seed: Seed of the disturbances.
        classes: The classes that are measured.
        task: ``single_label`` or ``multi_label``.
        model: Digest of the model.
        rows: Digest of the rows of the store.
        n_records: Number of rows.
        unmet: By kind and strength, why records of the store's rate or length cannot meet it.
    """

    schema_version: Literal[1] = 1
    store: Name
    fingerprint: str
    source: str
    synthetic: bool
    split: str
    seed: Count
    classes: Classes
    task: TaskKind
    model: str
    rows: str
    n_records: Annotated[int, Field(ge=1)]
    unmet: dict[str, dict[str, str]] = Field(default_factory=dict)

    @property
    def digest(self) -> str:
        """What a file of predictions remembers: another suite, store or model has another."""
        content = self.model_dump(exclude={"unmet"})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Suite:
    """One folder of ``robustness/``, read when it is asked for.

    Attributes:
        folder: The folder.
        facts: ``suite.json``.
    """

    folder: Path
    facts: SuiteFacts

    @cached_property
    def clean(self) -> pl.DataFrame:
        """Predictions of what is not disturbed.

        Raises:
            DataError: If they are missing or damaged.
        """
        frame = self.read(CLEAN)
        if frame is None:
            raise DataError(f"{printable(self.folder)} lacks {CLEAN}.parquet of its suite; {CURE}")
        return frame

    @cached_property
    def disturbed(self) -> dict[str, pl.DataFrame]:
        """Predictions by kind, of the kinds that are there; files of another suite or model are passed over.

        Raises:
            DataError: If one is damaged.
        """
        frames = {name: self.read(name) for name in KINDS}
        return {name: frame for name, frame in frames.items() if frame is not None}

    def strengths(self, kind: str) -> list[float]:
        """Strengths of a kind that are there, the weakest first."""
        frame = self.read(kind)
        there = set() if frame is None else set(frame["strength"].unique())
        return [strength for strength in KINDS[kind].strengths if strength in there]

    def write(self, name: str, frame: pl.DataFrame) -> None:
        """Write the predictions of a kind, or of ``clean``."""
        with whole_file(inside(self.folder, f"{name}.parquet"), private=True) as file:
            frame.write_parquet(file, metadata={_DIGEST: self.facts.digest})

    def read(self, name: str) -> pl.DataFrame | None:
        """Predictions of a kind, or of ``clean``; None where there are none of this suite and model.

        Raises:
            DataError: If the file is damaged.
        """
        file = f"{name}.parquet"
        damaged = DataError(f"{printable(self.folder / file)} is damaged: it holds no predictions; {CURE}")
        if not inside(self.folder, file).exists():
            return None
        content = read_file(self.folder, file, _MOST_TABLE_BYTES)
        try:
            if pl.read_parquet_metadata(io.BytesIO(content)).get(_DIGEST) != self.facts.digest:
                return None
            frame = pl.read_parquet(io.BytesIO(content))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError, MemoryError):
            raise damaged from None
        if not _fits(frame, name, self.facts):
            raise damaged
        return frame


def _fits(frame: pl.DataFrame, name: str, facts: SuiteFacts) -> bool:
    """Whether a table has the columns, the strengths and the number of rows that a suite writes."""
    types, shares = frame.schema, probability_names("", facts.classes)
    floats = [*shares, "gate", "inconsistency", *(["strength"] if name != CLEAN else [])]
    labels = label_names(facts.classes, facts.task)
    whole = ["row", *(["record", "patient", "window"] if name == CLEAN else [])]
    if not all(column in types and types[column].is_float() for column in floats):
        return False
    if not all(column in types and types[column].is_integer() for column in whole):
        return False
    if not all(_between(frame[column], 0, 1) for column in types if "probability." in column):
        return False
    if name == CLEAN:
        return len(frame) == facts.n_records and set(labels) <= set(types) and types.get("split") == pl.String
    there = frame["strength"].unique().to_list()
    booleans = all(types.get(column) == pl.Boolean for column in ("changed", "other_class"))
    return booleans and set(there) <= set(KINDS[name].strengths) and len(frame) == facts.n_records * len(there)


def _between(values: pl.Series, low: float, high: float) -> bool:
    return not values.null_count() and bool(values.is_between(low, high).all())


def begin_suite(run: Path, name: str, facts: SuiteFacts) -> Suite:
    """Make the folder of a suite and write ``suite.json``; predictions that are there already stay.

    Args:
        run: The run directory.
        name: Of the folder.
        facts: What is disturbed.
    """
    folder = inside(run, ROBUSTNESS, name)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(inside(folder, SUITE), facts.model_dump())
    return Suite(folder, facts)


def read_suites(run: Path) -> dict[str, Suite]:
    """The suites of a run by name of their folder.

    Raises:
        DataError: If a ``suite.json`` is damaged.
    """
    parent = inside(run, ROBUSTNESS)
    found = {}
    for path in sorted(parent.glob(f"*/{SUITE}")):
        folder = inside(parent, path.parent.name)
        content: Mapping[str, Any] = json_of(path, read_file(folder, SUITE, MOST_BYTES))
        found[folder.name] = Suite(folder, SuiteFacts.read(content, path))
    return found
