"""Labels of every row of a store, and the file that keeps them.

``labels/`` lies beside the store (``stores/x.labels/superclass-0a1b2c3d4e5f.parquet``) and not in it: a store is
verified against its own list of files and may be read-only, while labels come and go with rules and settings.
"""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.sources.labels.label_set import LabelSet
from ecgmm.data.store.digests import is_sealed, plain_digest, seal, table_digest
from ecgmm.data.store.splits import SPLITS
from ecgmm.errors import DataError
from ecgmm.files import open_regular, whole_file

_KEY = "ecgmm.labels"
_DIGITS = 12
_UNREADABLE = (OSError, DataError, pl.exceptions.PolarsError, pl.exceptions.PanicException)


@dataclass(frozen=True)
class LabelTable:
    """Labels of every row of a store.

    Attributes:
        label_set: What the labels are.
        values: float32 ``[N, K]`` in [0, 1], how certain each class is in each row; above 0 it is a label. NaN in all
            classes of a row of which nothing is known.
        made_from: What decided the labels: store, rules, settings and file, as plain data.
    """

    label_set: LabelSet
    values: NDArray[np.float32]
    made_from: dict[str, Any]

    @property
    def digest(self) -> str:
        """Digest of all that decided the labels, in hex."""
        return digest_of(self.made_from)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether anything is known of each row, bool ``[N]``."""
        return np.asarray(~np.isnan(self.values).any(axis=1))

    @property
    def present(self) -> NDArray[np.bool_]:
        """Whether each row has each class, bool ``[N, K]``; False where nothing is known."""
        least = self.label_set.least
        certainty = np.where(self.known[:, None], self.values, np.float32(0))
        return np.asarray(certainty >= least if least else certainty > 0)

    def of_row(self, row: int) -> dict[str, float] | None:
        """Classes of one row with their certainty; None where nothing is known of it."""
        if np.isnan(self.values[row]).any():
            return None
        present = zip(self.label_set.classes, self.values[row].tolist(), strict=True)
        return {name: value for name, value in present if value > 0}

    def describe(self, splits: NDArray[np.str_]) -> dict[str, Any]:
        """Facts of the labels and the rows of each class in each split, as plain data.

        Args:
            splits: Split of each row, str ``[N]``.
        """
        about = self.label_set
        present = self.present
        return {
            "source": about.source,
            "version": about.version,
            "exhaustive": about.exhaustive,
            "classes": list(about.classes),
            "counts": {
                name: {split: int(present[splits == split, k].sum()) for split in SPLITS}
                for k, name in enumerate(about.classes)
            },
            "unlabelled": {split: int((~self.known)[splits == split].sum()) for split in SPLITS},
            "notes": about.notes,
        }


def digest_of(made_from: dict[str, Any]) -> str:
    """Digest of what decides labels, as it stands in the name of their file."""
    return plain_digest(made_from)[:_DIGITS]


def folder_of(store: Path) -> Path:
    """Folder of a store's label tables."""
    store = store.resolve()
    return store.with_name(f"{store.name}.labels")


def write_table(file: Path, table: LabelTable) -> None:
    """Write a table whole or not at all; it tells of patients, so that its owner alone may read it."""
    columns = {name: table.values[:, k] for k, name in enumerate(table.label_set.classes)}
    frame = pl.DataFrame(columns, nan_to_null=True)
    about = {"label_set": table.label_set.to_plain(), "made_from": table.made_from, "content": table_digest(frame)}
    with whole_file(file, private=True) as opened:
        frame.write_parquet(opened, metadata={_KEY: json.dumps(seal(about))})


def read_about(file: Path) -> dict[str, Any] | None:
    """Metadata of a table; None for a file that is no sound table."""
    try:
        with open_regular(file) as opened:
            about = json.loads(pl.read_parquet_metadata(opened)[_KEY])
    except (*_UNREADABLE, KeyError, ValueError, RecursionError):
        return None
    return about if isinstance(about, dict) and is_sealed(about) else None


def read_table(file: Path, n_rows: int) -> LabelTable | None:
    """Read a table; None where there is none, or it is damaged.

    Args:
        file: Its file.
        n_rows: Rows of the store.
    """
    about = read_about(file)
    if about is None:
        return None
    try:
        with open_regular(file) as opened:
            frame = pl.read_parquet(io.BytesIO(opened.read()))
    except _UNREADABLE:
        return None
    if table_digest(frame) != about["content"] or frame.height != n_rows:
        return None
    values = frame.fill_null(float("nan")).to_numpy().astype(np.float32, copy=False)
    return LabelTable(LabelSet.from_plain(about["label_set"]), values, about["made_from"])
