"""``history.csv``: one row per epoch of every stage, a column for each number that was logged."""

import io
import math
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from ecgmm.errors import DataError, printable
from ecgmm.files import inside
from ecgmm.runs.facts import MOST_BYTES
from ecgmm.runs.reading import CURE, Written, read_file

HISTORY = "history.csv"


def read_history(directory: Path, files: Mapping[str, Written]) -> pl.DataFrame:
    """``history.csv``: all columns float64; null where an epoch has no such number.

    Args:
        directory: The run directory.
        files: What ``run.json`` remembers of the files; nothing for a run that is not finished.

    Raises:
        DataError: If it cannot be used.
    """
    path = inside(directory, HISTORY)
    content = read_file(directory, HISTORY, MOST_BYTES, files)
    try:
        frame = pl.read_csv(io.BytesIO(content), infer_schema=False)
        numbers = frame.with_columns(pl.all().cast(pl.Float64, strict=True))
    except pl.exceptions.PolarsError:
        raise DataError(f"{printable(path)} is damaged: it is no table of numbers; {CURE}") from None
    if "epoch" not in numbers.columns or not numbers.height:
        raise DataError(f"{printable(path)} is damaged: it has no epochs; {CURE}")
    if not all(math.isfinite(epoch) for epoch in numbers["epoch"].fill_null(math.nan)):
        raise DataError(f"{printable(path)} is damaged: an epoch has no number; {CURE}")
    return numbers
