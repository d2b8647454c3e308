"""One reading of a source's records for all stores that lack them: header pass, waveform pass, tables, manifests."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import polars as pl

from ecgmm.data.preparation.header_pass import Usable, count_readers, read_headers
from ecgmm.data.preparation.manifest import make_manifest, print_summary
from ecgmm.data.preparation.records import check_records, make_tables
from ecgmm.data.preparation.units import Form, Reading, n_window_samples
from ecgmm.data.preparation.wanted import Wanted
from ecgmm.data.preparation.waveform_pass import Gathered, read_waveforms, warm_up
from ecgmm.data.preparation.waveform_plan import WaveformPlan
from ecgmm.data.preparation.workers import Workers, choose_n_processes
from ecgmm.data.sources.drops import CURES
from ecgmm.data.sources.source import DataConfig, SourceIndex
from ecgmm.data.store.partial_store import PartialStore, reserve
from ecgmm.data.store.reports import DistinctReports, distinct_reports
from ecgmm.data.store.splits import check_splits
from ecgmm.data.store.store import DROPPED, EVIDENCE, REPORTS
from ecgmm.errors import DataError

_COMPLETE = "check that the tree is complete and is what data names"


@dataclass(frozen=True)
class _Found:
    """What is the same for all stores.

    Attributes:
        kept: The index's records that were kept so far, with splits.
        reports: Their reports.
        usable: Those of them that are read now.
        dropped: The records dropped so far, as ``drops.dropped_table`` makes them.
    """

    kept: pl.DataFrame
    reports: DistinctReports
    usable: Usable
    dropped: pl.DataFrame


def read_together(wanted: Sequence[Wanted], frame: pl.DataFrame, dropped: pl.DataFrame) -> None:
    """Read the records that some stores lack, each once, and finish the stores.

    Args:
        wanted: The stores, which know the same records, from one index.
        frame: The records of the index that are in a split, as ``records.with_splits`` gives them.
        dropped: Those dropped so far.

    Raises:
        DataError: As ``prepare_stores``.
    """
    first = wanted[0]
    config, known = first.config, first.known.select("record").unique()
    new = frame.join(known, on="record", how="anti", maintain_order="left")
    with Workers(choose_n_processes(config.n_processes, new.height), warm_up) as workers:
        usable = _with_headers(config, first.index, new, workers)
        dropped = pl.concat([dropped, usable.dropped])
        if first.base is None and not usable.frame.height:
            raise _nothing_left(config, dropped)
        rest = [one for one in wanted if usable.frame.height or not one.has_the_tables]
        if not rest:
            return
        is_usable = pl.col("record").is_in(usable.frame["record"].implode())
        kept = frame.filter(is_usable | pl.col("record").is_in(known["record"].implode()))
        check_splits(kept)
        reports = distinct_reports(kept["statements"], config.text.min_words)
        has_report = (reports.of_record >= 0)[kept.select(is_usable).to_series().to_numpy()]
        with ExitStack() as opened:
            stores = [opened.enter_context(one.begin()) for one in rest]
            forms = [Form.of(one.config, str(store.waveforms)) for one, store in zip(rest, stores, strict=True)]
            first_slots = [one.known.height for one in rest]
            plan = WaveformPlan(usable, has_report, config.root_path, Reading.of(config), forms, first_slots)
            reserve(dict(zip(stores, plan.ends, strict=True)))
            gathered = [Gathered(store.journal, one.sums()) for one, store in zip(rest, stores, strict=True)]
            read_waveforms(plan, gathered, workers)
            workers.stop()  # their memory is free for the tables
            found = _Found(kept, reports, usable, dropped)
            made = [_finish(*parts, found) for parts in zip(rest, stores, gathered, strict=True)]
    if first.base is None and not all(made):
        raise _nothing_left(config, pl.concat([dropped, gathered[made.index(False)].dropped(usable.frame)]))


def _with_headers(config: DataConfig, index: SourceIndex, new: pl.DataFrame, workers: Workers) -> Usable:
    listed = new if index.compare_times else new.with_columns(time=pl.lit(None, dtype=pl.Datetime("us")))
    return read_headers(
        config.root_path,
        listed,
        index.native_rate_hz,
        workers,
        config.reader,
        config.follow_links,
        config.readers,
    )


def _finish(one: Wanted, store: PartialStore, gathered: Gathered, found: _Found) -> bool:
    """Make the tables of a store and put it in its place; False where no record is left that it lacks."""
    rows = gathered.rows()
    if not rows.height and (one.base is None or one.has_the_tables):
        store.discard()
        return False  # what could be read is in the store, and what else there is cannot be read
    dropped = pl.concat([found.dropped, gathered.dropped(found.usable.frame)]).sort("reason", "path", "record")
    readers = one.with_those_before(count_readers(found.usable, rows["record"]))
    records, numbered = make_tables(one.config, found.kept, found.reports, one.numbered(rows, store))
    check_records(records)
    evidence, n_times = one.index.evidence_table(), n_window_samples(one.config)
    manifest = make_manifest(
        one.config, one.index, records, evidence, n_times, dropped, numbered.counts, gathered.sums, readers
    )
    store.finish(records, {REPORTS: numbered.table, EVIDENCE: evidence, DROPPED: dropped}, manifest)
    print_summary(manifest)
    return True


def _nothing_left(config: DataConfig, dropped: pl.DataFrame) -> DataError:
    counts = dropped["reason"].value_counts(sort=True)
    reason, count = counts.row(0) if counts.height else ("empty table", 0)
    cure = next((words for known, words in CURES.items() if known == reason), _COMPLETE)
    return DataError(f"no record of {config.root_path} can be used (most often: {reason}, {count} records); {cure}")
