"""From a raw tree to a store: index, header pass, split, waveform pass, tables, manifest.

Paper, section 4.2: checks of the index, alignment of waveform and text one by one, fixed windows, consistent lead
order, a split fixed once. What depends on training (repair, normalisation) happens on the device later.
"""

import json
from pathlib import Path

import polars as pl

from ecgmm.data.preparation.header_pass import count_readers, read_headers
from ecgmm.data.preparation.lead_statistics import LeadSums
from ecgmm.data.preparation.manifest import make_manifest, print_summary
from ecgmm.data.preparation.opening import check_same_parameters, is_there, store_path
from ecgmm.data.preparation.records import check_records, known_rows, make_tables, with_splits
from ecgmm.data.preparation.units import Form, n_window_samples
from ecgmm.data.preparation.waveform_pass import WaveformPass, warm_up
from ecgmm.data.preparation.waveform_plan import WaveformPlan
from ecgmm.data.preparation.workers import Workers, choose_n_processes
from ecgmm.data.sources.drops import CURES
from ecgmm.data.sources.source import DataConfig, SourceIndex
from ecgmm.data.sources.tree_reading import is_root
from ecgmm.data.store.journal import boot_id
from ecgmm.data.store.partial_store import PartialStore, settle
from ecgmm.data.store.reports import distinct_reports
from ecgmm.data.store.rows import check_all_rows
from ecgmm.data.store.splits import check_splits
from ecgmm.data.store.store import DROPPED, EVIDENCE, REPORTS, SCHEMA_VERSION, Store
from ecgmm.errors import DataError
from ecgmm.locks import one_process

_WORK_VERSION = 4
"""Version of the results in the journal; work of another version is begun anew."""


_COMPLETE = "check that the tree is complete and is what data names"


def prepare_store(config: DataConfig) -> Path:
    """Make the store that the settings describe, or add to the one that is there what its source has in addition.

    Whenever it is killed, the next call goes on, and the store is the same, byte for byte.

    Args:
        config: The settings of a source.

    Returns:
        Folder of the complete store.

    Raises:
        DataError: If the raw tree cannot be used, no record or an empty split remains, or the disk is full.
        ConfigError: If the settings contradict one another or the store that is there.
    """
    path = store_path(config)
    with one_process(path, "prepares"):
        settle(path)
        if not is_there(path):
            _prepare(config, path, None)
        else:
            base = Store.open(path)
            check_same_parameters(base, config)
            check_all_rows(base)
            if config.root is not None and is_root(Path(config.root).expanduser().resolve()):
                _prepare(config, path, base)
    return path


def _prepare(config: DataConfig, path: Path, base: Store | None) -> None:
    """Make a store, or with ``base`` the same with more rows if the source has more."""
    index = config.read_index()
    frame, dropped = with_splits(config, index)
    known = pl.DataFrame(schema={"record": pl.Int64}) if base is None else known_rows(base, frame)
    new = frame.join(known, on="record", how="anti", maintain_order="left")
    with Workers(choose_n_processes(config.n_processes, new.height), warm_up) as workers:
        listed = new if index.compare_times else new.with_columns(time=pl.lit(None, dtype=pl.Datetime("us")))
        usable = read_headers(
            config.root_path,
            listed,
            index.native_rate_hz,
            workers,
            config.reader,
            config.follow_links,
            config.readers,
        )
        dropped = pl.concat([dropped, usable.dropped])
        if base is None and not usable.frame.height:
            raise _nothing_left(config, dropped)
        same_tables = base is not None and base.manifest["source"]["sha256"] == index.csv_sha256
        if same_tables and not usable.frame.height:
            return
        is_usable = pl.col("record").is_in(usable.frame["record"].implode())
        kept = frame.filter(is_usable | pl.col("record").is_in(known["record"].unique().implode()))
        check_splits(kept)
        reports = distinct_reports(kept["statements"], config.text.min_words)
        has_report = (reports.of_record >= 0)[kept.select(is_usable).to_series().to_numpy()]
        with PartialStore(path, n_window_samples(config), _made_for(config, index, base), base) as store:
            form = Form.of(config, str(store.waveforms))
            plan = WaveformPlan(usable, has_report, config.root_path, known.height, form)
            store.reserve(plan.end)
            sums = LeadSums.zero() if base is None else LeadSums(**base.manifest["lead_sums"])
            reading = WaveformPass(plan, store.journal, sums)
            reading.run(workers)
            workers.stop()  # their memory is free for the tables
            dropped = pl.concat([dropped, reading.dropped()])
            rows = reading.rows()
            if not rows.height and (base is None or same_tables):
                store.discard()
                if base is None:
                    raise _nothing_left(config, dropped)
                return  # what could be read is in the store, and what else there is cannot be read
            readers = _with_those_before(count_readers(usable, rows["record"]), base)
            rows = _numbered(known, rows, store)
            records, numbered = make_tables(config, kept, reports, rows)
            check_records(records)
            evidence, dropped = index.evidence_table(), dropped.sort("reason", "path", "record")
            manifest = make_manifest(
                config, index, records, evidence, form.n_times, dropped, numbered.counts, sums, readers
            )
            store.finish(records, {REPORTS: numbered.table, EVIDENCE: evidence, DROPPED: dropped}, manifest)
    print_summary(manifest)


def _made_for(config: DataConfig, index: SourceIndex, base: Store | None) -> str:
    """Key of the journal: all that decides the store besides the headers, which are part of each unit's key."""
    begun_from = None if base is None else base.fingerprint
    return json.dumps(
        [SCHEMA_VERSION, _WORK_VERSION, boot_id(), config.parameters(), index.csv_sha256, begun_from], sort_keys=True
    )


def _with_those_before(readers: dict[str, int], base: Store | None) -> dict[str, int]:
    """Numbers of kept records by reader, those of the store to which records are added among them."""
    if base is None:
        return readers
    before = base.manifest["readers"]
    return {name: before.get(name, 0) + readers.get(name, 0) for name in sorted({*before, *readers})}


def _numbered(known: pl.DataFrame, new: pl.DataFrame, store: PartialStore) -> pl.DataFrame:
    """All rows of the store in their order, after gaps that dropped records left were closed."""
    if not new.height:
        return known.drop("row")
    places = store.close_gaps(new["slot"].to_numpy(), known.height)
    new = new.with_columns(row=pl.Series(places, dtype=pl.Int64)).drop("slot")
    rows = pl.concat([known, new.select(known.columns)]) if known.height else new
    return rows.sort("row").drop("row")


def _nothing_left(config: DataConfig, dropped: pl.DataFrame) -> DataError:
    counts = dropped["reason"].value_counts(sort=True)
    reason, count = counts.row(0) if counts.height else ("empty table", 0)
    cure = next((words for known, words in CURES.items() if known == reason), _COMPLETE)
    return DataError(f"no record of {config.root_path} can be used (most often: {reason}, {count} records); {cure}")
