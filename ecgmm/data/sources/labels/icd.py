"""Settings of the labels from discharge diagnoses (``records_w_diag_icd10.csv`` of MIMIC-IV-ECG-Ext-ICD)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecgmm.data.sources.labels.label_set import LabelSettings
from ecgmm.data.store.splits import Folds
from ecgmm.errors import ConfigError

FOLDS = Folds(train=list(range(18)), val=[18], test=[19])
"""The published use of the file's column ``fold``."""
CURE = "set data.icd.csv to records_w_diag_icd10.csv of MIMIC-IV-ECG-Ext-ICD, or to null to do without"


@dataclass(kw_only=True)
class IcdSettings:
    """Settings of the labels from discharge diagnoses.

    Attributes:
        csv: ``records_w_diag_icd10.csv``; None makes no such labels.
        min_records: ``icd_multilabel`` keeps the codes that at least so many records of the tree have.
        use_folds: Whether the file's folds are the split; records that it does not list are then dropped.
        first_of_stay: Whether only the first record of a stay has labels, as in the published numbers on these labels.
    """

    csv: str | None
    min_records: int
    use_folds: bool
    first_of_stay: bool = False

    def __post_init__(self) -> None:
        if self.min_records < 1:
            raise ConfigError(f"data.icd.min_records is {self.min_records}; it must be 1 or more")
        if self.use_folds and self.csv is None:
            raise ConfigError("data.icd.use_folds=true needs the file that holds the folds; set data.icd.csv")

    @property
    def folds(self) -> Folds | None:
        """Folds of each split, or None where patients are split by hash."""
        return FOLDS if self.use_folds else None

    def parameters(self) -> dict[str, Any]:
        """Settings that change a store: only where the file's folds are its split."""
        if not self.use_folds:
            return {}
        csv = None if self.csv is None else str(Path(self.csv).expanduser())
        return {"icd.csv": csv, "icd.use_folds": True}

    def label_settings(self, folder: Path = Path(), certainty: str = "definite") -> LabelSettings:
        """Settings of the labels; a relative ``csv`` lies in ``folder``."""
        csv = None if self.csv is None else folder / Path(self.csv).expanduser()
        return LabelSettings(
            certainty=certainty, icd_csv=csv, min_records=self.min_records, first_of_stay=self.first_of_stay
        )
