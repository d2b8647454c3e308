"""Overlap of the splits of a store: patients, waveforms, reports, and reports together with their labels."""

import hashlib
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.store.store import Store

_ROWS_AT_ONCE = 256
"""Rows read at a time: 31 MB of ten seconds at 500 Hz."""


def shared_patients(records: pl.DataFrame) -> dict[str, int]:
    """Number of patients, and of those with records in more than one split; any is a mistake of the split."""
    splits = records.group_by("patient").agg(pl.col("split").n_unique())
    return {"all": splits.height, "in_several_splits": int((splits["split"] > 1).sum())}


def shared_waveforms(store: Store) -> dict[str, int]:
    """Rows whose samples occur again byte for byte (see ``_shared``); rows without a usable lead are left out."""
    rows = np.flatnonzero(store.records["has_waveform"].to_numpy())
    digests = pl.Series(_digests(store.waveforms, rows), dtype=pl.Binary)
    return _shared(digests, store.records["split"][rows])


def _digests(waveforms: NDArray[np.int16], rows: NDArray[np.int64]) -> list[bytes]:
    digests = []
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        block = waveforms[rows[start : start + _ROWS_AT_ONCE]]
        digests += [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in block]
    return digests


def shared_reports(records: pl.DataFrame) -> dict[str, int]:
    """Records whose exact report occurs again (see ``_shared``); records without a report are left out."""
    with_report = records.filter(pl.col("report") >= 0)
    return _shared(with_report["report"], with_report["split"])


def _shared(values: pl.Series, splits: pl.Series) -> dict[str, int]:
    """Counts: rows, distinct values, rows whose value is in several splits, test rows, and those in training too."""
    frame = pl.DataFrame({"value": values, "split": splits}).with_columns(
        n_splits=pl.col("split").n_unique().over("value"),
        in_train=(pl.col("split") == "train").any().over("value"),
    )
    test = frame.filter(pl.col("split") == "test")
    return {
        "rows": frame.height,
        "distinct": frame["value"].n_unique(),
        "in_several_splits": int((frame["n_splits"] > 1).sum()),
        "test": test.height,
        "test_in_train": int(test["in_train"].sum()),
    }


def look_up(
    report_of_row: NDArray[np.int64], labels: NDArray[Any], train: NDArray[np.int64], test: NDArray[np.int64]
) -> dict[str, int]:
    """Count how many test records a look-up table of training reports and their labels would get right.

    Args:
        report_of_row: int64 ``[N]``, report of each store row, -1 where there is none.
        labels: int64 ``[N]`` class numbers or float ``[N, K]``; two labels are the same if all classes agree.
        train: Store rows of the training split.
        test: Store rows of the test split.

    Returns:
        Counts of test records: ``test`` all, ``seen`` those whose exact report occurs in training,
        ``seen_with_label`` those for which it does so with the same label, ``right`` those whose label is the most
        frequent one of the report in training.
    """
    label = labels if labels.ndim == 1 else np.unique(labels > 0, axis=0, return_inverse=True)[1].reshape(-1)
    frame = pl.DataFrame({"report": report_of_row, "label": label.astype(np.int64)})
    counts = frame[train].filter(pl.col("report") >= 0).group_by("report", "label").len()
    most_often = counts.sort("len", "label", descending=[True, False]).unique("report", keep="first")
    looked_up = (
        frame[test]
        .join(counts, on=["report", "label"], how="left")
        .join(most_often.select("report", guess="label"), on="report", how="left")
    )
    return {
        "test": looked_up.height,
        "seen": looked_up["guess"].count(),
        "seen_with_label": looked_up["len"].count(),
        "right": int((looked_up["guess"] == looked_up["label"]).sum()),
    }
