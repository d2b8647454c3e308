"""``predictions.parquet``: one row per window, with ids of patients and so for its owner's eyes alone.

Columns: ``row`` of the store; record, patient, window, split, missing_share and flat_leads of the recording; ``label``,
or ``label.<class>`` for multi-label; ``probability.<class>`` of the method and ``<readout>.probability.<class>`` of its
readouts; ``gate`` and ``has_report``; ``inconsistency``, the higher, the more doubtful that report and waveform belong
together, null where the method has none or the record lacks one of the two (runs of earlier versions lack the column).
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.errors import DataError, printable
from ecgmm.evaluation.metrics import TaskKind
from ecgmm.evaluation.ranking import Floats
from ecgmm.files import inside, whole_file
from ecgmm.runs.facts import RunFacts
from ecgmm.runs.metrics import EVALUATIONS, Metrics
from ecgmm.runs.reading import CURE, Written, read_file

PREDICTIONS = "predictions.parquet"
HELD_OUT = "held_out.parquet"
"""The same columns for the part of the training patients that a run left out (setting ``held_out``)."""
QUALITY = ("missing_share", "flat_leads")
"""Columns on the quality of the recording; runs of earlier versions lack them."""
OF_THE_RECORD = ("record", "patient", "window", "split", *QUALITY)
"""Columns that come from the store's records."""

_MOST_BYTES = 4 << 30
_MOST_CELLS = 2_000_000_000


def label_names(class_names: Sequence[str], task: TaskKind) -> list[str]:
    """Columns that hold the labels."""
    return ["label"] if task == "single_label" else [f"label.{name}" for name in class_names]


def probability_names(readout: str, class_names: Sequence[str]) -> list[str]:
    """Columns that hold the probabilities of the classes, of a readout or of the method itself (an empty name)."""
    prefix = f"{readout}." if readout else ""
    return [f"{prefix}probability.{name}" for name in class_names]


def readouts_in(frame: pl.DataFrame) -> list[str]:
    """Names of the readouts that a table of predictions holds."""
    return list(dict.fromkeys(name.split(".")[0] for name in frame.columns if ".probability." in name))


