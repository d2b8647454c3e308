"""The manifest: what a store was made from and with, and what became of every record; as data and as a table."""

import dataclasses
from typing import Any

import polars as pl
from rich.table import Table

from ecgmm.console.plain_console import PlainConsole
from ecgmm.data.preparation.lead_statistics import LeadSums
from ecgmm.data.preparation.opening import without_paths
from ecgmm.data.sources.source import DataConfig, SourceIndex
from ecgmm.data.store.leads import ALL_RECORDED, count_origins
from ecgmm.data.store.splits import SPLITS, split_digest
from ecgmm.errors import printable
from ecgmm.leads import LEADS


def make_manifest(
    config: DataConfig,
    index: SourceIndex,
    records: pl.DataFrame,
    evidence: pl.DataFrame,
    n_times: int,
    dropped: pl.DataFrame,
    text_counts: dict[str, int],
    sums: LeadSums,
    readers: dict[str, int],
) -> dict[str, Any]:
    """Put the manifest together; the same tree and settings give the same bytes.

    Args:
        config: The settings.
        index: The source's index.
        records: The store's records.
        evidence: The store's evidence of labels.
        n_times: Samples of a row.
        dropped: The store's ``dropped.parquet``.
        text_counts: Rows with and without a report.
        sums: Lead sums of the training split.
        readers: Kept records by the reader that read them.

    Returns:
        Plain data for JSON; the keys are described in docs/reference/store.md.
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
        "readers": readers,
        "dropped": dict(dropped["reason"].value_counts().sort("reason").iter_rows()),
        "without_waveform": int((~records["has_waveform"]).sum()),
        "lead_origins": count_origins(records),
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
        "evidence": {"columns": [name for name in evidence.columns if name != "record"], **index.evidence},
    }


def print_summary(manifest: dict[str, Any]) -> None:
    """Print kept and dropped records and splits of a store."""
    console = PlainConsole()
    name, rate_hz = manifest["source"]["name"], manifest["rate_hz"]
    records = Table(title=f"Records of {name} at {rate_hz} Hz", title_justify="left")
    records.add_column("outcome")
    records.add_column("records", justify="right")
    records.add_row("kept", f"{manifest['kept']:,}")
    for name, count in manifest["readers"].items():
        records.add_row(f"kept, read by {name}", f"{count:,}")
    for reason, count in manifest["dropped"].items():
        records.add_row(f"dropped: {reason}", f"{count:,}")
    records.add_row("kept, without usable waveform", f"{manifest['without_waveform']:,}")
    for origin, count in manifest["lead_origins"].items():
        if origin != ALL_RECORDED:
            records.add_row(f"rows of leads {origin} (r recorded, d computed, m missing)", f"{count:,}")
    for name, count in manifest["text"].items():
        records.add_row(f"reports: {name.replace('_', ' ')}", f"{count:,}")
    for name, count in manifest["unreadable"].items():
        records.add_row(f"not understood: {printable(name)}", f"{count:,}")
    console.print(records)
    splits = Table(title="Rows of each split", title_justify="left")
    splits.add_column("")
    for split in SPLITS:
        splits.add_column(split, justify="right")
    splits.add_row("all", *(f"{manifest['split']['counts'][split]:,}" for split in SPLITS))
    console.print(splits)
