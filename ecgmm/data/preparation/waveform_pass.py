"""The waveform pass: units are done or taken from the journal, and their results put together."""

from collections import deque
from collections.abc import Iterator
from functools import partial

import numpy as np
import polars as pl

from ecgmm.data.preparation.lead_statistics import LeadSums
from ecgmm.data.preparation.units import Result, Unit, do_unit
from ecgmm.data.preparation.waveform_plan import WaveformPlan
from ecgmm.data.preparation.workers import Workers
from ecgmm.data.sources.drops import dropped_table
from ecgmm.data.store.journal import Journal
from ecgmm.leads import N_LEADS
from ecgmm.progress import run_with_progress
from ecgmm.signal.scan import scan, to_lead_major


class WaveformPass:
    """Reading of the waveforms of a plan into the store's file.

    Args:
        plan: The records to read.
        journal: Knows the units that an earlier call finished, and is told of the others.
        sums: Lead sums of the training records, to which those of the plan are added.
    """

    def __init__(self, plan: WaveformPlan, journal: Journal, sums: LeadSums) -> None:
        self._plan, self._journal, self._sums = plan, journal, sums
        self._results: list[Result] = []

    def run(self, workers: Workers) -> None:
        """Do what is not done yet."""
        run_with_progress(self._chunks(workers), self._plan.usable.frame.height, "waveforms")

    def _chunks(self, workers: Workers) -> Iterator[int]:
        finished: list[int] = []
        keys: deque[tuple[str, int]] = deque()

        def rest() -> Iterator[Unit]:
            for unit in self._plan.units():
                key = unit.key()
                content = self._journal.find(key)
                if content is None:
                    keys.append((key, len(unit.records)))
                    yield unit
                else:
                    self._keep(Result.unpack(content))
                    finished.append(len(unit.records))

        for result in workers.run(partial(do_unit, form=self._plan.form), rest()):
            key, n_records = keys.popleft()
            self._journal.add(key, result.pack())
            self._keep(result)
            yield n_records + sum(finished)
            finished.clear()

    def _keep(self, result: Result) -> None:
        self._results.append(result)
        self._sums.add(result.sums)

    def rows(self) -> pl.DataFrame:
        """Columns of ``Result.rows`` of all rows written, in order of their slots."""
        parts = [result.rows for result in self._results if result.rows]
        if not parts:
            return pl.DataFrame(schema={"record": pl.Int64})
        return pl.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]}).sort("slot")

    def dropped(self) -> pl.DataFrame:
        """Records dropped on the way, as ``drops.dropped_table`` makes them."""
        drops = [drop for result in self._results for drop in result.drops()]
        records = pl.DataFrame({"record": [record for record, _ in drops]}, schema={"record": pl.Int64})
        paths = records.join(
            self._plan.usable.frame.select("record", "path"), on="record", how="left", maintain_order="left"
        )
        return dropped_table(paths, [reason for _, reason in drops])


def warm_up() -> None:
    """Compile what a unit runs, before there is one."""
    block = np.zeros((1, N_LEADS, 100), dtype=np.int16)
    to_lead_major(np.zeros((1, 100, N_LEADS), dtype=np.int16), tuple(range(N_LEADS)), block)
    scan(block, 1000, 500.0)
