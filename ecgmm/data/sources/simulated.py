"""The synthetic source: a MIMIC-IV-ECG tree that is written when it is absent, with the true state as labels."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecgmm.data.sources.labels.icd import IcdSettings
from ecgmm.data.sources.labels.label_set import LabelSettings
from ecgmm.data.sources.leakage import SIMULATION
from ecgmm.data.sources.source import DataConfig, SourceIndex
from ecgmm.data.store.splits import Folds
from ecgmm.data.synthetic.config import SyntheticConfig


@dataclass(kw_only=True)
class Synthetic(DataConfig):
    """Settings of the synthetic source.

    Attributes:
        raw: Folder that holds generated trees; used where ``root`` is None.
        n_patients: See ``SyntheticConfig``.
        seed: Seed of the generator.
        second_cart: See ``SyntheticConfig``.
        rates: The other fields of ``SyntheticConfig``.
        icd: See ``IcdSettings``; a relative ``csv`` lies in the tree.
    """

    raw: str
    n_patients: int
    seed: int
    second_cart: float = 0.0  # runs made before it was a setting have none
    rates: dict[str, float]
    icd: IcdSettings

    def __post_init__(self) -> None:
        super().__post_init__()
        self.generator = SyntheticConfig(
            n_patients=self.n_patients, seed=self.seed, second_cart=float(self.second_cart), **self.rates
        )
        if self.root is None:
            settings = json.dumps(self.generator.digested(), sort_keys=True)
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
        from ecgmm.data.sources.simulated_tree import read_simulated  # generator and readers; a store needs neither

        assert self.root is not None
        root = Path(self.root).expanduser().resolve()
        return read_simulated(
            self.root_path if root.exists() else root,
            self.generator,
            self.label_settings if self.icd.use_folds else None,
        )

    def parameters(self) -> dict[str, Any]:
        """Settings as for every source, without the folder of generated trees."""
        parameters = super().parameters() | self.icd.parameters()
        del parameters["raw"]
        if not self.second_cart:
            del parameters["second_cart"]  # such a store is the same as one made before there was the setting
        return parameters
