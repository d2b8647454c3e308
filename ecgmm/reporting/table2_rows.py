"""The numbers of Table 2: per row the mean over seeds, with intervals and differences over retraining and patients.

Metrics are averaged over seeds, never probabilities: averaged probabilities would be an ensemble that nobody trained
as one. ``ecgmm.evaluation.replicates`` says how seeds and patients come together; a row of one seed knows patients
only. p-values are corrected over all rows and metrics of the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.errors import UserError
from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.calibration import CALIBRATION_METRICS
from ecgmm.evaluation.comparison import Difference, holm
from ecgmm.evaluation.metrics import HEADLINE, TABLE2_METRICS, joint_scorer
from ecgmm.evaluation.ranking import Floats
from ecgmm.evaluation.replicates import Replicates, replicate, replicated_difference_of, replicated_estimate
from ecgmm.reporting.grouping import WITHOUT_REPORT, RowKey, common_choices, group_runs
from ecgmm.runs.facts import RunFacts
from ecgmm.runs.run import Run

REFERENCE_METHOD = "gated_fusion"
"""Row that all others are compared with, unless another is named."""
CALIBRATION = (*CALIBRATION_METRICS, *(f"{key}_calibrated" for key in CALIBRATION_METRICS))
_MEASURED = (*TABLE2_METRICS, *CALIBRATION)
LABEL_FREE = ("zero_shot", "linear_probe")
"""Readouts of what pre-training alone gives: columns of their method's row. Any other readout is a row of its own."""
_PAPER_CSV = Path(__file__).with_name("paper_table2.csv")


@dataclass(frozen=True)
class Compared:
    """The reference minus a row, and its p-value corrected for all rows and metrics of the table (Holm)."""

    difference: Difference
    p_holm: float


