"""Recordings that are in the store more than once, sample for sample, and whether they carry over between splits."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.store.store import Store
from ecgmm.integrity.reading import row

_MOST_EXAMPLES, _MOST_MEMBERS = 5, 5


def duplicates(store: Store) -> dict[str, Any]:
    """Find rows of equal samples; equal digests (``content``) are candidates, and their rows are compared.

    Rows without a usable waveform are left out: flat lines are alike.

    Returns:
        ``recordings`` that occur more than once, the ``rows`` in which they do, ``pairs`` of such rows, how many of
        these ``in_different_patients`` and ``in_different_splits``, and ``examples``, the worst first.
    """
    content, usable = store.records["content"].to_numpy(), store.records["has_waveform"].to_numpy()
    values, counts = np.unique(content[usable], return_counts=True)
    rows = np.flatnonzero(usable & np.isin(content, values[counts > 1]))
    same = pl.Series(_first_equal(store, rows, content[rows]), dtype=pl.Int64)
    alike = store.records[rows].select("record", "patient", "split").with_columns(same=same)
    copies = alike.filter(pl.col("same").is_duplicated())
    pairs = _pairs(copies, "same")
    return {
        "recordings": copies["same"].n_unique(),
        "rows": copies.height,
        "pairs": pairs,
        "in_different_patients": pairs - _pairs(copies, "same", "patient"),
        "in_different_splits": pairs - _pairs(copies, "same", "split"),
        "examples": _examples(copies),
    }


def _first_equal(store: Store, rows: NDArray[np.int64], contents: NDArray[np.uint64]) -> list[int]:
    """The first row that holds the same samples, for each row; two recordings may share a digest by chance."""
    first: dict[int, list[int]] = {}
    parts = []
    for number, content in zip(rows.tolist(), contents.tolist(), strict=True):
        known = first.setdefault(content, [])
        samples = row(store, number)
        same = next((other for other in known if np.array_equal(row(store, other), samples)), number)
        if same == number:
            known.append(number)
        parts.append(same)
    return parts


def _pairs(copies: pl.DataFrame, *keys: str) -> int:
    """Number of pairs of rows that agree in the keys."""
    sizes = copies.group_by(keys).len()["len"].cast(pl.Int64)
    return int((sizes * (sizes - 1) // 2).sum())


def _examples(copies: pl.DataFrame) -> list[dict[str, Any]]:
    groups = copies.group_by("same", maintain_order=True).agg(
        pl.len().alias("rows"),
        pl.col("record").head(_MOST_MEMBERS).alias("records"),
        pl.col("patient").n_unique().alias("patients"),
        pl.col("split").unique().sort().alias("splits"),
    )
    worst = [pl.col("splits").list.len(), "patients", "rows", "same"]
    return groups.sort(worst, descending=[True, True, True, False]).head(_MOST_EXAMPLES).drop("same").to_dicts()
