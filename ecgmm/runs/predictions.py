"""``predictions.parquet``: a row a window, with ids of patients and so for its owner's eyes alone."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from ecgmm.errors import DataError, printable
from ecgmm.files import inside, whole_file
from ecgmm.runs.reading import CURE, read_file

PREDICTIONS = "predictions.parquet"

_MOST_BYTES = 4 << 30
_MOST_CELLS = 2_000_000_000


def write_predictions(directory: Path, frame: pl.DataFrame) -> None:
    """Write the frame of ``predict_frame``."""
    with whole_file(directory / PREDICTIONS, private=True) as file:
        frame.write_parquet(file)


def read_predictions(directory: Path, facts: Mapping[str, Any]) -> pl.DataFrame:
    """Read the predictions of a finished run.

    Args:
        directory: The run directory.
        facts: Content of ``run.json``: classes, task and readouts decide the columns.

    Raises:
        DataError: If the file cannot be used: it holds no table, another one than the run wrote, or values that no
            prediction has.
    """
    path = inside(directory, PREDICTIONS)
    content = read_file(directory, PREDICTIONS, _MOST_BYTES, facts.get("files"))
    damaged = DataError(f"{printable(path)} is damaged: it holds no table of predictions of this run; {CURE}")
    try:
        lazy = pl.scan_parquet(io.BytesIO(content))
        n_columns = len(lazy.collect_schema())
        if lazy.select(pl.len()).collect().item() * n_columns > _MOST_CELLS:
            raise damaged
        frame = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError, MemoryError):
        raise damaged from None
    wrong = _wrong_column(frame, facts)
    if wrong is not None:
        raise DataError(
            f"{printable(path)} is damaged: column {printable(wrong)} is missing or not as a run writes it; {CURE}"
        )
    return frame


def _wrong_column(frame: pl.DataFrame, facts: Mapping[str, Any]) -> str | None:
    """The first column that a run would not have written so."""
    classes, single = facts["labels"]["classes"], facts["task"] == "single_label"
    labels = ["label"] if single else [f"label.{name}" for name in classes]
    readouts = ["", *(f"{name}." for name in facts["readouts"])]
    shares = [f"{readout}probability.{name}" for readout in readouts for name in classes]
    if not single:
        shares += labels
    whole = ["row", "record", "patient", "window", *(labels if single else [])]
    types = frame.schema
    for name in whole:
        if name not in types or not types[name].is_integer() or frame[name].null_count():
            return name
    for name in shares:
        if name not in types or not types[name].is_numeric() or not _all_between(frame[name], 0, 1):
            return name
    if single and not _all_between(frame["label"], 0, len(classes) - 1):
        return "label"
    return _wrong_beside(frame, types)


def _wrong_beside(frame: pl.DataFrame, types: Mapping[str, pl.DataType]) -> str | None:
    if types.get("split") != pl.String or not {"val", "test"} <= set(frame["split"].unique()):
        return "split"
    if types.get("has_report") != pl.Boolean or frame["has_report"].null_count():
        return "has_report"
    if "gate" not in types or not types["gate"].is_numeric() or not _all_between(frame["gate"].drop_nulls(), 0, 1):
        return "gate"
    for name in ("missing_share", "flat_leads"):  # runs of old have neither
        if name in types and not (types[name].is_numeric() and frame[name].drop_nulls().is_finite().all()):
            return name
    return None


def _all_between(values: pl.Series, low: float, high: float) -> bool:
    """Whether there is no null, no NaN and nothing outside."""
    return not values.null_count() and bool(values.cast(pl.Float64).is_between(low, high).all())