def without_readouts(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The table without the columns of some readouts."""
    return frame.drop(name for name in frame.columns if name.split(".")[0] in names)


def labels_and_probabilities(
    frame: pl.DataFrame, class_names: Sequence[str], task: TaskKind, readout: str = ""
) -> tuple[NDArray[Any], Floats]:
    """Arrays of a table of predictions.

    Args:
        frame: The table.
        class_names: The K classes.
        task: ``single_label`` or ``multi_label``.
        readout: Whose probabilities; the method's own under an empty name.

    Returns:
        Class numbers ``[n]``, or labels ``[n, K]`` of a multi-label task; and probabilities ``[n, K]``.
    """
    probabilities = frame.select(probability_names(readout, class_names)).to_numpy().astype(np.float64)
    labels = frame.select(label_names(class_names, task)).to_numpy()
    return (labels[:, 0] if task == "single_label" else labels), probabilities


def with_probabilities(frame: pl.DataFrame, columns: Sequence[str], probabilities: Floats) -> pl.DataFrame:
    """The table with other probabilities ``[n, K]`` in the columns of ``probability_names``."""
    return frame.with_columns(
        pl.Series(name, probabilities[:, k]).cast(frame.schema[name]).clip(0, 1) for k, name in enumerate(columns)
    )


def records_of(frame: pl.DataFrame, split: str) -> pl.DataFrame:
    """Predictions of a split, one row per record, see ``average_windows``."""
    return average_windows(frame.filter(pl.col("split") == split))


def average_windows(frame: pl.DataFrame) -> pl.DataFrame:
    """Bring the predictions of sliding windows to one row per record: what was predicted is averaged over windows.

    Returns:
        The same columns, one row for each record of each split, in order of ``row``; ``row`` and ``window`` are those
        of the record's first window.
    """
    frame = frame.sort("row")
    if not frame.select(pl.struct("split", "record").is_duplicated().any()).item():
        return frame
    averaged = list(filter(_is_predicted, frame.columns))
    rest = [name for name in frame.columns if name not in (*averaged, "split", "record")]
    windows = frame.group_by("split", "record", maintain_order=True)
    return windows.agg(pl.col(rest).first(), pl.col(averaged).mean()).select(frame.columns)


def refuse_not_finite(frame: pl.DataFrame, cure: str) -> None:
    """Refuse predictions that are no numbers.

    Raises:
        DataError: Ending with the cure, if a probability, a gate or an inconsistency is not finite.
    """
    for name in filter(_is_predicted, frame.columns):
        if not frame[name].cast(pl.Float64).drop_nulls().is_finite().all():
            raise DataError(f"the model predicts values that are not finite (column {printable(name)}); {cure}")


def _is_predicted(column: str) -> bool:
    return column in ("gate", "inconsistency") or "probability." in column


def write_predictions(path: Path, frame: pl.DataFrame) -> None:
    """Write the table, for its owner's eyes alone."""
    with whole_file(path, private=True) as file:
        frame.write_parquet(file)


def read_predictions(directory: Path, facts: RunFacts) -> pl.DataFrame:
    """Read the predictions of a finished run.

    Args:
        directory: The run directory.
        facts: Its ``run.json``: classes, task and readouts decide the columns.

    Raises:
        DataError: If the file cannot be used: it holds no table, another one than the run wrote, values that no
            prediction has, or no test records.
    """
    columns = _Columns(facts.labels.classes, facts.task, list(facts.readouts), {"val"})
    frame = _read(directory, PREDICTIONS, columns, facts.files)
    if "test" not in frame["split"].unique():
        raise DataError(
            f"{printable(directory)} was measured on its validation records alone (measured_split=val, as trials of a "
            "search are); tables and figures need a run that was measured on its test records"
        )
    return frame


def read_held_out(directory: Path, facts: RunFacts) -> pl.DataFrame:
    """Read the predictions of the training patients that a finished run left out.

    Args:
        directory: The run directory.
        facts: Its ``run.json``.

    Raises:
        DataError: As ``read_predictions``, or if the run left out none.
    """
    if facts.held_out is None:
        raise DataError(f"{printable(directory)} left no part of the training out; train with +experiment=label_review")
    return _read(directory, HELD_OUT, _Columns(facts.labels.classes, facts.task, [], {"train"}), facts.files)


def read_evaluated(directory: Path, name: str, metrics: Metrics) -> pl.DataFrame:
    """Read the predictions beside a file of ``evaluation/``.

    Args:
        directory: The run directory.
        name: Of the file, without its ending.
        metrics: Content of the file: classes, task and readouts decide the columns.

    Raises:
        DataError: As ``read_predictions``, or if it holds other records than were measured.
    """
    columns = _Columns(metrics.classes, metrics.task, list(metrics.readouts), set())
    name = f"{EVALUATIONS}/{name}.parquet"
    frame = _read(directory, name, columns, {})
    if frame.select(pl.struct("split", "record").n_unique()).item() != metrics.n_records:
        raise DataError(
            f"{printable(inside(directory, *name.split('/')))} does not hold the records that were measured;"
            " evaluate the run again"
        )
    return frame


class _Columns(NamedTuple):
    """What decides the columns of a table of predictions, and the splits that it must hold."""

    classes: Sequence[str]
    task: TaskKind
    readouts: Sequence[str]
    splits: set[str]


def _read(directory: Path, name: str, columns: _Columns, known: Mapping[str, Written]) -> pl.DataFrame:
    path = inside(directory, *name.split("/"))
    content = read_file(directory, name, _MOST_BYTES, known)
    damaged = DataError(f"{printable(path)} is damaged: it holds no table of predictions of this run; {CURE}")
    try:
        lazy = pl.scan_parquet(io.BytesIO(content))
        n_columns = len(lazy.collect_schema())
        if lazy.select(pl.len()).collect().item() * n_columns > _MOST_CELLS:
            raise damaged
        frame = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError, MemoryError):
        raise damaged from None
    wrong = _wrong_column(frame, columns)
    if wrong is not None:
        raise DataError(
            f"{printable(path)} is damaged: column {printable(wrong)} is missing or not as a run writes it; {CURE}"
        )
    return frame


def _wrong_column(frame: pl.DataFrame, columns: _Columns) -> str | None:
    """The first column that a run would not have written so."""
    classes, single = columns.classes, columns.task == "single_label"
    labels = label_names(classes, columns.task)
    shares = [name for readout in ("", *columns.readouts) for name in probability_names(readout, classes)]
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
    return _wrong_beside(frame, types, columns.splits)


def _wrong_beside(frame: pl.DataFrame, types: Mapping[str, pl.DataType], splits: set[str]) -> str | None:
    if types.get("split") != pl.String or not splits <= set(frame["split"].unique()):
        return "split"
    if types.get("has_report") != pl.Boolean or frame["has_report"].null_count():
        return "has_report"
    if "gate" not in types or not types["gate"].is_numeric() or not _all_between(frame["gate"].drop_nulls(), 0, 1):
        return "gate"
    for name in (*QUALITY, "inconsistency"):
        if name in types and not (types[name].is_numeric() and frame[name].drop_nulls().is_finite().all()):
            return name
    return None


def _all_between(values: pl.Series, low: float, high: float) -> bool:
    """Whether there is no null, no NaN and nothing outside."""
    return not values.null_count() and bool(values.cast(pl.Float64).is_between(low, high).all())
