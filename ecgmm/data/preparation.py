"""From a raw tree to a store: index, header pass, split, waveform pass, tables, manifest.

Paper, section 4.2: checks of the index, alignment of waveform and text one by one, fixed windows, consistent lead
order, a split fixed once. What depends on training (repair, normalisation) happens on the device later.
"""

import hashlib
import json
from collections import Counter
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl
from hydra.utils import instantiate
from numpy.typing import NDArray
from omegaconf import DictConfig

from ecgmm.data.drops import Drop
from ecgmm.data.headers import CheckedHeaders, HeaderPass
from ecgmm.data.manifest import make_manifest, print_summary
from ecgmm.data.measurements import PREFIX
from ecgmm.data.progress import run_with_progress
from ecgmm.data.reports import CleanReport, NoReport, Reports, clean_reports, number_reports
from ecgmm.data.source import DataConfig, SourceIndex
from ecgmm.data.splits import check_splits, patient_ranks, split_by_fold, split_by_patient
from ecgmm.data.store import Store, StoreWriter, one_process
from ecgmm.data.waveform_pass import Inputs, Rows, WaveformPass, most_rows, n_window_samples
from ecgmm.errors import ConfigError, DataError
from ecgmm.leads import N_LEADS


def open_or_prepare(settings: DictConfig) -> Store:
    """Open the store that the configuration group ``data`` describes; prepare it first where there is none.

    Jobs of a sweep in one process get one opened store.

    Raises:
        UserError: As ``prepare_store``.
    """
    path = prepare_store(instantiate(settings, _convert_="all"))
    return _opened(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _opened(path: Path, made_ns: int) -> Store:
    """The open store; ``made_ns`` tells a store that was made anew from the one before."""
    return Store.open(path)


def store_path(config: DataConfig) -> Path:
    """Folder of the store: ``data.store``, or a name made from the settings: other settings are another store."""
    if config.store is not None:
        return Path(config.store).expanduser().resolve()
    settings = json.dumps(config.parameters(), sort_keys=True)
    digest = hashlib.sha256(settings.encode()).hexdigest()[:12]
    return Path(config.stores).expanduser().resolve() / f"{config.name}-{digest}"


def prepare_store(config: DataConfig) -> Path:
    """Make the store that the settings describe, unless it is there.

    Args:
        config: The settings of a source.

    Returns:
        Folder of the complete store.

    Raises:
        DataError: If the raw tree cannot be used, no record or an empty split remains, or the disk is full.
        ConfigError: If the settings contradict one another or the store that is there.
    """
    path = store_path(config)
    if not path.exists():
        with one_process(path.parent, "prepares"):
            if not path.exists():
                _prepare(config, path)
    check_same_parameters(Store.open(path), config)
    return path


def check_same_parameters(store: Store, config: DataConfig) -> None:
    """Check that a store was made with the settings.

    A root that is not set is not compared: a store can be used where its raw tree is not to be had.

    Raises:
        ConfigError: If it was not; names the first setting that differs.
    """
    wanted, found = config.parameters(), store.manifest["parameters"]
    for name in [*wanted, *(name for name in found if name not in wanted)]:
        if name == "root" and config.root is None:
            continue
        if wanted.get(name) != found.get(name):
            raise ConfigError(
                f"{store.path} was made with data.{name}={found.get(name)} and not {wanted.get(name)};"
                " set it so, or name another folder as data.store"
            )


def _prepare(config: DataConfig, path: Path) -> None:
    from ecgmm.data.records_schema import records_schema  # pandera takes a second that an existing store need not wait

    index = config.read_index()
    dropped = Counter(index.dropped)
    headers = _check_headers(config, index)
    usable = np.array([layout is not None for layout in headers.layouts], dtype=bool)
    dropped.update(str(reason.value) for reason in headers.reasons if reason is not None)
    frame = index.frame.filter(usable)
    splits = assign_splits(config, frame)
    dropped[Drop.FOLD_UNUSED] += int((splits == "").sum())
    usable[usable] = splits != ""
    frame = frame.with_columns(split=pl.Series(splits, dtype=pl.String)).filter(pl.col("split") != "")
    if not frame.height:
        _raise_nothing_left(config, dropped)
    check_splits(frame)
    reports = clean_reports(frame["statements"], config.text.min_words)
    inputs = _inputs(config, frame, headers, usable, reports)
    with StoreWriter(path, n_window_samples(config), most_rows(inputs.layouts, config)) as writer:
        reading = WaveformPass(config, inputs, writer)
        run_with_progress(reading.chunks(), frame.height, "waveforms")
        dropped += reading.dropped
        if not reading.any_rows:
            _raise_nothing_left(config, dropped)
        numbered = number_reports([reports[source] for source in reading.rows.source])
        measurements = [column for column in frame.columns if column.startswith(PREFIX)]
        label_columns = [column for labels in index.labels for column in labels.columns]
        records = _records(config, [*measurements, *label_columns], frame, reading.rows, numbered)
        records_schema(index.labels, measurements).validate(records, lazy=True)
        check_splits(records)
        manifest = make_manifest(
            config, index, records, n_window_samples(config), dict(dropped), numbered.counts, reading.statistics
        )
        writer.finish(records, numbered.table, manifest)
    print_summary(manifest)


def _check_headers(config: DataConfig, index: SourceIndex) -> CheckedHeaders:
    headers = HeaderPass(config.root_path, index.frame, index.native_rate_hz)
    run_with_progress(headers.chunks(), index.frame.height, "headers")
    return headers.found


def assign_splits(config: DataConfig, frame: pl.DataFrame) -> NDArray[np.str_]:
    """Split of each record: by the source's folds where the settings name folds, else by patient; empty for none."""
    if config.chosen_folds is not None:
        return split_by_fold(frame["fold"].fill_null(-1).to_numpy(), config.chosen_folds)
    return split_by_patient(frame["patient"].to_numpy(), config.split)


def _inputs(
    config: DataConfig,
    frame: pl.DataFrame,
    headers: CheckedHeaders,
    usable: NDArray[np.bool_],
    reports: list[CleanReport],
) -> Inputs:
    prefix = f"{config.root_path}/"
    return Inputs(
        paths=[prefix + path for path in frame["path"]],
        layouts=[layout for layout, use in zip(headers.layouts, usable, strict=True) if use and layout is not None],
        checksums=headers.checksums[usable],
        has_report=np.array([not isinstance(report, NoReport) for report in reports], dtype=bool),
        in_training=(frame["split"] == "train").to_numpy(),
    )


def _records(config: DataConfig, extra: list[str], frame: pl.DataFrame, rows: Rows, reports: Reports) -> pl.DataFrame:
    """The store's ``records.parquet``; ``extra`` columns of the index come last."""
    chosen: pl.DataFrame = frame.select("record", "patient", "time", "split", *extra)[rows.source.tolist()]
    own = pl.DataFrame(
        {
            "window": rows.window,
            "fraction_rank": patient_ranks(chosen["patient"].to_numpy(), config.split.seed, "fraction"),
            "report": reports.report_of_row,
            "has_waveform": rows.flat_leads < N_LEADS,
            "missing_share": rows.missing_share,
            "flat_leads": rows.flat_leads,
        }
    )
    first = ["record", "patient", "time", "window", "split", "fraction_rank", "report"]
    columns = [*first, "has_waveform", "missing_share", "flat_leads", *extra]
    return chosen.hstack(own).select(columns)


def _raise_nothing_left(config: DataConfig, dropped: Counter[str]) -> None:
    reason, count = dropped.most_common(1)[0] if dropped else ("empty table", 0)
    raise DataError(
        f"no record of {config.root_path} can be used (most often: {reason}, {count} records);"
        " check that the tree is complete and is what data names"
    )
