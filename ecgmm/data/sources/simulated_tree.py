"""Tree of the synthetic source: written when it is absent, read like MIMIC-IV-ECG, with labels from the truth."""

import dataclasses
import re
from pathlib import Path

import polars as pl

from ecgmm.data.sources import mimic_iv_ecg
from ecgmm.data.sources.index_tables import INTEGER, TEXT, Kind, read_values, to_choice, to_integer_of
from ecgmm.data.sources.labels.label_set import LabelSettings
from ecgmm.data.sources.labels.rhythm import CLASS_OF_TRUTH, TRUE_RHYTHM
from ecgmm.data.sources.labels.superclass import TRUE_SUPERCLASSES
from ecgmm.data.sources.source import EVIDENCE_PREFIX, SourceIndex
from ecgmm.data.sources.tree_reading import tree_sha256
from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.tree import write_tree
from ecgmm.text.statements import SUPERCLASSES

_AGAIN = "remove the folder, and the next call writes it again"
_FLAG = Kind("0 or 1", to_integer_of(0, 1))
_TRUTH = {
    "study_id": INTEGER,
    "rhythm": Kind("simulated rhythm", to_choice(*CLASS_OF_TRUTH)),
    **dict.fromkeys(SUPERCLASSES, _FLAG),
}


def read_simulated(root: Path, generator: SyntheticConfig, folds: LabelSettings | None) -> SourceIndex:
    """Write the tree if it is absent, and read it.

    Args:
        root: Its folder.
        generator: How it is written.
        folds: Names the file whose folds are the split; None for no folds.

    Raises:
        DataError: If a table cannot be used.
    """
    if not root.exists():
        write_tree(root, generator)
    index = mimic_iv_ecg.read_tables(root)
    truth_path = root / "truth.csv"
    truth = read_values(truth_path, _TRUTH, _AGAIN, {re.compile("site"): TEXT})
    index = dataclasses.replace(
        index,
        frame=index.frame.join(_evidence(truth.frame), on="record", how="left", maintain_order="left"),
        csv_sha256=index.csv_sha256 | {truth_path.name: tree_sha256(truth_path)},
        unreadable=index.unreadable | truth.unreadable,
    )
    return index if folds is None else mimic_iv_ecg.with_folds(index, folds, _AGAIN)


def _evidence(truth: pl.DataFrame) -> pl.DataFrame:
    """Columns of evidence of each record whose truth is listed whole."""
    flags = [pl.when(pl.col(name) == 1).then(pl.lit(name)) for name in SUPERCLASSES]
    known = truth.drop_nulls().unique("study_id", keep="first", maintain_order=True)
    return known.select(
        pl.col("^site$"),
        pl.col("rhythm").alias(f"{EVIDENCE_PREFIX}{TRUE_RHYTHM}"),
        pl.concat_list(flags).list.drop_nulls().alias(f"{EVIDENCE_PREFIX}{TRUE_SUPERCLASSES}"),
        record="study_id",
    )
