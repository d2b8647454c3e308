"""The numbers of Table 2: per row the mean over seeds, patient-bootstrap intervals and paired differences.

Metrics are averaged over seeds, never probabilities: averaged probabilities would be an ensemble that nobody trained
as one. Inside every patient resample the metric is computed for each seed and then averaged, so an interval describes
the sampling of patients; the spread between seeds stands beside it as a standard deviation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ecgmm.evaluation.bootstrap import (
    Difference,
    Estimate,
    bootstrap,
    difference_of,
    percentile_interval,
    point_values,
)
from ecgmm.evaluation.metrics import TABLE2_METRICS, Scorer, mean_scorer
from ecgmm.evaluation.ranking import Floats
from experiments.runs import Run, common_text_policy, row_name

REFERENCE_METHOD = "gated_fusion"
HEADLINE = "auroc_macro"
_PAPER_CSV = Path(__file__).with_name("paper_table2.csv")


@dataclass(frozen=True)
class Measured:
    """One method under one text policy: values are means over seeds, ``sd`` their spread (None with a single seed)."""

    facts: dict[str, Any]
    seeds: list[int]
    values: dict[str, Estimate]
    sd: dict[str, float | None]
    difference: Difference | None


@dataclass(frozen=True)
class Row:
    """One line of the table, named by method and text policy where it is not the common one.

    ``paper_row`` and ``printed`` are None for controls that the paper does not have.
    """

    name: str
    paper_row: str | None
    printed: dict[str, str] | None
    measured: Measured | None


@dataclass(frozen=True)
class Table:
    """All lines, and what is common to them."""

    rows: list[Row]
    facts: dict[str, Any]
    text_policy: str | None
    seeds: list[int]
    commits: list[str]
    n_records: int
    n_patients: int
    absent_classes: list[str]
    n_resamples: int


def build_table(runs: Sequence[Run], n_resamples: int, seed: int) -> Table:
    """Measure every method and text policy of comparable runs and put it beside the paper's row of the same method.

    Args:
        runs: Checked by ``check_comparable``.
        n_resamples: Patient resamples, the same ones for every row.
        seed: Seed of the resamples.
    """
    common = common_text_policy(runs)
    runs_of: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: (run.method, run.seed)):
        runs_of.setdefault(row_name(run, common), []).append(run)
    patients = runs[0].patients
    scorers = {name: [run.scorer() for run in group] for name, group in runs_of.items()}
    values = {name: _values_of_seeds(group, len(patients)) for name, group in scorers.items()}
    resampled = {name: bootstrap(mean_scorer(group), patients, n_resamples, seed) for name, group in scorers.items()}
    measured = {
        name: Measured(
            facts=group[0].facts,
            seeds=[run.seed for run in group],
            values={key: _estimate(values[name][key], resampled[name][key]) for key in TABLE2_METRICS},
            sd={key: _sd(values[name][key]) for key in TABLE2_METRICS},
            difference=_difference(name, values, resampled),
        )
        for name, group in runs_of.items()
    }
    return Table(
        rows=_rows(measured),
        facts=runs[0].facts,
        text_policy=common,
        seeds=sorted({run.seed for run in runs}),
        commits=sorted({str(run.facts.get("commit") or "unknown") for run in runs}),
        n_records=len(patients),
        n_patients=len(np.unique(patients)),
        absent_classes=runs[0].metrics["absent_classes"],
        n_resamples=n_resamples,
    )


def _values_of_seeds(scorers: list[Scorer], n_records: int) -> dict[str, Floats]:
    """Each metric of Table 2 for every seed, ``[seeds]``."""
    values = [point_values(scorer, n_records) for scorer in scorers]
    return {key: np.array([value[key] for value in values]) for key in TABLE2_METRICS}


def _estimate(values: Floats, resampled: Floats) -> Estimate:
    return Estimate(float(values.mean()), *percentile_interval(resampled))


def _sd(values: Floats) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None


def _difference(
    row: str, values: dict[str, dict[str, Floats]], resampled: dict[str, dict[str, Floats]]
) -> Difference | None:
    """AUROC of gated fusion (common text policy) minus that of the row, averaged over seeds, in the same resamples."""
    if row == REFERENCE_METHOD or REFERENCE_METHOD not in values:
        return None
    ours, theirs = (float(values[name][HEADLINE].mean()) for name in (REFERENCE_METHOD, row))
    return difference_of(ours, theirs, resampled[REFERENCE_METHOD][HEADLINE], resampled[row][HEADLINE])


def _rows(measured: dict[str, Measured]) -> list[Row]:
    """The paper's rows in its order, then controls from the lowest to the highest AUROC."""
    paper = pl.read_csv(_PAPER_CSV, infer_schema=False).to_dicts()  # text, to print what the paper prints
    rows = [
        Row(line["method"], line["row"], {key: line[key] for key in TABLE2_METRICS}, measured.get(line["method"]))
        for line in paper
    ]
    controls = measured.keys() - {line["method"] for line in paper}
    by_auroc = sorted(controls, key=lambda name: (measured[name].values[HEADLINE].value, name))
    return rows + [Row(name, None, None, measured[name]) for name in by_auroc]
