"""The tables of a store: the index and the findings of the waveform pass, side by side."""

import polars as pl

from ecgmm.data.sources.drops import Drop, dropped_table
from ecgmm.data.sources.source import DataConfig, SourceIndex
from ecgmm.data.store.measurements import PREFIX
from ecgmm.data.store.persons import PERSON_COLUMNS, person_columns
from ecgmm.data.store.reports import DistinctReports, NumberedReports, reports_of_rows
from ecgmm.data.store.splits import check_splits, patient_ranks, split_by_fold, split_by_patient
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError
from ecgmm.leads import N_LEADS

_MUST_STAY = ("patient", "time", "split")
_OF_THE_INDEX = ("record", "patient", "time", "split", "fraction_rank", "report", "has_waveform", *PERSON_COLUMNS)


def with_splits(config: DataConfig, index: SourceIndex) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Index with the column split: the source's own, that of its folds where the settings name folds, or by patient.

    Returns:
        The records of the splits, and the records dropped so far, as ``drops.dropped_table`` makes them.
    """
    frame = index.frame
    if "split" in frame.columns:
        splits = frame["split"].to_numpy()
    elif config.chosen_folds is not None:
        splits = split_by_fold(frame["fold"].fill_null(-1).to_numpy(), config.chosen_folds)
    else:
        splits = split_by_patient(frame["patient"].to_numpy(), config.split)
    frame = frame.with_columns(split=pl.Series(splits, dtype=pl.String))
    unused = pl.col("split") == ""
    return frame.filter(~unused), pl.concat([index.dropped, dropped_table(frame.filter(unused), Drop.FOLD_UNUSED)])


def known_rows(base: Store, frame: pl.DataFrame) -> pl.DataFrame:
    """Columns that a store knows of its rows by itself: record, row, window, and the columns of ``quality_columns``.

    Args:
        base: The store.
        frame: The source's index, with splits.

    Raises:
        ConfigError: If the source no longer says of a record what it said when the store was made.
    """
    now = base.records.select("record", *_MUST_STAY).join(
        frame.select("record", *_MUST_STAY), on="record", how="left", suffix="_now", maintain_order="left"
    )
    changed = now.filter(pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_now")) for name in _MUST_STAY))
    if changed.height:
        raise ConfigError(
            f"{base.path} holds {changed['record'].n_unique()} records that data.root no longer lists with the same"
            " patient, time and split; only additions can be taken up: name another folder as data.store, or remove it"
        )
    own = [name for name in base.records.columns if name not in _OF_THE_INDEX and "." not in name]
    return base.records.select("record", *own).with_row_index("row").cast({"row": pl.Int64})


def make_tables(
    config: DataConfig, frame: pl.DataFrame, reports: DistinctReports, rows: pl.DataFrame
) -> tuple[pl.DataFrame, NumberedReports]:
    """Put the store's tables together.

    Args:
        config: The settings.
        frame: The index's records that are in the store, with splits.
        reports: Their reports.
        rows: The rows of the store in order: record, window, and the columns of ``quality_columns``.

    Returns:
        ``records.parquet``, and the numbered reports.
    """
    places = rows.select("record").join(
        frame.select("record").with_row_index("place"), on="record", how="left", maintain_order="left"
    )["place"]
    numbered = reports_of_rows(reports, places.to_numpy())
    measurements = [column for column in frame.columns if column.startswith(PREFIX)]
    of_the_index = frame.select("patient", "time", "split", *measurements)[places]
    persons = person_columns(frame)[places]
    own = pl.DataFrame(
        {
            "fraction_rank": patient_ranks(of_the_index["patient"].to_numpy(), config.split.seed, "fraction"),
            "report": numbered.report_of_row,
            "has_waveform": rows["flat_leads"] < N_LEADS,
        }
    )
    of_the_waveform = [name for name in rows.columns if name not in ("record", "window")]
    first = ["record", "patient", "time", "window", "split", "fraction_rank", "report", "has_waveform"]
    columns = [*first, *of_the_waveform, *PERSON_COLUMNS, *measurements]
    return pl.concat([rows, of_the_index, persons, own], how="horizontal").select(columns), numbered


def check_records(records: pl.DataFrame) -> None:
    """Check the table against ``records_schema`` and its splits against ``check_splits``."""
    from ecgmm.data.preparation.records_schema import (
        records_schema,  # pandera takes a second that an existing store need not wait
    )

    measurements = [column for column in records.columns if column.startswith(PREFIX)]
    records_schema(measurements).validate(records, lazy=True)
    check_splits(records)
