"""The suite: all kinds and strengths for all runs, each disturbed input made once, kept kind by kind."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import torch
from joblib import Parallel, cpu_count, delayed

from ecgmm.disturbing.disturb import cannot_meet, disturb
from ecgmm.disturbing.inputs import Disturbed, Inputs
from ecgmm.disturbing.subject import Prepared, Subject, encoded_once
from ecgmm.errors import ConfigError, printable
from ecgmm.files import remove_unfinished
from ecgmm.runs.robustness import Suite, SuiteFacts, begin_suite
from ecgmm.runs.store_of_run import STORES
from ecgmm.settings.disturbances import CLEAN, HITS_RECORDS, KINDS, N_STRENGTHS
from ecgmm.training.evaluation_choice import Choice
from ecgmm.training.other_store import OtherStore
from ecgmm.training.served import serve
from ecgmm.types import Batch

_KINDS_AT_ONCE = 4
"""Kinds of disturbed reports that a run meets one after the other: its waveforms are encoded once for them."""


@dataclass(frozen=True)
class Plan:
    """What the suite disturbs and how.

    Attributes:
        other: Another store than the runs' own.
        choice: Split and labels of the records.
        stores: Where stores are looked for.
        kinds: Names of kinds.
        strengths: Which of the five strengths, counted from 1.
        seed: Seed of the disturbances.
    """

    other: OtherStore = None
    choice: Choice = field(default_factory=Choice)
    stores: Path = STORES
    kinds: Sequence[str] = tuple(KINDS)
    strengths: Sequence[int] = tuple(range(1, N_STRENGTHS + 1))
    seed: int = 0


def run_suite(runs: Sequence[Path], plan: Plan, n_jobs: int = 1) -> list[Suite]:
    """Let finished runs meet the suite; what a suite that was stopped has kept is not computed again.

    Args:
        runs: Run directories.
        plan: What is disturbed.
        n_jobs: Processes side by side, each with its share of the kinds.

    Returns:
        The suite of each run.

    Raises:
        ConfigError: If the runs are not tested on the same records, or as ``evaluate_run``.
        DataError: As ``evaluate_run``.
    """
    subjects = [_subject(run, plan) for run in runs]
    _check_same(subjects)
    suites = [_begin(subject, plan) for subject in subjects]
    for suite in suites:
        remove_unfinished(suite.folder)
    left = [kind for kind in plan.kinds if any(_missing(suite, kind, plan) for suite in suites)]
    shares = [share for start in range(n_jobs) if (share := _together(left)[start::n_jobs])]
    if len(shares) <= 1:
        _meet(subjects, suites, plan, shares[0] if shares else [])
    else:
        n_threads = max(1, cpu_count() // n_jobs)
        Parallel(n_jobs=len(shares))(delayed(_share)(runs, plan, share, n_threads) for share in shares)
    return suites


def _together(kinds: Sequence[str]) -> list[list[str]]:
    """Kinds in groups: disturbed waveforms one by one, for they are large; reports several at a time."""
    of_reports = [name for name in kinds if KINDS[name].modality == "report"]
    several = [of_reports[start : start + _KINDS_AT_ONCE] for start in range(0, len(of_reports), _KINDS_AT_ONCE)]
    return [*several, *([name] for name in kinds if name not in of_reports)]


def _share(runs: Sequence[Path], plan: Plan, groups: Sequence[list[str]], n_threads: int) -> None:
    """Work of one process."""
    torch.set_num_threads(n_threads)
    subjects = [_subject(run, plan) for run in runs]
    _meet(subjects, [_begin(subject, plan) for subject in subjects], plan, groups)


def _subject(run: Path, plan: Plan) -> Subject:
    return Subject.of(run, serve(run, plan.other, plan.choice, plan.stores), plan.choice)


def _check_same(subjects: Sequence[Subject]) -> None:
    first = subjects[0]
    for subject in subjects:
        if subject.served.model.facts.text_policy == "shuffled":
            raise ConfigError(
                f"{printable(subject.directory)} was trained with exchanged reports (text.policy=shuffled); choose runs"
                " whose reports are their own"
            )
        same_store = subject.served.store.fingerprint == first.served.store.fingerprint
        if not (same_store and np.array_equal(first.rows, subject.rows) and first.classes == subject.classes):
            raise ConfigError(
                f"{printable(first.directory)} and {printable(subject.directory)} are not tested on the same records"
                " and classes; give folders whose runs are"
            )


def _begin(subject: Subject, plan: Plan) -> Suite:
    served = subject.served
    manifest, model = served.store.manifest, served.model.facts
    facts = SuiteFacts(
        store=served.store.path.resolve().name,
        fingerprint=served.store.fingerprint,
        source=manifest["source"]["name"],
        synthetic=manifest["source"]["name"] == "synthetic",
        split=plan.choice.split,
        seed=plan.seed,
        classes=list(subject.classes),
        task=served.facts.task,
        model=hashlib.sha256(repr(sorted(model.files.items())).encode()).hexdigest(),
        rows=hashlib.sha256(subject.rows.astype(np.int64).tobytes()).hexdigest(),
        n_records=len(subject.rows),
        unmet=_unmet(manifest["rate_hz"], manifest["n_times"] / manifest["rate_hz"]),
    )
    return begin_suite(subject.directory, f"{facts.store}-{facts.split}", facts)


def _unmet(rate_hz: float, length_s: float) -> dict[str, dict[str, str]]:
    """Reason for each kind and strength that records of a rate and length cannot meet."""
    reasons = {
        name: {f"{strength:g}": cannot_meet(name, strength, rate_hz, length_s) for strength in kind.strengths}
        for name, kind in KINDS.items()
    }
    said = {name: {key: why for key, why in by.items() if why is not None} for name, by in reasons.items()}
    return {name: by for name, by in said.items() if by}


def _missing(suite: Suite, kind: str, plan: Plan) -> list[float]:
    """Chosen strengths of a kind that the records can meet and that are still to be predicted."""
    unmet, there = suite.facts.unmet.get(kind, {}), suite.strengths(kind)
    chosen = [KINDS[kind].strengths[number - 1] for number in plan.strengths]
    return [strength for strength in chosen if strength not in there and f"{strength:g}" not in unmet]


def _meet(subjects: Sequence[Subject], suites: Sequence[Suite], plan: Plan, groups: Sequence[list[str]]) -> None:
    """Let runs meet groups of kinds; every disturbed input is made once for all of them."""
    first = subjects[0]
    inputs = Inputs.of(first.served.datamodule, first.rows)
    undisturbed = Prepared(inputs.waveforms)
    if not groups:
        groups = [[]]  # a suite without disturbances has its clean predictions all the same
    for group in groups:
        made = [
            _Condition(kind, strength, disturb(inputs, kind, strength, plan.seed))
            for kind in group
            for strength in KINDS[kind].strengths
            if any(strength in _missing(suite, kind, plan) for suite in suites)
        ]
        for subject, suite in zip(subjects, suites, strict=True):
            _predict(subject, suite, undisturbed, group, made, plan)


class _Condition:
    """A disturbed input, with its waveforms for all runs."""

    def __init__(self, kind: str, strength: float, made: Disturbed) -> None:
        self.kind, self.strength, self.made = kind, strength, made
        self.waveforms = None if made.waveforms is None else Prepared(made.waveforms)

    def concerns(self, subject: Subject) -> bool:
        """Whether the run looks at anything that was disturbed."""
        modality = KINDS[self.kind].modality
        looked_at = {"waveform": ("ecg",), "report": ("text",), "both": ("ecg", "text")}[modality]
        return any(name in subject.inputs_at_test for name in looked_at)


def _predict(
    subject: Subject,
    suite: Suite,
    undisturbed: Prepared,
    group: Sequence[str],
    made: Sequence[_Condition],
    plan: Plan,
) -> None:
    """Predict what a run has not yet predicted of a group of kinds, and keep it kind by kind."""
    kinds = [kind for kind in group if _missing(suite, kind, plan)]
    if not kinds and suite.read(CLEAN) is not None:
        return
    clean = subject.clean_batches(undisturbed)
    with encoded_once(subject.served.model.method, clean):
        as_it_is = subject.predict(clean)
        if suite.read(CLEAN) is None:
            suite.write(CLEAN, subject.labelled(as_it_is))
        for kind in kinds:
            held = suite.read(kind)
            frames = [] if held is None else [held]
            missing = _missing(suite, kind, plan)
            frames += _met(
                subject, clean, as_it_is, [one for one in made if one.kind == kind and one.strength in missing]
            )
            suite.write(kind, pl.concat(frames).sort("strength", "row"))


def _met(
    subject: Subject, clean: Sequence[Batch], as_it_is: pl.DataFrame, conditions: Sequence[_Condition]
) -> Iterator[pl.DataFrame]:
    """Predictions of a kind's strengths, from the strongest on, which may hold those of the others already."""
    strongest: pl.DataFrame | None = None
    for one in reversed(conditions):
        if not one.concerns(subject):
            predicted = as_it_is
        elif strongest is None or one.kind not in HITS_RECORDS:
            predicted = strongest = subject.predict(subject.disturbed_batches(clean, one.made, one.waveforms))
        else:
            hit = pl.Series(one.made.changed)
            predicted = pl.DataFrame([strongest[name].zip_with(hit, as_it_is[name]) for name in as_it_is.columns])
        yield _with_facts(predicted, one)


def _with_facts(predicted: pl.DataFrame, condition: _Condition) -> pl.DataFrame:
    other = condition.made.other_class
    n = len(predicted)
    return predicted.with_columns(
        pl.lit(condition.strength, pl.Float64).alias("strength"),
        pl.Series("changed", condition.made.changed),
        pl.repeat(None, n, dtype=pl.Boolean, eager=True).alias("other_class")
        if other is None
        else pl.Series("other_class", other),
    )
