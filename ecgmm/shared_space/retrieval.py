"""The table of how well reports find their waveforms, and waveforms their reports, in the space of finished runs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgmm.errors import UserError
from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.ranking import Floats
from ecgmm.evaluation.replicates import replicated_estimates
from ecgmm.evaluation.retrieval import MEASURES, Ranked, chance, draw_pools, measures, rank_scores
from ecgmm.reporting.drawing import provenance
from ecgmm.reporting.subgroup_rows import rows_of
from ecgmm.reporting.table2_formats import markdown_list, markdown_table
from ecgmm.reporting.table2_sections import Section
from ecgmm.runs.run import Run
from ecgmm.shared_space.opening import open_run
from ecgmm.shared_space.pairs import RIGHT, Pairs, embed_pairs
from ecgmm.shared_space.tables import csv_of
from ecgmm.training.measured_records import MeasuredRecords

TO_REPORT, TO_WAVEFORM = DIRECTIONS = ("waveform → report", "report → waveform")
RESAMPLES, SEED = 1000, 0
POOL, POOLS = 100, 100


@dataclass(frozen=True)
class Wishes:
    """What is looked for, and how it is measured.

    Attributes:
        pool: Records in a small pool.
        n_pools: Number of small pools.
        n_resamples: Patient resamples.
        seed: Of pools and resamples.
    """

    pool: int = POOL
    n_pools: int = POOLS
    n_resamples: int = RESAMPLES
    seed: int = SEED


@dataclass(frozen=True)
class Found:
    """One line of the table.

    Attributes:
        row: Name of the row.
        direction: One of ``DIRECTIONS``.
        right: One of ``pairs.RIGHT``.
        among: Items of a gallery, such as ``100`` or ``all 612``.
        values: Each of ``MEASURES`` with its interval.
        chance: Each of them in a random order.
        n_queries: Queries for which something is right.
    """

    row: str
    direction: str
    right: str
    among: str
    values: dict[str, Estimate]
    chance: dict[str, float]
    n_queries: int


@dataclass(frozen=True)
class Retrieval:
    """Retrieval of some runs.

    Attributes:
        runs: Those measured.
        found: All lines.
        without: Names of methods without a shared space.
        measured: Words for the records.
        wishes: How it was measured.
    """

    runs: list[Run]
    found: list[Found]
    without: list[str]
    measured: str
    wishes: Wishes

    def section(self) -> Section:
        """The table."""
        head = ("Method", "From → to", "Right is", "Among", *(f"{name} (chance)" for name in MEASURES))
        lines = [(one.row, one.direction, one.right, one.among, *_cells(one)) for one in self.found]
        return Section("Retrieval", head, lines)

    def notes(self) -> list[str]:
        """How to read the table."""
        wishes = self.wishes
        left_out = f" No space in common, left out: {', '.join(self.without)}." if self.without else ""
        return [
            f"{provenance(self.runs, self.measured)}{left_out}",
            f"Behind a number: 95 % interval over patients of the queries ({wishes.n_resamples:,} resamples), with"
            " several seeds over training again too; in brackets what a random order gives, exactly.",
            "Reports of equal words are one item, and of the waveforms of such a report one stands in the gallery. A"
            " report looks for each of its waveforms in turn and counts once however many it has. same class, same"
            " findings (the same set by the rule table): the best ranked right item counts, the own one among them.",
            f"Among {wishes.pool}: mean over {wishes.n_pools} random pools of different reports with one record each"
            f" (seed {wishes.seed}). Equal scores: the mean rank.",
        ]

    def to_markdown(self) -> str:
        """The table with its notes."""
        return f"# Retrieval\n\n{markdown_table(self.section())}\n\n{markdown_list(self.notes())}\n"

    def to_csv(self) -> str:
        """One line a number, unrounded."""
        lines = [
            (
                one.row,
                one.direction,
                one.right,
                one.among,
                one.n_queries,
                name,
                e.value,
                e.low,
                e.high,
                one.chance[name],
            )
            for one in self.found
            for name, e in one.values.items()
        ]
        head = ("row", "direction", "right", "among", "queries", "measure", "value", "low", "high", "chance")
        return csv_of([head, *lines])

    def to_table(self) -> str:
        """The table as CSV with its notes as comments, as a page of results shows it."""
        section = self.section()
        notes = "".join(f"# {note}\n" for note in self.notes())
        return notes + csv_of([section.head, *section.lines])


def retrieval(runs: Sequence[Run], records: MeasuredRecords, wishes: Wishes) -> Retrieval:
    """Measure finished runs.

    Args:
        runs: Such as ``find_runs`` returns.
        records: Whose halves look for each other.
        wishes: What is looked for.

    Raises:
        UserError: If the runs do not belong in one table, none has a shared space, or no record has both halves.
        DataError: If a file of a run is damaged, or the store is not there.
    """
    found: list[Found] = []
    measured: list[Run] = []
    without: list[str] = []
    on = ""
    for name, group in rows_of(runs).items():
        opened = [one for run in group if (one := open_run(run, records)) is not None]
        if opened:
            measured += group
            embedded = [embed_pairs(one) for one in opened]
            on = opened[0].measured_on(embedded[0][1])
            found += found_of(name, [pairs for pairs, _ in embedded], wishes)
        else:
            without.append(name)
    if not found:
        raise UserError(
            f"{', '.join(without)}: waveforms and reports have no space in common there; give runs of a contrastive"
            " row, such as method=ecg_clip"
        )
    return Retrieval(measured, found, without, on, wishes)


def found_of(name: str, seeds: Sequence[Pairs], wishes: Wishes) -> list[Found]:
    """All lines of one row, whose runs differ in their seed."""
    pairs = seeds[0]
    share = 1 / np.bincount(pairs.report)[pairs.report]  # a report counts once
    pools = draw_pools(pairs.report, wishes.pool, wishes.n_pools, wishes.seed)
    size = pools.shape[1]
    lines = []
    for direction in DIRECTIONS:
        for right in RIGHT:
            everywhere = [_among_all(one, direction, right) for one in seeds]
            of_pools = [_in_pools(one, direction, right, pools) for one in seeds]
            weights = np.ones(len(pairs.report)) if direction == TO_REPORT else share
            for among, ranked, weight in (
                (f"all {len(pairs.text):,}", everywhere, weights[everywhere[0].query]),
                (f"{size}", of_pools, np.ones(len(of_pools[0].query))),
            ):
                if len(weight):
                    values = _estimates(ranked, weight, pairs.patient, wishes)
                    n_queries = len(np.unique(ranked[0].query))
                    lines.append(Found(name, direction, right, among, values, chance(ranked[0], weight), n_queries))
    return lines


def _among_all(pairs: Pairs, direction: str, right: str) -> Ranked:
    return pairs.to_reports(right) if direction == TO_REPORT else pairs.to_waveforms(right)


def _in_pools(pairs: Pairs, direction: str, right: str, pools: NDArray[np.int64]) -> Ranked:
    parts = []
    for pool in pools:
        scores = pairs.ecg[pool] @ pairs.text[pairs.report[pool]].T
        relevant = pairs.relevant(right, pool, pool)
        ranked = rank_scores(scores if direction == TO_REPORT else scores.T, relevant)
        parts.append(Ranked(pool[ranked.query], ranked.rank, ranked.n_right, ranked.n_wrong))
    return Ranked.together(parts)


def _estimates(
    ranked: Sequence[Ranked], weights: Floats, patient: NDArray[np.int64], wishes: Wishes
) -> dict[str, Estimate]:
    scorers = [measures(one, weights) for one in ranked]
    found = replicated_estimates(scorers, patient[ranked[0].query], wishes.n_resamples, wishes.seed)
    return {
        name: Estimate(one.value, max(one.low, 1.0), one.high)
        if name == "median rank"
        else Estimate(one.value, max(one.low, 0.0), min(one.high, 1.0))
        for name, one in found.items()
    }


def _cells(one: Found) -> list[str]:
    return [
        f"{e.value:.{digits}f} [{e.low:.{digits}f}, {e.high:.{digits}f}] ({one.chance[name]:.{digits}f})"
        for name, e in one.values.items()
        for digits in [1 if name == "median rank" else 3]
    ]
