"""Distributions of the quality columns of ``records.parquet`` over all rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.leads import N_LEADS

QUANTILES = (0.0, 0.01, 0.5, 0.99, 0.999, 1.0)

_SHARES = np.linspace(0, 1, 51).round(2)
_MILLIVOLTS = np.logspace(-3, 2.5, 56)  # ten bins a factor of ten; one scale, so that stores can be compared
_LEADS = np.arange(N_LEADS + 2) - 0.5


@dataclass(frozen=True)
class Column:
    """A column to describe.

    Attributes:
        name: Of the column.
        title: What it is, for people; docs/understand/quality.md defines it.
        unit: ``share``, ``leads``, ``mV`` or ``score``.
        edges: Of the bins of its histogram; values beyond the outer ones count in the outer bins.
    """

    name: str
    title: str
    unit: str
    edges: NDArray[np.floating]


COLUMNS = (
    Column("missing_share", "Missing samples", "share", _SHARES),
    Column("flat_leads", "Flat leads", "leads", _LEADS),
    Column("clipped_share", "Clipped samples of the worst lead", "share", _SHARES),
    Column("amplitude_mv", "Largest amplitude", "mV", _MILLIVOLTS),
    Column("drift_mv", "Baseline drift of the worst lead", "mV", _MILLIVOLTS),
    Column("noise_mv", "Noise of the worst lead", "mV", _MILLIVOLTS),
    Column("lead_law_error_mv", "Error of the limb-lead laws", "mV", _MILLIVOLTS),
    Column("quality", "Quality score", "score", _SHARES),
)


def distributions(records: pl.DataFrame) -> dict[str, Any]:
    """Describe each of ``COLUMNS``.

    Returns:
        By name: ``rows`` that have a value, those ``above_zero``, the values at ``QUANTILES`` (null without any) and
        a ``histogram`` of ``edges`` and ``counts``.
    """
    return {column.name: _describe(records[column.name], column.edges) for column in COLUMNS}


def _describe(values: pl.Series, edges: NDArray[np.floating]) -> dict[str, Any]:
    there = values.cast(pl.Float64).fill_nan(None).drop_nulls().to_numpy()
    counts, _ = np.histogram(np.clip(there, edges[0], edges[-1]), edges)
    quantiles = np.quantile(there, QUANTILES, method="inverted_cdf").tolist() if len(there) else [None] * len(QUANTILES)
    return {
        "rows": len(there),
        "above_zero": int((there > 0).sum()),
        "quantiles": {f"{share:g}": _short(value) for share, value in zip(QUANTILES, quantiles, strict=True)},
        "histogram": {"edges": [_short(edge) for edge in edges.tolist()], "counts": counts.tolist()},
    }


def _short(value: float | None) -> float | None:
    """Six digits: what is behind them is rounding of 32 bits."""
    return None if value is None else float(f"{value:.6g}")
