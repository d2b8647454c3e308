"""Simulated records to try the page with, one for each finding of the simulator."""

from pathlib import Path
from typing import NamedTuple

import polars as pl

from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.tree import write_tree

CONFIG = SyntheticConfig(n_patients=20, seed=2026, missing_report=0.0)
FINDINGS = {
    "NORM": "normal",
    "MI": "infarct",
    "STTC": "ST and T changes",
    "CD": "conduction disturbance",
    "HYP": "hypertrophy",
}


class Example(NamedTuple):
    """A simulated record.

    Attributes:
        name: What a user chooses.
        record: Its WFDB record.
        report: Its report.
    """

    name: str
    record: Path
    report: str


def make_examples(folder: Path) -> list[Example]:
    """Simulate a small tree and take the first record that has each finding alone.

    Args:
        folder: Gets the tree; must exist.
    """
    tree = folder / "synthetic"
    write_tree(tree, CONFIG)
    truth = pl.read_csv(tree / "truth.csv")
    paths = pl.read_csv(tree / "record_list.csv").select("study_id", "path")
    said = pl.read_csv(tree / "machine_measurements.csv", infer_schema_length=None)
    lines = [name for name in said.columns if name.startswith("report_")]
    report = pl.concat_str([pl.col(name).cast(pl.String) for name in lines], separator=". ", ignore_nulls=True)
    rows = truth.join(paths, on="study_id", maintain_order="left").join(
        said.select("study_id", report=report), on="study_id", maintain_order="left"
    )
    alone = pl.sum_horizontal(list(FINDINGS)) == 1
    examples = []
    for finding, words in FINDINGS.items():
        chosen = rows.filter(alone & (pl.col(finding) == 1)).head(1)
        for row in chosen.iter_rows(named=True):
            examples.append(Example(f"simulated: {words}", tree / row["path"], row["report"]))
    return examples
