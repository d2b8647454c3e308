"""What is compared: runs that write, the nearest training report by their waveform encoders, and controls."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecgmm.console.terminal import say
from ecgmm.errors import ConfigError
from ecgmm.reporting.grouping import check_comparable, common_choices, group_runs
from ecgmm.runs.run import Run
from ecgmm.training.evaluation_choice import Choice
from ecgmm.training.measured_records import MeasuredRecords
from ecgmm.writing.records import Records, Report, Subject
from ecgmm.writing.writers import WRITERS, nearest_reports, written_reports

NEAREST = "nearest training report"
REFERENCE, SHUFFLED, COMMONEST = "the reference itself", "reference of another record", "most frequent training report"
RETRIEVES = "ecg_only"
"""Method whose encoder has never met a report: what retrieval gives without learning from any."""
_SHUFFLE_SEED = 0


@dataclass(frozen=True)
class System:
    """One row of the comparison.

    Attributes:
        name: Of the row.
        seeds: Of its runs; empty for a control that no run made.
        reports: For each seed the statements of each record's report.
        rival: Name of the row that it is compared with; None for a control.
    """

    name: str
    seeds: list[int]
    reports: list[list[Report]]
    rival: str | None = None


@dataclass(frozen=True)
class Comparison:
    """Records with their reports, what systems wrote of their waveforms, and statements of the training reports."""

    records: Records
    systems: list[System]
    vocabulary: frozenset[str]
    runs: list[Run]
    split: str
    store: str
    synthetic: bool


def compare(runs: Sequence[Run], measured: MeasuredRecords) -> Comparison:
    """Let runs write, and retrieve, a report of each record's waveform.

    Args:
        runs: Finished runs of one table; those of methods that neither write nor are ``ecg_only`` are left out.
        measured: The records.

    Raises:
        ConfigError: If no run can write, or runs were trained on a part of the patients.
        UserError: If runs do not belong in one table.
    """
    check_comparable(runs)
    if runs[0].facts.train_fraction < 1:
        raise ConfigError(
            f"the runs were trained on {runs[0].facts.train_fraction:g} of the patients; retrieval would search reports"
            " that they never saw: give runs with train_fraction=1"
        )
    groups = {
        key.label: group
        for key, group in group_runs(runs, common_choices(runs)).items()
        if not key.readout and group[0].method in (*WRITERS, RETRIEVES)
    }
    writing = {name: group for name, group in groups.items() if group[0].method in WRITERS}
    unread = [name for name, group in writing.items() if group[0].facts.text_policy == "none"]
    groups = {name: group for name, group in groups.items() if name not in unread}
    if not writing.keys() - set(unread):
        raise ConfigError(
            f"no run here has learnt to write ({', '.join(WRITERS)}, with text.policy other than none); train one, as"
            " `ecgmm train method=meit` does"
        )
    known = MeasuredRecords(None, Choice(split="train", allow_leaky=True), measured.stores)
    systems: list[System] = []
    for name, group in groups.items():
        written, nearest = [], []
        for run in group:
            subject = Subject(run.directory, measured)
            training = Subject(run.directory, known)
            say(f"{name}, seed {run.seed}: {len(subject.records.rows):,} records", to_stderr=True)
            if name in writing:
                written.append(written_reports(subject))
            nearest.append(nearest_reports(subject, training))
        seeds, by_encoder = [run.seed for run in group], f"{name}: {NEAREST}"
        systems += [System(name, seeds, written, by_encoder)] if written else []
        systems.append(System(by_encoder, seeds, nearest))
    ours, learnt = subject.records, training.records
    commonest = Counter(tuple(report) for report in learnt.reports).most_common(1)[0][0]
    systems += [
        System(COMMONEST, [], [[list(commonest)] * len(ours.reports)]),
        System(SHUFFLED, [], [_of_others(ours.reports)]),
        System(REFERENCE, [], [ours.reports]),
    ]
    vocabulary = frozenset(statement for report in learnt.reports for statement in report)
    used = [run for group in groups.values() for run in group]
    store = subject.served.store
    synthetic = store.manifest["source"]["name"] == "synthetic"
    return Comparison(ours, systems, vocabulary, used, measured.choice.split, store.path.name, synthetic)


def _of_others(reports: Sequence[Report]) -> list[Report]:
    """Reports in other places: one round through all records in random order, so that none keeps its own."""
    order = np.random.default_rng(_SHUFFLE_SEED).permutation(len(reports))
    places = dict(zip(order.tolist(), np.roll(order, 1).tolist(), strict=True))
    return [reports[places[index]] for index in range(len(reports))]
