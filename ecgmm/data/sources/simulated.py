"""The synthetic source: a MIMIC-IV-ECG tree that is written when it is absent, with the true state as labels."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ecgmm.data.sources import mimic_iv_ecg
from ecgmm.data.sources.index_tables import INTEGER, Kind, read_values, to_choice, to_integer_of
from ecgmm.data.sources.labels.icd import IcdSettings
from ecgmm.data.sources.labels.label_set import LabelSettings
from ecgmm.data.sources.labels.rhythm import CLASS_OF_TRUTH, TRUE_RHYTHM
from ecgmm.data.sources.labels.superclass import TRUE_SUPERCLASSES
from ecgmm.data.sources.leakage import SIMULATION
from ecgmm.data.sources.source import EVIDENCE_PREFIX, DataConfig, SourceIndex
from ecgmm.data.store.splits import Folds
from ecgmm.data.synthetic import write_tree
from ecgmm.data.synthetic.config import TREE_VERSION, SyntheticConfig
from ecgmm.files import file_sha256
from ecgmm.text.statements import SUPERCLASSES

_AGAIN = "remove the folder, and the next call writes it again"
_FLAG = Kind("0 or 1", to_integer_of(0, 1))
_TRUTH = {
    "study_id": INTEGER,
    "rhythm": Kind("simulated rhythm", to_choice(*CLASS_OF_TRUTH)),
    **dict.fromkeys(SUPERCLASSES, _FLAG),
}


@dataclass(kw_only=True)
class Synthetic(DataConfig):
    """Settings of the synthetic source.

    Attributes:
        raw: Folder that holds generated trees; used where ``root`` is None.
        n_patients: See ``SyntheticConfig``.
        seed: Seed of the generator.
        rates: The other fields of ``SyntheticConfig``.
        icd: See ``IcdSettings``; a relative ``csv`` lies in the tree.
    """

    raw: str
    n_patients: int
    seed: int
    rates: dict[str, float]
    icd: IcdSettings

    def __post_init__(self) -> None:
        super().__post_init__()
        self.generator = SyntheticConfig(n_patients=self.n_patients, seed=self.seed, **self.rates)
        if self.root is None:
            settings = json.dumps({"version": TREE_VERSION, **dataclasses.asdict(self.generator)}, sort_keys=True)
            self.root = f"{self.raw}/synthetic-{hashlib.sha256(settings.encode()).hexdigest()[:12]}"

    @property
    def chosen_folds(self) -> Folds | None:
        """Those of the ICD file where the settings ask for them."""
        return self.icd.folds

    @property
    def label_settings(self) -> LabelSettings:
        """Those of the discharge diagnoses."""
        assert self.root is not None
        return self.icd.label_settings(Path(self.root).expanduser())

    @property
    def text_origin(self) -> str:
        """The simulation."""
        return SIMULATION

    def read_index(self) -> SourceIndex:
        """Write the tree if it is absent, and read it like the real one; labels are read from ``truth.csv``."""
        assert self.root is not None
        root = Path(self.root).expanduser().resolve()
        if not root.exists():
            write_tree(root, self.generator)
        index = mimic_iv_ecg.read_tables(self.root_path)
        truth_path = root / "truth.csv"
        truth = read_values(truth_path, _TRUTH, _AGAIN)
        index = dataclasses.replace(
            index,
            frame=index.frame.join(_evidence(truth.frame), on="record", how="left", maintain_order="left"),
            csv_sha256=index.csv_sha256 | {truth_path.name: file_sha256(truth_path)},
            unreadable=index.unreadable | truth.unreadable,
        )
        return mimic_iv_ecg.with_folds(index, self.label_settings, _AGAIN) if self.icd.use_folds else index

    def parameters(self) -> dict[str, Any]:
        """As for every source; where the generated tree lies is not a setting of its own."""
        parameters = super().parameters() | self.icd.parameters()
        del parameters["raw"]
        return parameters


def _evidence(truth: pl.DataFrame) -> pl.DataFrame:
    """Columns of evidence of each record whose truth is listed whole."""
    flags = [pl.when(pl.col(name) == 1).then(pl.lit(name)) for name in SUPERCLASSES]
    known = truth.drop_nulls().unique("study_id", keep="first", maintain_order=True)
    return known.select(
        pl.col("rhythm").alias(f"{EVIDENCE_PREFIX}{TRUE_RHYTHM}"),
        pl.concat_list(flags).list.drop_nulls().alias(f"{EVIDENCE_PREFIX}{TRUE_SUPERCLASSES}"),
        record="study_id",
    )
