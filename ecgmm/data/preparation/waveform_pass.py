"""The waveform pass: units are done or taken from the journals, and their results put together for each store."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from ecgmm.data.preparation.lead_statistics import LeadSums
from ecgmm.data.preparation.unit_pass import Result, do_unit
from ecgmm.data.preparation.units import Unit
from ecgmm.data.preparation.waveform_plan import WaveformPlan
from ecgmm.data.preparation.workers import Workers
from ecgmm.data.sources.drops import dropped_table
from ecgmm.data.store.journal import Journal
from ecgmm.leads import N_LEADS
from ecgmm.progress import run_with_progress
from ecgmm.signal.scan import scan, to_lead_major


@dataclass
class Gathered:
    """Results of the pass for one store.

    Attributes:
        journal: Knows the units that an earlier call finished, and is told of the others.
        sums: Lead sums of the training records, to which those of the plan are added.
        results: Of all units so far.
    """

    journal: Journal
    sums: LeadSums
    results: list[Result] = field(default_factory=list)

    def has(self, key: str) -> bool:
        """Take the result of a unit from the journal, if it is there."""
        content = self.journal.find(key)
        if content is not None:
            self._keep(Result.unpack(content))
        return content is not None

    def add(self, key: str, result: Result) -> None:
        """Take the result of a unit, and tell the journal."""
        self.journal.add(key, result.pack())
        self._keep(result)

    def _keep(self, result: Result) -> None:
        self.results.append(result)
        self.sums.add(result.sums)

    def rows(self) -> pl.DataFrame:
        """Columns of ``Result.rows`` of all rows written, in order of their slots."""
        parts = [result.rows for result in self.results if result.rows]
        if not parts:
            return pl.DataFrame(schema={"record": pl.Int64})
        return pl.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]}).sort("slot")

    def dropped(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Records dropped on the way, as ``drops.dropped_table`` makes them; ``frame`` knows the paths."""
        drops = [drop for result in self.results for drop in result.drops()]
        records = pl.DataFrame({"record": [record for record, _ in drops]}, schema={"record": pl.Int64})
        paths = records.join(frame.select("record", "path"), on="record", how="left", maintain_order="left")
        return dropped_table(paths, [reason for _, reason in drops])


def read_waveforms(plan: WaveformPlan, stores: Sequence[Gathered], workers: Workers) -> None:
    """Read the waveforms of a plan into the files of its stores; of each unit, for those only that lack it.

    Args:
        plan: The records to read.
        stores: Take the results, one for each form of the plan.
        workers: Processes that read.
    """
    rates = " and ".join(f"{form.rate_hz:g} Hz" for form in plan.forms)
    run_with_progress(_chunks(plan, stores, workers), plan.usable.frame.height, f"waveforms at {rates}")


def _chunks(plan: WaveformPlan, stores: Sequence[Gathered], workers: Workers) -> Iterator[int]:
    finished: list[int] = []
    waiting: deque[tuple[int, list[tuple[Gathered, str]]]] = deque()

    def rest() -> Iterator[Unit]:
        for unit in plan.units():
            keys = [unit.key(destination.slots) for destination in unit.destinations]
            lacking = [n for n, (store, key) in enumerate(zip(stores, keys, strict=True)) if not store.has(key)]
            if lacking:
                waiting.append((len(unit.records), [(stores[n], keys[n]) for n in lacking]))
                yield replace(unit, destinations=[unit.destinations[n] for n in lacking])
            else:
                finished.append(len(unit.records))

    for results in workers.run(do_unit, rest()):
        n_records, takers = waiting.popleft()
        for (store, key), result in zip(takers, results, strict=True):
            store.add(key, result)
        yield n_records + sum(finished)
        finished.clear()


def warm_up() -> None:
    """Compile what a unit runs, before there is one."""
    block = np.zeros((1, N_LEADS, 100), dtype=np.int16)
    to_lead_major(np.zeros((1, 100, N_LEADS), dtype=np.int16), tuple(range(N_LEADS)), block)
    scan(block, 1000, 500.0)
