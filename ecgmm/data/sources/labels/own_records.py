"""Rows of the user's own labels joined to the records of a store."""

from pathlib import Path
from typing import TypeVar

import polars as pl

from ecgmm.data.sources.labels.definition import ReadLabels
from ecgmm.data.sources.labels.own_cells import Cells, line_of
from ecgmm.data.store.store import Store
from ecgmm.errors import DataError, printable

RECORD_NAME, PATH = "record_name", "path"
"""Columns of the evidence of stores whose records are named otherwise than by a number."""
_WHOLE = r"^(\d+)\.0+$"


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
    names = _names_of_records(store, cells.names_path)
    by_number = names.schema["name"] == pl.Int64
    rows = cells.values.with_columns(name=_normal(cells.ids, by_number), row=pl.int_range(cells.ids.len()))
    joined = rows.join(names, on="name", how="inner")
    if joined.is_empty():
        raise DataError(
            f"no row of {printable(path)} is of a record of the store: its ids are {kind_of(cells.ids)}, and those of"
            f" the store are {kind_of(names['name'].cast(pl.String))}; name the column of the ids with labels.id=...,"
            " and write them as the source of the store does"
        )
    classes = cells.values.columns
    distinct = joined.unique(["record", *classes], keep="first", maintain_order=True)
    twice = distinct.filter(pl.col("record").is_duplicated()).sort("row")
    if not twice.is_empty():
        first, second = twice.filter(pl.col("record") == twice["record"][0])["row"].sort()[:2]
        raise DataError(
            f"{printable(path)}: lines {line_of(first)} and {line_of(second)} are of one record and differ"
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


def _names_of_records(store: Store, by_path: bool) -> pl.DataFrame:
    """``record`` of each record that the store keeps, and ``name``, by which a table may call it."""
    evidence, kept = store.evidence(), store.records.select("record").unique(maintain_order=True)
    if by_path and PATH in evidence.columns:
        return kept.join(evidence.select("record", name=_without_ending(pl.col(PATH))), on="record")
    if RECORD_NAME in evidence.columns:
        return kept.join(evidence.select("record", name=pl.col(RECORD_NAME).str.replace(_WHOLE, "$1")), on="record")
    return kept.with_columns(name=pl.col("record"))


def _normal(ids: pl.Series, by_number: bool) -> pl.Series:
    whole = _without_ending(ids).str.replace(_WHOLE, "$1")
    return whole.cast(pl.Int64, strict=False) if by_number else whole


_Paths = TypeVar("_Paths", pl.Expr, pl.Series)


def _without_ending(paths: _Paths) -> _Paths:
    """A path without the ending of its header or samples."""
    return paths.str.strip_chars().str.replace(r"\.(hea|dat|mat)$", "")


def kind_of(ids: pl.Series) -> str:
    """What ids look like, without showing one: "numbers of 8 digits" or "texts"."""
    written = ids.drop_nulls().str.strip_chars().str.replace(_WHOLE, "$1")
    written = written.filter(written != "")
    if written.is_empty():
        return "empty"
    if not written.str.contains(r"^\d+$").all():
        return f"texts of {_span(written)} characters"
    return f"numbers of {_span(written)} digits"


def _span(texts: pl.Series) -> str:
    lengths = sorted(set(texts.str.len_chars()))
    return str(lengths[0]) if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
