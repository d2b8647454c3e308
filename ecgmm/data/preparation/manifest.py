"""The manifest: what a store was made from and with, and what became of every record. Also as a table for people."""

import dataclasses
import hashlib
from typing import Any

import polars as pl
from rich.table import Table

from ecgmm.console.plain_console import PlainConsole
from ecgmm.data.preparation.lead_statistics import LeadSums
from ecgmm.data.sources.labels.label_set import LabelSet
from ecgmm.data.sources.source import DataConfig, SourceIndex
from ecgmm.data.store.splits import SPLITS, split_digest
from ecgmm.data.store.store import PATH_MARK
from ecgmm.errors import printable
from ecgmm.leads import LEADS

MOST_CLASSES_SHOWN = 10
"""Of a label set with more classes the most frequent ones are printed."""


def make_manifest(
    config: DataConfig,
    index: SourceIndex,
    records: pl.DataFrame,
    n_times: int,
    dropped: pl.DataFrame,
    text_counts: dict[str, int],
    sums: LeadSums,
) -> dict[str, Any]:
    """Put the manifest together; the same tree and settings give the same bytes.

    Args:
        config: The settings.
        index: The source's index.
        records: The store's records.
        n_times: Samples of a row.
        dropped: The store's ``dropped.parquet``.
        text_counts: Rows with and without a report.
        sums: Lead sums of the training split.

    Returns:
        Plain data for JSON; the keys are described in docs/data.md.
    """
    return {
        "source": {"name": config.name, "sha256": index.csv_sha256},
        "parameters": without_paths(config.parameters()),
        "rate_hz": config.rate_hz,
        "n_times": n_times,
        "uv_per_step": config.uv_per_step,
        "leads": list(LEADS),
        "n_records": records.height,
        "n_patients": records["patient"].n_unique(),
        "kept": records["record"].n_unique(),
        "dropped": dict(dropped["reason"].value_counts().sort("reason").iter_rows()),
        "without_waveform": int((~records["has_waveform"]).sum()),
        "text": text_counts,
        "unreadable": index.unreadable,
        "text_origin": config.text_origin,
        "split": {
            "seed": config.split.seed,
            "digest": split_digest(records),
            "counts": {split: int((records["split"] == split).sum()) for split in SPLITS},
        },
        "lead_mean_mv": sums.mean_mv(config.uv_per_step),
        "lead_std_mv": sums.std_mv(config.uv_per_step),
        "lead_sums": dataclasses.asdict(sums),
        "labels": {labels.name: _describe(labels, records) for labels in index.labels},
    }


def without_paths(parameters: dict[str, Any]) -> dict[str, Any]:
    """Settings with a digest in place of each path of this machine."""
    return {name: _marked(value) if _is_path(value) else value for name, value in parameters.items()}


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("/", "~"))


def _marked(path: str) -> str:
    return PATH_MARK + hashlib.sha256(path.encode(errors="surrogateescape")).hexdigest()[:16]


def _describe(labels: LabelSet, records: pl.DataFrame) -> dict[str, Any]:
    present = [(pl.col(column) > 0).sum() for column in labels.columns]
    unlabelled = pl.col(labels.columns[0]).is_null().sum().alias("unlabelled")
    counted = {row["split"]: row for row in records.group_by("split").agg(*present, unlabelled).to_dicts()}
    names = zip(labels.classes, labels.columns, strict=True)
    return {
        "source": labels.source,
        "version": labels.version,
        "exhaustive": labels.exhaustive,
        "classes": list(labels.classes),
        "counts": {name: {split: counted[split][column] for split in SPLITS} for name, column in names},
        "unlabelled": {split: counted[split]["unlabelled"] for split in SPLITS},
        "notes": labels.notes,
    }


def print_summary(manifest: dict[str, Any]) -> None:
    """Print kept and dropped records, splits and classes of a store."""
    console = PlainConsole()
    records = Table(title=f"Records of {manifest['source']['name']}", title_justify="left")
    records.add_column("outcome")
    records.add_column("records", justify="right")
    records.add_row("kept", f"{manifest['kept']:,}")
    for reason, count in manifest["dropped"].items():
        records.add_row(f"dropped: {reason}", f"{count:,}")
    records.add_row("kept, without usable waveform", f"{manifest['without_waveform']:,}")
    for name, count in manifest["text"].items():
        records.add_row(f"reports: {name.replace('_', ' ')}", f"{count:,}")
    for name, count in manifest.get("unreadable", {}).items():  # older stores counted none
        records.add_row(f"not understood: {printable(name)}", f"{count:,}")
    console.print(records)
    splits = Table(title="Rows of each split", title_justify="left")
    splits.add_column("")
    for split in SPLITS:
        splits.add_column(split, justify="right")
    splits.add_row("all", *(f"{manifest['split']['counts'][split]:,}" for split in SPLITS))
    for name, labels in manifest["labels"].items():
        _add_labels(splits, name, labels)
    console.print(splits)


def _add_labels(table: Table, name: str, labels: dict[str, Any]) -> None:
    """Add a label set's rows: its classes, or of many the most frequent ones, and what was counted on the way."""
    shown = list(labels["counts"].items())
    more = ""
    if len(shown) > MOST_CLASSES_SHOWN:
        more = f", {len(shown)} classes, the most frequent are"
        shown = sorted(shown, key=lambda item: (-sum(item[1].values()), item[0]))[:MOST_CLASSES_SHOWN]
    table.add_section()
    table.add_row(f"{name} ({labels['source']}){more}")
    for row, counts in [*shown, ("unlabelled", labels["unlabelled"])]:
        table.add_row(f"  {row}", *(f"{counts[split]:,}" for split in SPLITS))
    for note, count in labels["notes"].items():
        if count:
            table.add_row(f"  {note}: {count:,}")
