"""Table of predictions: one row a record, those that were refused with their reason; for its owner's eyes alone."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from ecgmm.files import write_whole
from ecgmm.predicting.prediction import Prediction
from ecgmm.predicting.record_list import Listed

Row = dict[str, Any]
"""Cells by column; what is missing is null."""

_LIST = pl.List(pl.String)
_SIGNAL: dict[str, pl.DataType] = {
    "quality": pl.Float32(),
    "flat_leads": pl.Int8(),
    "missing_share": pl.Float32(),
    "clipped_share": pl.Float32(),
    "amplitude_mv": pl.Float32(),
    "drift_mv": pl.Float32(),
    "noise_mv": pl.Float32(),
    "lead_law_error_mv": pl.Float32(),
    "limb_swap": pl.String(),
}


def columns(class_names: Sequence[str]) -> dict[str, pl.DataType]:
    """Columns of the table and their types, in order; see docs/how-to/evaluate-and-predict.md."""
    return {
        "row": pl.Int64(),
        "id": pl.String(),
        "record": pl.String(),
        "refused": pl.String(),
        "decision": _LIST,
        "possible": _LIST,
        "abstains": pl.Boolean(),
        **{f"probability.{name}": pl.Float32() for name in class_names},
        **{f"calibrated.{name}": pl.Float32() for name in class_names},
        "gate": pl.Float32(),
        "inconsistency": pl.Float32(),
        "doubtful": pl.Boolean(),
        **_SIGNAL,
        "n_words": pl.Int64(),
        "n_unknown_words": pl.Int64(),
        "words": _LIST,
        "notes": _LIST,
    }


def row_of(number: int, listed: Listed, found: Prediction | str) -> Row:
    """Cells of one record.

    Args:
        number: Of the row in the list, from 1.
        listed: The row of the list.
        found: Its prediction, or the reason why there is none.
    """
    row: Row = {"row": number, "id": listed.id, "record": listed.record}
    if isinstance(found, str):
        return row | {"refused": found}
    signal: Mapping[str, Any] = found.signal or {}
    names = ("decision", "possible", "abstains", "gate", "inconsistency", "doubtful", "n_words", "n_unknown_words")
    return (
        row
        | {name: getattr(found, name) for name in (*names, "words", "notes")}
        | {f"probability.{name}": value for name, value in found.probabilities.items()}
        | {f"calibrated.{name}": value for name, value in (found.calibrated or {}).items()}
        | {name: signal[name] for name in _SIGNAL if name in signal}
    )


def table_of(rows: Sequence[Row], class_names: Sequence[str]) -> pl.DataFrame:
    """The rows as a table."""
    schema = columns(class_names)
    return pl.DataFrame({name: [row.get(name) for row in rows] for name in schema}, schema=schema)


def write_table(table: pl.DataFrame, path: Path) -> None:
    """Write a table in the format that the ending names, whole; the same table gives the same bytes.

    In CSV, lists are joined by semicolons.
    """
    stream = io.BytesIO()
    if path.suffix == ".parquet":
        table.write_parquet(stream)
    elif path.suffix == ".json":
        table.write_json(stream)
    else:
        table.with_columns(pl.col(_LIST).list.join("; ")).write_csv(stream)
    write_whole(path, stream.getvalue(), private=True)