@dataclass(frozen=True)
class Measured:
    """Runs of one row: values are means over seeds, ``sd`` their spread (None with a single seed).

    Attributes:
        facts: ``run.json`` of the first seed.
        seeds: One for each run.
        seconds_per_epoch: Mean over seeds; None for a method that is not trained by gradients.
        temperature: Mean over seeds of the temperature fitted on validation.
        values: Each metric of Table 2 and of calibration with its interval.
        sd: Its standard deviation between seeds.
        compared: Each metric of Table 2 against the reference; None in its own row, and where it was not run.
        report_gain: AUROC of the row minus that of the same method trained and tested without the report.
    """

    facts: RunFacts
    seeds: list[int]
    seconds_per_epoch: float | None
    temperature: float
    values: dict[str, Estimate]
    sd: dict[str, float | None]
    compared: dict[str, Compared] | None
    report_gain: Difference | None


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        key: Identity and name.
        measured: None where no run of it is there yet.
        label_free: What the row's pre-training alone gives, by name of the readout.
        paper_row: The paper's name of the row; None for variants, readouts and controls, which it does not have.
        printed: The paper's numbers as it prints them, by column.
    """

    key: RowKey
    measured: Measured | None
    label_free: dict[str, Measured]
    paper_row: str | None
    printed: dict[str, str] | None


@dataclass(frozen=True)
class Table:
    """All lines, and what is common to them."""

    rows: list[Row]
    facts: RunFacts
    common: dict[str, str | None]
    seeds: list[int]
    commits: list[str]
    n_records: int
    n_patients: int
    absent_classes: list[str]
    n_resamples: int
    evaluation: str = ""
    reference: str = REFERENCE_METHOD


def build_table(runs: Sequence[Run], n_resamples: int, seed: int, reference: str = REFERENCE_METHOD) -> Table:
    """Measure every row of comparable runs and put it beside the paper's row of the same method.

    Args:
        runs: Checked by ``check_comparable``.
        n_resamples: Patient resamples, the same ones for every row.
        seed: Seed of the resamples.
        reference: Name of the row that all others are compared with; where the default was not run, nothing is.

    Raises:
        UserError: If there is no row of another name.
    """
    common = common_choices(runs)
    groups, patients = group_runs(runs, common), runs[0].patients
    scores = {key: _score(group, patients, n_resamples, seed) for key, group in groups.items()}
    supervised = {key: one for key, one in scores.items() if key.readout not in LABEL_FREE}
    named = {key.label: key for key in supervised}
    if reference not in {*named, REFERENCE_METHOD}:
        raise UserError(f"no row {reference!r} to compare with; there are {', '.join(named)}")
    compared = _compare(supervised, named.get(reference))
    return Table(
        rows=_rows({key: _measure(key, group, scores, compared.get(key)) for key, group in groups.items()}),
        facts=runs[0].facts,
        common=common,
        seeds=sorted({run.seed for run in runs}),
        commits=sorted({run.facts.commit or "unknown" for run in runs}),
        n_records=len(patients),
        n_patients=len(np.unique(patients)),
        absent_classes=(runs[0].evaluated or runs[0].metrics).absent_classes,
        evaluation=runs[0].evaluation,
        n_resamples=n_resamples,
        reference=reference,
    )


def _score(group: list[Run], patients: NDArray[np.int64], n_resamples: int, seed: int) -> Replicates:
    scorers = [joint_scorer([run.scorer(), run.calibration_scorer()]) for run in group]
    return replicate(scorers, patients, n_resamples, seed, _MEASURED)


def _compare(scores: dict[RowKey, Replicates], reference: RowKey | None) -> dict[RowKey, dict[str, Compared]]:
    """Every row against the reference, metric by metric; nothing where that was not run."""
    if reference is None:
        return {}
    others = [key for key in scores if key != reference]
    tested = [(key, name) for key in others for name in TABLE2_METRICS]
    gaps = [replicated_difference_of(name, scores[reference], scores[key]) for key, name in tested]
    compared: dict[RowKey, dict[str, Compared]] = {key: {} for key in others}
    for (key, name), gap, p_holm in zip(tested, gaps, holm([gap.p_value for gap in gaps]), strict=True):
        compared[key][name] = Compared(gap, float(p_holm))
    return compared


def _measure(
    key: RowKey, group: list[Run], scores: dict[RowKey, Replicates], compared: dict[str, Compared] | None
) -> Measured:
    ours = scores[key]
    without = scores.get(key._replace(variant=(WITHOUT_REPORT, *key.variant)))
    seconds = [run.facts.seconds_per_epoch for run in group if run.facts.seconds_per_epoch is not None]
    return Measured(
        facts=group[0].facts,
        seeds=[run.seed for run in group],
        seconds_per_epoch=float(np.mean(seconds)) if seconds else None,
        temperature=float(np.mean([run.temperature for run in group])),
        values={name: replicated_estimate(name, ours) for name in _MEASURED},
        sd={name: _sd(ours.by_seed[name]) for name in _MEASURED},
        compared=compared,
        report_gain=replicated_difference_of(HEADLINE, ours, without) if without else None,
    )


def _sd(values: Floats) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None


def _rows(measured: dict[RowKey, Measured]) -> list[Row]:
    """The paper's methods in its order, then controls from the lowest to the highest AUROC, each with its variants.

    A table of one method is a study of that method: rows that the paper has for others are left out.
    """
    lines = pl.read_csv(_PAPER_CSV, infer_schema=False, glob=False).to_dicts()  # text, as printed
    methods = {key.method for key in measured}
    paper = {line["method"]: line for line in lines if len(methods) > 1 or line["method"] in methods}
    keys = sorted({RowKey(method) for method in paper} | {key for key in measured if key.readout not in LABEL_FREE})
    leading = {key.method: key for key in reversed(keys)}
    controls = [leading[method] for method in leading.keys() - paper.keys()]
    controls.sort(key=lambda key: (measured[key].values[HEADLINE].value, key))
    order = [*paper, *(key.method for key in controls)]
    return [_row(key, measured, paper.get(key.method)) for method in order for key in keys if key.method == method]


def _row(key: RowKey, measured: dict[RowKey, Measured], paper: dict[str, str] | None) -> Row:
    pretrained = {name: measured.get(key._replace(readout=name)) for name in LABEL_FREE if not key.readout}
    label_free = {name: one for name, one in pretrained.items() if one}
    if paper is None or key != RowKey(key.method):
        return Row(key, measured.get(key), label_free, None, None)
    return Row(
        key,
        measured.get(key),
        label_free,
        paper["row"],
        {name: paper[name] for name in TABLE2_METRICS if name in paper},
    )
