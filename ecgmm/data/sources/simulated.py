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
from ecgmm.data.sources.labels import rhythm, superclass
from ecgmm.data.sources.labels.icd import IcdSettings
from ecgmm.data.sources.leakage import SIMULATION
from ecgmm.data.sources.source import DataConfig, SourceIndex
from ecgmm.data.store.splits import Folds
from ecgmm.data.synthetic import write_tree
from ecgmm.data.synthetic.config import TREE_VERSION, SyntheticConfig
from ecgmm.files import file_sha256

_AGAIN = "remove the folder, and the next call writes it again"
_FLAG = Kind("0 or 1", to_integer_of(0, 1))
_TRUTH = {
    "study_id": INTEGER,
    "rhythm": Kind("simulated rhythm", to_choice(*rhythm.CLASS_OF_TRUTH)),
    **dict.fromkeys(superclass.CLASSES, _FLAG),
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
    def text_origin(self) -> str:
        """The simulation."""
        return SIMULATION

    def read_index(self) -> SourceIndex:
        """Write the tree if it is absent, and read it like the real one; labels come from ``truth.csv``."""
        assert self.root is not None
        root = Path(self.root).expanduser().resolve()
        if not root.exists():
            write_tree(root, self.generator)
        index = mimic_iv_ecg.read_tables(self.root_path)
        truth_path = root / "truth.csv"
        truth = read_values(truth_path, _TRUTH, _AGAIN)
        known = truth.frame.drop_nulls()
        made = [module.from_truth(index.frame["record"], known) for module in (superclass, rhythm)]
        index = dataclasses.replace(
            index,
            frame=pl.concat([index.frame, *made], how="horizontal"),
            labels=[superclass.FROM_SIMULATION, rhythm.FROM_SIMULATION],
            csv_sha256=index.csv_sha256 | {truth_path.name: file_sha256(truth_path)},
            unreadable=index.unreadable | truth.unreadable,
        )
        return index if self.icd.csv is None else mimic_iv_ecg.with_icd(index, root / self.icd.csv, self.icd, _AGAIN)

    def parameters(self) -> dict[str, Any]:
        """As for every source; where the generated tree lies is not a setting of its own."""
        parameters = super().parameters()
        del parameters["raw"]
        return parameters
