"""Scores of finished runs under disturbances: metrics with intervals, against the clean run and against one another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.errors import UserError
from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.calibration import calibration_scorer
from ecgmm.evaluation.comparison import Difference
from ecgmm.evaluation.exchange_rate import WEIGHED, with_exchange_rate
from ecgmm.evaluation.metrics import HEADLINE, TABLE2_METRICS, Scorer, joint_scorer, make_scorer
from ecgmm.evaluation.ranking import Floats, auroc, rank_segments
from ecgmm.evaluation.replicates import Replicates, replicate, replicated_difference_of, replicated_estimate
from ecgmm.evaluation.selective import area_under_risk_coverage
from ecgmm.reporting.grouping import check_comparable, common_choices, row_key
from ecgmm.runs.measuring import Fitted
from ecgmm.runs.predictions import average_windows, labels_and_probabilities, probability_names
from ecgmm.runs.robustness import Suite, read_suites
from ecgmm.runs.run import Run
from ecgmm.settings.disturbances import CLEAN, KINDS

MEASURED = (*TABLE2_METRICS, "ece")
BASELINE = "concat"
"""Row whose errors the mean corruption error is relative to."""
HALVES = {"report": "ecg_only", "waveform": "text_only"}
"""By what is disturbed: the row that does not look at it."""
DETECTED = (
    "foreign_report",
    "foreign_report_other_class",
    "statement_negated",
    "statement_opposite",
    "previous_report",
    "foreign_report_and_noise",
)
"""Kinds that make a pair inconsistent."""
WITH_SHARE = "share of foreign reports estimated"
Combine = Callable[..., Floats]
Condition = tuple[str, float]
"""Kind and strength; that of clean inputs is 0."""
CLEAN_CONDITION: Condition = (CLEAN, 0.0)


@dataclass(frozen=True)
class Met:
    """One run under one suite.

    Attributes:
        run: The run.
        suite: Its predictions.
        estimates_share: Whether predictions are those for the share of foreign reports that each set shows itself.
    """

    run: Run
    suite: Suite
    estimates_share: bool = False

    def frame(self, condition: Condition) -> pl.DataFrame:
        """Predictions under a condition, one row a record, with record, patient, split and labels."""
        averaged = average_windows(self._rows(condition))
        return with_exchange_rate(averaged, self.suite.facts.classes)[0] if self.estimates_share else averaged

    def _rows(self, condition: Condition) -> pl.DataFrame:
        kind, strength = condition
        clean = self.suite.clean
        if condition == CLEAN_CONDITION:
            return clean
        predicted = self.suite.disturbed[kind].filter(pl.col("strength") == strength)
        known = clean.drop([name for name in predicted.columns if name in clean.columns and name != "row"])
        return known.join(predicted, on="row", how="inner", validate="1:1").sort("row")

    def scorer(self, condition: Condition) -> Scorer:
        """Scorer of the metrics of Table 2 and of the calibration error."""
        facts = self.suite.facts
        labels, probabilities = labels_and_probabilities(self.frame(condition), facts.classes, facts.task)
        columns = [self.run.classes.index(name) for name in facts.classes]
        thresholds = Fitted.of(self.run.metrics).of_classes(columns).thresholds
        values = None if thresholds is None else thresholds.values
        of_table2 = make_scorer(labels, probabilities, facts.classes, facts.task, values)
        return joint_scorer([of_table2, calibration_scorer(labels, probabilities, facts.task, with_chance=True)])

    def gate(self, condition: Condition) -> float:
        """Mean weight of the waveform; NaN where the method has none."""
        mean = self.frame(condition)["gate"].mean()
        return float("nan") if mean is None else float(mean)  # type: ignore[arg-type]  # a float by its column

    def risk(self, condition: Condition) -> float:
        """Area under risk against coverage."""
        facts = self.suite.facts
        return area_under_risk_coverage(*labels_and_probabilities(self.frame(condition), facts.classes, facts.task))


class Row:
    """Runs of one row of the table, one a seed.

    Args:
        label: Name of the row.
        met: The runs.
        n_resamples: Patient resamples.
        seed: Seed of the resampling.
    """

    def __init__(self, label: str, met: Sequence[Met], n_resamples: int, seed: int) -> None:
        self.label, self.met = label, list(met)
        self._resampling = (n_resamples, seed)
        self._scores: dict[Condition, Replicates] = {}

    @property
    def method(self) -> str:
        """Name of the method."""
        return self.met[0].run.method

    @property
    def is_plain(self) -> bool:
        """Whether it is the method as it comes, neither a part of it changed nor its answers weighed anew."""
        return not self.met[0].estimates_share and self.met[0].run.facts.ablation is None

    @property
    def inputs_at_test(self) -> Sequence[str]:
        """Modalities that the method looks at."""
        return self.met[0].run.facts.inputs_at_test

    @cached_property
    def conditions(self) -> list[Condition]:
        """Kinds and strengths that all seeds have met, in the order of tables."""
        return [
            (kind, strength)
            for kind in KINDS
            for strength in KINDS[kind].strengths
            if all(strength in one.suite.strengths(kind) for one in self.met)
        ]

    def of(self, condition: Condition = CLEAN_CONDITION) -> Replicates:
        """Metrics under a condition, of each seed and in every resample."""
        if condition not in self._scores:
            kind = condition[0]
            looked_at = {"waveform": ("ecg",), "report": ("text",), "both": ("ecg", "text")}
            if kind != CLEAN and not set(looked_at[KINDS[kind].modality]) & set(self.inputs_at_test):
                self._scores[condition] = self.of()  # it does not look at what is disturbed
            else:
                patients = self.met[0].frame(CLEAN_CONDITION)["patient"].to_numpy()
                scorers = [one.scorer(condition) for one in self.met]
                self._scores[condition] = replicate(scorers, patients, *self._resampling, keys=MEASURED)
        return self._scores[condition]

    def mean(self, conditions: Sequence[Condition]) -> Replicates:
        """Metrics averaged over conditions."""
        return _combined([self.of(one) for one in conditions], lambda *values: np.mean(values, axis=0))

    def change(self, conditions: Sequence[Condition], key: str = HEADLINE) -> Estimate:
        """Metric under conditions, averaged, minus that of the same runs undisturbed."""
        return paired_change(self.mean(conditions), self.of(), key)


def paired_change(first: Replicates, second: Replicates, key: str) -> Estimate:
    """First minus second of a metric of the same runs under two conditions: seeds are paired, as patients are."""
    name = f"change/{key}"  # a difference is not bounded as the metric is
    by_seed, resampled = first.by_seed[key] - second.by_seed[key], first.resampled[key] - second.resampled[key]
    return replicated_estimate(name, Replicates({name: by_seed}, {name: resampled}))


def _combined(parts: Sequence[Replicates], combine: Combine) -> Replicates:
    keys = parts[0].by_seed
    return Replicates(
        by_seed={key: combine(*(part.by_seed[key] for part in parts)) for key in keys},
        resampled={key: combine(*(part.resampled[key] for part in parts)) for key in parts[0].resampled},
    )


def difference(first: Replicates, second: Replicates, key: str = HEADLINE) -> Difference:
    """First minus second of a metric, over retraining and patients."""
    return replicated_difference_of(key, first, second)


def mean_corruption_error(row: Row, baseline: Row, conditions: Sequence[Condition]) -> Estimate:
    """Mean corruption error: 1 - AUROC relative to the baseline's, by kind over its strengths, then mean over kinds.

    Hendrycks and Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, ICLR
    2019, equation 1, with 1 - AUROC for the error rate, as a share of 1 rather than in per cent.

    Args:
        row: The row.
        baseline: What it is relative to: the mean over its seeds, in each resample.
        conditions: Kinds and strengths that both have met.
    """
    ratios = []
    for kind in dict.fromkeys(kind for kind, _ in conditions):
        of_kind = [one for one in conditions if one[0] == kind]
        own, theirs = row.mean(of_kind), baseline.mean(of_kind)
        ratios.append(
            Replicates(
                by_seed={"mce": (1 - own.by_seed[HEADLINE]) / (1 - theirs.by_seed[HEADLINE].mean())},
                resampled={"mce": (1 - own.resampled[HEADLINE]) / (1 - theirs.resampled[HEADLINE].mean(axis=0))},
            )
        )
    return replicated_estimate("mce", _combined(ratios, lambda *values: np.mean(values, axis=0)))


@dataclass(frozen=True)
class Detection:
    """How well the inconsistency score tells disturbed pairs from the same pairs undisturbed, by AUROC.

    Attributes:
        overall: Of all records that were changed; None where a seed's method has no score.
        other_class: Of those whose foreign report is of a record with other classes; None where not known.
    """

    overall: Estimate | None
    other_class: Estimate | None


def detection(row: Row, condition: Condition, n_resamples: int, seed: int) -> Detection:
    """AUROC of the column ``inconsistency`` of changed records against the same records undisturbed."""
    frames = [(one.frame(CLEAN_CONDITION), one.frame(condition)) for one in row.met]
    scored = [frame["inconsistency"].is_not_null().to_numpy() for pair in frames for frame in pair]
    changed = frames[0][1]["changed"].to_numpy() & np.logical_and.reduce(scored)
    if not changed.any():
        return Detection(None, None)
    other = frames[0][1]["other_class"]
    differs = None if other.null_count() else changed & other.to_numpy()

    def area(chosen: NDArray[np.bool_]) -> Estimate | None:
        if not chosen.any():
            return None
        patients = np.tile(frames[0][0]["patient"].to_numpy()[chosen], 2)
        scorers = [_found(clean, disturbed, chosen) for clean, disturbed in frames]
        return replicated_estimate("auroc", replicate(scorers, patients, n_resamples, seed))

    return Detection(area(changed), None if differs is None else area(differs))


def _found(clean: pl.DataFrame, disturbed: pl.DataFrame, chosen: NDArray[np.bool_]) -> Scorer:
    scores = np.concatenate([frame["inconsistency"].to_numpy()[chosen] for frame in (disturbed, clean)])
    segments = rank_segments(np.repeat([True, False], int(chosen.sum())), scores.astype(np.float64))
    return lambda weights: {"auroc": auroc(segments, weights)}


def rows_of(runs: Sequence[Run], suite: str | None, n_resamples: int, seed: int) -> list[Row]:
    """Rows of the runs that have met a suite, each with its seeds.

    Args:
        runs: Finished runs.
        suite: Name of the folder of the suite; None takes the one that most runs have met, the first of a tie.
        n_resamples: Patient resamples.
        seed: Seed of the resampling.

    Raises:
        UserError: If none has met it, or runs do not belong in one table.
    """
    found = {run.directory: read_suites(run.directory) for run in runs}
    counts = {name: sum(name in suites for suites in found.values()) for suites in found.values() for name in suites}
    if not counts or (suite is not None and suite not in counts):
        raise UserError("no run has met the suite of disturbances; start python -m ecgmm.robustness run=FOLDER")
    name = suite or max(sorted(counts), key=counts.__getitem__)
    met = [Met(run, found[run.directory][name]) for run in runs if name in found[run.directory]]
    check_comparable([one.run for one in met])
    common = common_choices([one.run for one in met])
    groups: dict[str, list[Met]] = {}
    for one in sorted(met, key=lambda one: (one.run.method, one.run.seed)):
        label = row_key(one.run, common).label
        groups.setdefault(label, []).append(one)
        if f"{WEIGHED[0]}.{probability_names('', one.suite.facts.classes)[0]}" in one.suite.clean.columns:
            groups.setdefault(f"{label}, {WITH_SHARE}", []).append(replace(one, estimates_share=True))
    return [Row(label, group, n_resamples, seed) for label, group in groups.items()]
