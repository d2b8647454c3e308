"""Rows of the user's own labels joined to the records of a store."""

from pathlib import Path

import polars as pl

from ecgmm.data.sources.labels.definition import ReadLabels
from ecgmm.data.sources.labels.own_cells import Cells
from ecgmm.data.store.store import Store
from ecgmm.errors import DataError, printable

RECORD_NAME = "record_name"
"""Column of the evidence of stores whose records have names of their own; without a column of names, their paths."""
_ENDING = r"\.(hea|dat|mat)$"
_NAME, _LINE = "ecgmm.name", "ecgmm.line"  # no names of classes


def join_records(path: Path, cells: Cells, store: Store) -> ReadLabels:
    """Labels of the records of a store.

    Args:
        path: The table, for messages.
        cells: Its rows.
        store: The store.

    Returns:
        One row per record that the table lists; null in all classes where a cell of its row is empty.

    Raises:
        DataError: If two rows of one record differ, no row is of a record of the store, or none is filled.
    """
    names = _names_of_records(store)
    by_number = names.schema[_NAME] == pl.Int64
    rows = cells.values.with_columns(_normal(cells.ids, by_number).alias(_NAME), cells.lines.alias(_LINE))
    joined = rows.join(names, on=_NAME, how="inner")
    if joined.is_empty():
        raise DataError(
            f"no row of {printable(path)} is of a record of the store: its ids are {kind_of(cells.ids)}, and those of"
            f" the store are {kind_of(names[_NAME].cast(pl.String))}; name the column of the ids with labels.id=...,"
            " and write them as the source of the store does"
        )
    classes = cells.values.columns
    distinct = joined.unique(["record", *classes], keep="first", maintain_order=True)
    twice = distinct.filter(pl.col("record").is_duplicated()).sort(_LINE)
    if not twice.is_empty():
        first, second = twice.filter(pl.col("record") == twice["record"][0])[_LINE].sort()[:2]
        raise DataError(
            f"{printable(path)}: lines {first} and {second} are of one record and differ"
            f" ({twice['record'].n_unique():,} records in all); leave one row for each record"
        )
    empty = pl.any_horizontal(pl.col(classes).is_null())
    n_empty, n_partly = distinct.select(
        pl.all_horizontal(pl.col(classes).is_null()).sum().alias("empty"), empty.sum().alias("any")
    ).row(0)
    n_partly -= n_empty
    if n_empty + n_partly == distinct.height:
        raise DataError(
            f"{printable(path)}: every row leaves a class empty, which says nothing of the record; write 0 where a"
            " class is absent, or take fewer with labels.keep=[...]"
        )
    labels = distinct.select("record", pl.when(~empty).then(pl.col(classes)))
    notes = {
        **cells.notes,
        "rows whose record is not in the store": rows.height - joined.height,
        "rows that repeat another": joined.height - distinct.height,
        "records without a row": names.height - distinct.height,
        "records whose row is empty": n_empty,
        "records with some classes empty, which count as unlabelled": n_partly,
    }
    return ReadLabels(labels, notes)


def _names_of_records(store: Store) -> pl.DataFrame:
    """``record`` of each record that the store keeps, and ``name``, by which a table calls it."""
    evidence, kept = store.evidence(), store.records.select("record").unique(maintain_order=True)
    if RECORD_NAME in evidence.columns:
        return kept.join(
            evidence.select("record", pl.col(RECORD_NAME).str.replace(_ENDING, "").alias(_NAME)), on="record"
        )
    return kept.with_columns(pl.col("record").alias(_NAME))


def _normal(ids: pl.Series, by_number: bool) -> pl.Series:
    return ids.cast(pl.Int64, strict=False) if by_number else ids.str.replace(_ENDING, "")


def kind_of(ids: pl.Series) -> str:
    """What ids look like, without showing one: "numbers of 8 digits" or "texts"."""
    written = ids.drop_nulls()
    if written.is_empty():
        return "empty"
    if not written.str.contains(r"^\d+$").all():
        return f"texts of {_span(written)} characters"
    return f"numbers of {_span(written)} digits"


def _span(texts: pl.Series) -> str:
    lengths = sorted(set(texts.str.len_chars()))
    return str(lengths[0]) if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
