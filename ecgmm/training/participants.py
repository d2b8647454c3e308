"""Counting the participants of a run, from what its source lists to what each split uses."""

import polars as pl

from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.data.store.splits import SPLITS
from ecgmm.runs.participants import Participants, SplitParticipants


def participants_of(data: EcgReportDataModule) -> Participants:
    """Count the participants of a run."""
    manifest = data.store.manifest
    dropped = dict(manifest["dropped"])
    return Participants(
        listed=manifest["kept"] + sum(dropped.values()),
        dropped=dropped,
        kept=manifest["kept"],
        splits=[_of_split(data, split) for split in SPLITS],
    )


def _of_split(data: EcgReportDataModule, split: str) -> SplitParticipants:
    rows = data.rows[split]
    used = data.store.records[rows]
    records = used.unique("record", keep="first", maintain_order=True)
    sex = records["sex"].fill_null("unknown").value_counts(name="n").sort("sex")
    return SplitParticipants(
        split=split,
        rows=int((data.store.records["split"] == split).sum()),
        left_out=_left_out(data, split),
        used=len(rows),
        records=records.height,
        patients=records["patient"].n_unique(),
        with_report=int((data.report_of_row[rows] >= 0).sum()),
        with_waveform=int(used["has_waveform"].sum()),
        sex=dict(sex.iter_rows()),
        age_years=_quartiles(records["age"].drop_nulls()),
        without_age=records["age"].null_count(),
        disturbed=0 if data.disturbed is None else int(data.disturbed[rows].reshape(len(rows), -1).any(axis=1).sum()),
    )


def _left_out(data: EcgReportDataModule, split: str) -> dict[str, int]:
    """Rows of a split that are not used, by reason."""
    in_split = (data.store.records["split"] == split).to_numpy()
    counts = {reason: int((rows & in_split).sum()) for reason, rows in data.targets.left_out.items()}
    if split == "train":
        counts["held out"] = len(data.held_out)
        others = int((in_split & data.targets.usable & ~data.training).sum())
        counts["not in train_fraction"] = others - len(data.held_out)
    if split not in data.splits:
        counts["not looked at"] = int((in_split & data.targets.usable).sum())
    counts |= {f"quality.{limit}": n for limit, n in data.left_out.get(split, {}).items()}
    assert in_split.sum() == len(data.rows[split]) + sum(counts.values())
    return {reason: n for reason, n in counts.items() if n}


def _quartiles(ages: pl.Series) -> tuple[float, float, float] | None:
    if ages.is_empty():
        return None
    first, median, third = (float(ages.cast(pl.Float64).quantile(part, "linear") or 0) for part in (0.25, 0.5, 0.75))
    return first, median, third
